"""The fetcher: one page of a source, with all its attempts."""

import time
from dataclasses import replace
from threading import Lock, RLock
from typing import cast

import httpx

from seawall.clients.auth.tokens import TokenAuth
from seawall.clients.caps import Caps
from seawall.clients.errors import (
    AttemptError,
    BodyTooLargeError,
    MalformedPageError,
    PageFailedError,
    PageRepeatedError,
    SourceError,
    WalkStoppedError,
)
from seawall.clients.http.exchange import Answer, exchange
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.retries import Backoff
from seawall.clients.http.urls import unveiled, veiled, with_params
from seawall.clients.http.wire import deadline
from seawall.clients.limits import CLAIM_ASKINGS, CLAIM_PAUSE
from seawall.clients.pages.answers import raise_for_status
from seawall.clients.pages.body import COMPLAINTS, Body
from seawall.clients.pages.decoding import Decoding
from seawall.clients.pages.identity import Sameness
from seawall.clients.pages.layout import Layout
from seawall.clients.pages.nesting import refuse_deep
from seawall.clients.pages.page import Page, PageRequest, Totals
from seawall.clients.pages.records import Records
from seawall.clients.pagination.chained import LinkHeader
from seawall.clients.pagination.extent import Extent, plausible
from seawall.clients.pagination.kinds import Chained, Numbered, paths
from seawall.clients.pagination.links import followed, link_to, refuse_secret
from seawall.clients.pagination.seen import Seen
from seawall.clients.source import ApiSource
from seawall.clients.values import Texts


