"""The fetcher: one page of a source, with all its attempts."""

import time
from collections.abc import Mapping
from dataclasses import replace

import httpx

from seawall.clients.auth.tokens import TokenAuth
from seawall.clients.caps import Caps
from seawall.clients.errors import (
    AttemptError,
    BodyTooLargeError,
    MalformedPageError,
    PageFailedError,
    SourceError,
    WalkStoppedError,
)
from seawall.clients.http.exchange import Answer, exchange
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.retries import Backoff
from seawall.clients.http.urls import with_params
from seawall.clients.http.wire import deadline
from seawall.clients.pages.answers import raise_for_status
from seawall.clients.pages.body import Body
from seawall.clients.pages.layout import Layout
from seawall.clients.pages.nesting import refuse_deep
from seawall.clients.pages.page import Page, PageRequest
from seawall.clients.pages.records import Records
from seawall.clients.pagination.extent import Extent
from seawall.clients.pagination.kinds import Chained, paths
from seawall.clients.pagination.links import followed, refuse_secret
from seawall.clients.pagination.seen import Seen
from seawall.clients.source import ApiSource


class Fetcher:
    """Fetches pages of `page_size` records; the one place where a page is retried. Thread-safe.

    `params` go with every request, and so do the source's headers. `extent` learns what pages say about the whole.
    `pacing` asks this fetcher in turn whether the source still answers, once too many attempts in a row have failed.
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        client: httpx.Client,
        auth: httpx.Auth,
        pacing: Pacing,
        caps: Caps,
        extent: Extent,
        params: Mapping[str, str],
        page_size: int,
    ) -> None:
        self._source = source
        self._url = httpx.URL(source.url)
        self._client = client
        self._auth = auth
        self._pacing = pacing
        self._caps = caps
        self._extent = extent
        self._params = params
        self._page_size = page_size
        self._headers = {name: value.get_secret_value() for name, value in source.headers.items()}
        self._own_params = {*params, *source.auth.query_names()}
        self._origins = [source.url, *source.allowed_origins]
        self._layout = Layout(source.records_path, paths(source.pagination))
        self._seen = Seen()
        self._errors_are_usual: bool | None = None

    def fetch(self, request: PageRequest, *, first: bool = False) -> Page:
        """One whole page; `first` is set for the one that a walk begins with, which has to say more than others.

        Raises:
            PageFailedError: it used up its attempts, or is not there.
            SourceError: asking for it again, or for other pages, cannot help.
        """
        page = self._with_attempts(request, first=first)
        while rest := self._rest(page):
            more = self._with_attempts(rest)
            if not more.sent_records:
                break
            if not set(more.records).isdisjoint(page.records):
                message = f"page {page.number} comes in pieces that overlap, so records between them may be missing"
                raise PageFailedError(message, number=page.number, causes=(*page.retries, "overlap"))
            page = page.and_then(more)
        return page

    def answers(self) -> bool:
        """Whether the source's first page can be had, so that the API is up and other pages are broken."""
        try:
            self._attempt(self._source.pagination.first(self._page_size), first=False, causes=[])
        except WalkStoppedError:
            raise
        except SourceError:
            return False
        return True

    def _rest(self, page: Page) -> PageRequest | None:
        """What asks for the records that are missing from a page, where the source can say that they are."""
        pagination = self._source.pagination
        return None if isinstance(pagination, Chained) else pagination.rest(page, self._page_size)

    def _with_attempts(self, request: PageRequest, *, first: bool = False) -> Page:
        limits, number = self._source, request.number
        backoff = Backoff(
            self._pacing, max_attempts=limits.max_attempts, max_retry_after=limits.max_retry_after, page=number
        )
        try:
            return backoff.run(lambda: self._attempt(request, first=first, causes=backoff.causes))
        except PageFailedError as error:
            error.causes = (*backoff.causes, *error.causes)
            raise
        except AttemptError as error:
            if first and isinstance(error, MalformedPageError):
                raise
            message = f"page {number} failed {len(backoff.causes)} times; the last: {error}"
            raise PageFailedError(message, number=number, causes=tuple(backoff.causes)) from error

    def _attempt(self, request: PageRequest, *, first: bool, causes: list[str]) -> Page:
        """One attempt: signed anew, within a deadline, checked."""
        self._caps.check(request.number)
        limits, signable = self._source, self._request(request)
        try:
            with (
                self._pacing.slot(),
                deadline(limits.page_deadline),
                exchange(self._client, signable, auth=self._auth, max_bytes=limits.max_page_bytes) as answer,
            ):
                raise_for_status(answer, request, first=first, renewable=isinstance(self._auth, TokenAuth))
                page = self._page(request, answer, first=first)
        except BodyTooLargeError as error:
            message = f"page {request.number} {error} (max_page_bytes)"
            raise PageFailedError(message, number=request.number, causes=("too large",)) from None
        except AttemptError:
            self._pacing.raise_if_stopped()
            raise
        self._pacing.succeeded()
        return replace(page, retries=tuple(causes))

    def _page(self, request: PageRequest, answer: Answer, *, first: bool) -> Page:
        """The page that a body holds, if it holds one."""
        pagination = self._source.pagination
        body = Body(answer.content, self._layout)
        records = body.records(self._source.records_path)
        refuse_deep(answer.content, records)
        self._refuse_error(body, records)
        totals = pagination.totals(body, self._page_size)
        if first and (lacking := pagination.lacking(body)):
            raise MalformedPageError(lacking)
        next_token = None
        if isinstance(pagination, Chained):
            next_token = self._next_token(pagination, request.number, answer, body, empty=not records)
        elif refusal := pagination.refusal(records, self._page_size):
            raise MalformedPageError(f"page {request.number} {refusal}")
        self._seen.refuse_repetition(request, records)
        if records or first:
            self._extent.learn(totals, len(records))
        good, rejected = body.sort_out(records, self._source.max_record_bytes)
        return Page(
            number=request.number,
            records=good,
            rejected=rejected,
            totals=totals,
            body_bytes=len(answer.content),
            read_at=time.time(),
            next_token=next_token,
        )

    def _refuse_error(self, body: Body, records: Records) -> None:
        """Refuse an error beside an empty list, unless the first page with records has one, too, such as `error: 0`."""
        if records:
            if self._errors_are_usual is None:
                self._errors_are_usual = body.error() is not None
        elif not self._errors_are_usual and (message := body.error()):
            raise MalformedPageError(message)

    def _next_token(self, pagination: Chained, number: int, answer: Answer, body: Body, *, empty: bool) -> str | None:
        """What asks for the next page, if we may and can."""
        token = pagination.next_token(body, answer.headers.get("Link", ""))
        if token is None:
            return None
        if pagination.tokens_are_urls:
            token = followed(token, answer.url, allowed=self._origins, own=self._own_params)
        refuse_secret(token, number)
        self._seen.refuse_loop(number, token, empty=empty)
        return token

    def _request(self, request: PageRequest) -> httpx.Request:
        url = with_params(httpx.URL(request.url) if request.url else self._url, {**self._params, **request.query})
        return self._client.build_request("GET", url, headers=self._headers)
