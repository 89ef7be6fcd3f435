"""Asking: how a source is asked for a page, and where the links in its answers lead."""

from collections.abc import Mapping
from typing import Final

import httpx
from loguru import logger

from seawall.clients.http.exchange import Answer
from seawall.clients.http.urls import origin, unveiled, veiled, with_missing, with_params
from seawall.clients.pages.answers import KEEP_METHOD, REDIRECTS
from seawall.clients.pages.page import PageRequest
from seawall.clients.pagination.links import followed
from seawall.clients.pagination.parameters import PAGE_IN_PATH
from seawall.clients.pointers import is_pointer, with_values
from seawall.clients.source import ApiSource
from seawall.clients.values import Texts, is_credential

_JSON: Final = ("Content-Type", "application/json")


class Asking:
    """Makes the requests of a source: what asks for a page goes into its URL, its query or its body.

    `params` go with every request. A URL that the source named gets the page size back where it lacks it, the other
    params only where the source says so (`keep_params`), and credentials always: they are kept in no receipt.
    """

    def __init__(self, source: ApiSource, params: Texts) -> None:
        self._source = source
        self._own = httpx.URL(source.url.replace(PAGE_IN_PATH, ""))
        self._params = params
        self._secret_params = {
            name: text for name, text in params.items() if name in source.secret_params or is_credential(name, text)
        }
        self._told = False
        self._headers = source.header_items()
        if source.method == "POST" and not any(name.lower() == "content-type" for name, _ in self._headers):
            self._headers.append(_JSON)

    def request(self, client: httpx.Client, page: PageRequest) -> httpx.Request:
        """What asks for a page, not yet signed."""
        query = {name: text for name, text in page.query.items() if not is_pointer(name) and name != PAGE_IN_PATH}
        content = self._content(page.query) if self._source.method == "POST" else None
        url = self._followed(page.url, query) if page.url else self._begun(page.query, query)
        return client.build_request(self._source.method, url, headers=self._headers, content=content)

    def followed(self, target: str, base: httpx.URL) -> str:
        """The URL that a link on the page at `base` leads to, fit to be kept in a receipt; see `links.followed`."""
        url = followed(
            target,
            base,
            own=self._own,
            allowed=self._source.allowed_origins,
            without=[*self._secret_params, *self._source.auth.query_names()],
            rewrites=self._source.next_origin == "rewrite",
        )
        self._tell_of_missing_params(httpx.URL(url))
        return veiled(url, self._own)

    def redirected(self, request: httpx.Request, answer: Answer) -> httpx.Request | None:
        """The same request at another path of its origin, where an answer is such a redirect; None where it is not."""
        location = answer.headers.get("Location", "")
        if answer.status not in (REDIRECTS if request.method == "GET" else KEEP_METHOD) or not location:
            return None
        try:
            target = request.url.join(location)
        except httpx.InvalidURL:
            return None
        if origin(target) != origin(request.url) or target.path == request.url.path:
            return None
        return httpx.Request(request.method, target, headers=self._headers, content=request.content)

    def _tell_of_missing_params(self, url: httpx.URL) -> None:
        """Say once that next URLs come without params of the first request: they may stand in a token, or be lost."""
        missing = sorted(self._params.keys() - self._secret_params.keys() - set(url.params.keys()))
        if missing and not self._source.keep_params and not self._told:
            self._told = True
            logger.bind(params=", ".join(missing)).warning(
                "next URLs come without params that went with the first request; keep_params puts them back"
            )

    def _begun(self, asked: Mapping[str, str], query: Mapping[str, str]) -> httpx.URL:
        url = httpx.URL(self._source.url.replace(PAGE_IN_PATH, asked.get(PAGE_IN_PATH, "")))
        return with_params(url, {**self._params, **query})

    def _followed(self, text: str, query: Mapping[str, str]) -> httpx.URL:
        url = with_missing(unveiled(text, self._own), query)
        if self._source.keep_params:
            url = with_missing(url, self._params)
        return with_params(url, self._secret_params)

    def _content(self, asked: Mapping[str, str]) -> bytes:
        return with_values(self._source.body, {name: text for name, text in asked.items() if is_pointer(name)})