class Fetcher:
    """Fetches pages as long as `extent` has them; the one place where a page is retried. Thread-safe.

    `params` go with every request, and so do the source's headers. `extent` learns what pages say about the whole.
    Where more than `max_rejected_records` of a page are rejected, it lists one more than these.
    `pacing` asks this fetcher in turn whether the source still answers, once too many attempts in a row have failed.
    """

    def __init__(  # noqa: PLR0913  # what a page takes
        self,
        source: ApiSource,
        *,
        client: httpx.Client,
        auth: httpx.Auth,
        pacing: Pacing,
        caps: Caps,
        extent: Extent,
        sameness: Sameness,
        params: Texts,
        max_rejected_records: int | None = None,
    ) -> None:
        self._source = source
        self._url = httpx.URL(source.url)
        self._client = client
        self._auth = auth
        self._pacing = pacing
        self._caps = caps
        self._extent = extent
        self._params = params
        self._most_rejected = None if max_rejected_records is None else max_rejected_records + 1
        self._page_size = extent.page_size
        self._headers = source.header_items()
        self._own_params = {*params, *source.auth.query_names()}
        self._origins = [source.url, *source.allowed_origins]
        self._sameness = sameness
        self._decoding = Decoding(source)
        self._layout = Layout(source.records_path, [*paths(source.pagination), *COMPLAINTS])
        self._seen = Seen()
        self._complaints = 0
        self._complaints_are_usual: bool | None = None
        self._reads_numbers: bool | None = None
        self._lock = Lock()
        self._lock_of_numbers = RLock()  # of its own: who holds it waits for a slot

    def fetch(self, request: PageRequest, *, first: bool = False) -> Page:
        """One whole page; `first` is set for the one that a walk begins with, which has to say more than others.

        Raises:
            PageFailedError: it used up its attempts, or is not there.
            SourceError: asking for it again, or for other pages, cannot help.
        """
        page = self._with_attempts(request, first=first)
        while rest := self._rest(page):
            more = self._with_attempts(rest)
            if not more.sent_records and self._extent.is_shorter(page.sent_records):
                self._pacing.sleep(CLAIM_PAUSE)
                more = self._with_attempts(rest)
                page = replace(page, askings=CLAIM_ASKINGS, differed=page.differed or more.sent_records > 0)
            if not more.sent_records:
                self._extent.stayed_short()
                break
            if not set(more.records).isdisjoint(page.records):
                message = f"page {page.number} comes in pieces that overlap, so records between them may be missing"
                raise PageFailedError(message, number=page.number, causes=(*page.retries, "overlap"))
            page = page.and_then(more)
            page = replace(page, identity=self._sameness.of(page.number, page.records))
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
            page = backoff.run(lambda: self._attempt(request, first=first, causes=backoff.causes))
            self._refuse_repetition(request, page)
            return page
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
        limits, signable, before = self._source, self._request(request), self._extent.largest
        try:
            with (
                self._pacing.slot(),
                deadline(limits.page_deadline),
                exchange(self._client, signable, auth=self._auth, max_bytes=limits.max_page_bytes) as answer,
            ):
                raise_for_status(answer, request, first=first, renewable=isinstance(self._auth, TokenAuth))
                page = self._page(request, answer, first=first)
        except BodyTooLargeError as error:
            remedy = f"({error.limit}); ask for smaller pages (page_size), or raise that limit in the source"
            message = f"page {request.number} {error} {remedy}"
            raise PageFailedError(message, number=request.number, causes=("too large",)) from None
        except AttemptError:
            self._pacing.raise_if_stopped()
            raise
        self._pacing.succeeded()
        return replace(page, retries=tuple(causes), totals_fell=page.totals.is_less_than(before))

    def _page(self, request: PageRequest, answer: Answer, *, first: bool) -> Page:
        """The page that a body holds, if it holds one."""
        pagination = self._source.pagination
        text = self._decoding.json_text(answer)
        body = Body(
            text, self._layout, max_records=self._source.max_page_records, headers=answer.headers,
            records_as=self._source.records_as,
        )  # fmt: skip
        records = body.records(self._source.records_path)
        refuse_deep(text, records)
        complains = self._complains(body, records)
        ordinal = request.number - pagination.first_page + 1
        totals = plausible(pagination.totals(body, self._page_size), ordinal=ordinal, records=len(records))
        begins = first and (request.number == pagination.first_page or not isinstance(pagination, Chained))
        if lacking := pagination.lacking(body, first=begins):
            raise MalformedPageError(lacking)
        next_token = None
        if isinstance(pagination, Chained):
            next_token = self._next_token(pagination, request, answer, body, empty=not records)
        elif refusal := pagination.refusal(records, self._page_size):
            raise MalformedPageError(f"page {request.number} {refusal}")
        if records or first:
            self._extent.learn(totals, number=request.number, records=len(records))
        good, rejected = body.sort_out(records, self._source.max_record_bytes, most=self._most_rejected)
        return Page(
            number=request.number,
            records=good,
            rejected=rejected,
            unlisted_rejections=len(records) - len(good) - len(rejected),
            totals=totals,
            body_bytes=len(answer.content),
            read_at=time.time(),
            next_token=next_token,
            says_end=isinstance(pagination, Chained) and next_token is None and pagination.says_end(body),
            last_url=self._last_url(pagination, answer),
            complains=complains,
            identity=self._sameness.of(request.number, good),
        )

    def _complains(self, body: Body, records: Records) -> bool:
        """Whether a body tells of an error, or that it is partial, as the pages of this source do.

        Raises:
            AttemptError: other pages do not; of the first one with records, too, until it says so CLAIM_ASKINGS times.
        """
        complaint = body.complaint()
        with self._lock:
            if complaint is None:
                self._complaints_are_usual = False if records else self._complaints_are_usual
                return False
            if records and self._complaints_are_usual is None:
                self._complaints += 1
                if self._complaints >= min(CLAIM_ASKINGS, self._source.max_attempts):
                    self._complaints_are_usual = True
        if self._complaints_are_usual:
            return True
        message = f"{complaint!r} at the top of the body; {body.beginning()}"
        if records:
            raise AttemptError(f"{len(records):,} records, but {message}", cause="partial")
        raise MalformedPageError(f"no records, but {message}")

    def _refuse_repetition(self, request: PageRequest, page: Page) -> None:
        """Raise PageRepeatedError where a page holds the records of another one, and that cannot be honest."""
        twin = self._seen.twin(request, page.identity)
        if twin is None:
            return
        may_repeat = self._extent.largest != Totals() and (page.identity.is_plain or self._seen.mostly_repeats)
        if not may_repeat or not self._numbers_are_read():
            raise PageRepeatedError(
                f"page {request.number} holds the very records of page {twin}: "
                f"does the source read {' and '.join(map(repr, request.query)) or 'the links that it gives'}?"
            )

    def _numbers_are_read(self) -> bool:
        """Whether the page behind the last one by totals holds nothing; asked once, where pages have numbers."""
        pagination = self._source.pagination
        if isinstance(pagination, Chained):
            return True
        with self._lock_of_numbers:
            if self._reads_numbers is None:
                self._reads_numbers = True  # while it is found out
                self._reads_numbers = self._is_nothing_at(self._extent.behind())
            return self._reads_numbers

    def _is_nothing_at(self, number: int) -> bool:
        pagination = cast(Numbered, self._source.pagination)
        try:
            return not self._with_attempts(pagination.at(number, self._page_size)).sent_records
        except PageFailedError as error:
            return error.missing

    def _next_token(
        self, pagination: Chained, request: PageRequest, answer: Answer, body: Body, *, empty: bool
    ) -> str | None:
        """What asks for the next page, if we may and can; an empty page that leads to itself is the last one."""
        token = pagination.next_token(body, answer.headers.get("Link", ""))
        if token is None:
            return None
        if pagination.tokens_are_urls:
            token = self._followed(token, answer)
        refuse_secret(token, request.number)
        if empty and token == request.token:
            return None
        self._seen.refuse_loop(request.number, token, empty=empty)
        return token

    def _last_url(self, pagination: Numbered | Chained, answer: Answer) -> str | None:
        """Where the source says that its last page is, if a walk by Link headers can know."""
        if not isinstance(pagination, LinkHeader):
            return None
        target = link_to("last", answer.headers.get("Link", ""))
        return None if target is None else self._followed(target, answer)

    def _followed(self, target: str, answer: Answer) -> str:
        """The URL that a link in an answer leads to, fit to be kept in a receipt."""
        url = followed(target, answer.url, allowed=self._origins, own=self._own_params)
        return veiled(url, self._url)

    def _request(self, request: PageRequest) -> httpx.Request:
        page = unveiled(request.url, self._url) if request.url else self._url
        url = with_params(page, {**self._params, **request.query})
        return self._client.build_request("GET", url, headers=self._headers)
