"""The fetcher: one page of a source, with all its attempts."""

import threading
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
from seawall.clients.pages.page import Page, PageRequest, Totals
from seawall.clients.pages.records import Records
from seawall.clients.pagination.kinds import Tokens, paths
from seawall.clients.pagination.links import followed, refuse_secret
from seawall.clients.pagination.seen import Seen
from seawall.clients.source import ApiSource


class Fetcher:
    """Fetches pages of `size` records; the one place where a page is retried. Thread-safe.

    `params` and `headers` go with every request. `totals` is what the source said last, `at_most` the same with the
    largest number of pages that it ever said: one glitch must not make a page that is missing one beyond the end.
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        client: httpx.Client,
        auth: httpx.Auth,
        pacing: Pacing,
        caps: Caps,
        params: Mapping[str, str],
        size: int,
    ) -> None:
        self.totals = self.at_most = Totals()
        self._source = source
        self._url = httpx.URL(source.url)
        self._client = client
        self._auth = auth
        self._pacing = pacing
        self._caps = caps
        self._params = params
        self._size = size
        self._headers = {name: value.get_secret_value() for name, value in source.headers.items()}
        self._own = {*params, *source.auth.query_names()}
        self._allowed = [source.url, *source.allowed_origins]
        self._layout = Layout(source.records_path, paths(source.pagination))
        self._seen = Seen()
        self._longest = 0
        self._errs_always: bool | None = None
        self._lock = threading.Lock()

    def learn(self, totals: Totals, records: int = 0) -> None:
        """Keep what a page of so many records says about the whole, and the largest number of pages ever said."""
        with self._lock:
            pages = max((each for each in (self.at_most.pages, totals.pages) if each is not None), default=None)
            self.totals, self.at_most = totals, replace(totals, pages=pages)
            self._longest = max(self._longest, records)

    def most(self, number: int) -> int:
        """How many records the pages before `number` hold at the most, as far as the longest page so far tells."""
        return (number - self._source.pagination.first_page) * (self._longest or self._size)

    def fetch(self, request: PageRequest, *, first: bool = False) -> Page:
        """One whole page; `first` is set for the one that a walk begins with, which has to say more than others.

        Raises:
            PageFailedError: it used up its attempts, or is not there.
            SourceError: asking for it again, or for other pages, cannot help.
        """
        page = self._with_attempts(request, first=first)
        while not isinstance(self._source.pagination, Tokens) and (
            rest := self._source.pagination.rest(page, self._size)
        ):
            more = self._with_attempts(rest)
            if not more.sent:
                break
            if not set(more.records).isdisjoint(page.records):
                message = f"page {page.number} comes in pieces that overlap, so records between them may lack"
                raise PageFailedError(message, number=page.number, causes=(*page.retries, "overlap"))
            page = page.and_then(more)
        return page

    def answers(self) -> bool:
        """Whether the source's first page can be had, so that the API is up and other pages are broken."""
        try:
            self._attempt(self._source.pagination.first(self._size), first=False, causes=[])
        except WalkStoppedError:
            raise
        except SourceError:
            return False
        return True

    def _with_attempts(self, request: PageRequest, *, first: bool = False) -> Page:
        limits, number = self._source, request.number
        backoff = Backoff(
            self._pacing, max_attempts=limits.max_attempts, max_retry_after=limits.max_retry_after, page=number
        )
        try:
            for attempt in backoff:
                with attempt:
                    return self._attempt(request, first=first, causes=backoff.causes)
        except PageFailedError as error:
            error.causes = (*backoff.causes, *error.causes)
            raise
        except AttemptError as error:
            if first and isinstance(error, MalformedPageError):
                raise
            message = f"page {number} failed {len(backoff.causes)} times; the last: {error}"
            raise PageFailedError(message, number=number, causes=tuple(backoff.causes)) from error
        raise AssertionError("stamina raises or returns")

    def _attempt(self, request: PageRequest, *, first: bool, causes: list[str]) -> Page:
        """One attempt: signed anew, within a deadline, checked."""
        self._caps.check(request.number)
        limits, sent = self._source, self._request(request)
        try:
            with (
                self._pacing.slot(),
                deadline(limits.page_deadline),
                exchange(self._client, sent, auth=self._auth, max_bytes=limits.max_page_bytes) as answer,
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
        totals = pagination.totals(body, self._size)
        if first and (lacking := pagination.lacking(body)):
            raise MalformedPageError(lacking)
        token = None
        if isinstance(pagination, Tokens):
            token = self._token(pagination, request.number, answer, body, empty=not records)
        elif refusal := pagination.refusal(records, self._size):
            raise MalformedPageError(f"page {request.number} {refusal}")
        self._seen.refuse_repetition(request, records)
        if totals != Totals() and (records or first):  # what says nothing takes nothing back
            self.learn(totals, len(records))
        good, rejected = body.sort_out(records, self._source.max_record_bytes)
        return Page(
            number=request.number,
            records=good,
            rejected=rejected,
            totals=totals,
            size=len(answer.content),
            read_at=time.time(),
            token=token,
        )

    def _refuse_error(self, body: Body, records: Records) -> None:
        """Refuse an error beside an empty list, unless pages with records tell of one as well, such as `code: ok`."""
        if records:
            if self._errs_always is None:
                self._errs_always = body.error() is not None
        elif not self._errs_always and (told := body.error()):
            raise MalformedPageError(told)

    def _token(self, pagination: Tokens, number: int, answer: Answer, body: Body, *, empty: bool) -> str | None:
        """What asks for the next page, if we may and can."""

        def resolve(text: str) -> str:
            return followed(text, answer.url, allowed=self._allowed, own=self._own)

        token = pagination.token(body, answer.headers.get("Link", ""), resolve)
        if token is not None:
            refuse_secret(token, number)
            self._seen.refuse_loop(number, token, empty=empty)
        return token

    def _request(self, asked: PageRequest) -> httpx.Request:
        url = with_params(httpx.URL(asked.url) if asked.url else self._url, {**self._params, **asked.query})
        return self._client.build_request("GET", url, headers=self._headers)
