"""The fetcher: one page of a source, with all its attempts."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from threading import Lock, RLock
from typing import cast

import httpx

from seawall.clients.asking import Asking
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
from seawall.clients.http.wire import deadline
from seawall.clients.limits import CLAIM_ASKINGS, CLAIM_PAUSE, MAX_REDIRECTS
from seawall.clients.pages.answers import Circumstances, Meaning, meaning_of
from seawall.clients.pages.body import COMPLAINTS, Body
from seawall.clients.pages.decoding import Decoding
from seawall.clients.pages.identity import Sameness
from seawall.clients.pages.layout import Layout
from seawall.clients.pages.nesting import refuse_deep
from seawall.clients.pages.page import Page, PageRequest, Totals
from seawall.clients.pages.records import Records, without
from seawall.clients.pages.rules import Rules
from seawall.clients.pagination.chained import LinkHeader
from seawall.clients.pagination.extent import Extent, plausible
from seawall.clients.pagination.keyset import Keyset
from seawall.clients.pagination.kinds import Chained, Numbered, paths
from seawall.clients.pagination.links import link_to, refuse_secret
from seawall.clients.pagination.reading import Reading
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
        self._asking = Asking(source, params)
        self._client = client
        self._auth = auth
        self._pacing = pacing
        self._caps = caps
        self._extent = extent
        self._most_rejected = None if max_rejected_records is None else max_rejected_records + 1
        self._page_size = extent.page_size
        self._sameness = sameness
        self.rules = Rules(source.rules)
        places = [rule.when.path for rule in source.rules if rule.when.path]
        self._layout = Layout(source.records_path, [*paths(source.pagination), *COMPLAINTS, *places])
        self._is_graphql = isinstance(source.body, dict) and isinstance(source.body.get("query"), str)
        self._decoding = Decoding(source)
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
            more = self._if_there(rest)
            if not _holds(more) and self._extent.is_no_longer(page.sent_records):
                self._pacing.sleep(CLAIM_PAUSE)
                more = self._if_there(rest)
                page = replace(page, askings=CLAIM_ASKINGS, differed=page.differed or _holds(more))
            if more is None or not more.sent_records:
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

    def _if_there(self, rest: PageRequest) -> Page | None:
        """What is missing from a page; None where there is said to be nothing there."""
        try:
            return self._with_attempts(rest)
        except PageFailedError as error:
            if not error.missing:
                raise
            return None

    def _with_attempts(self, request: PageRequest, *, first: bool = False) -> Page:
        limits, number = self._source, request.number
        backoff = Backoff(
            self._pacing,
            max_attempts=limits.max_attempts,
            max_retry_after=limits.max_retry_after,
            ready_deadline=limits.ready_deadline,
            page=number,
        )
        try:
            page = backoff.run(lambda: self._attempt(request, first=first, causes=backoff.causes))
            self._refuse_repetition(request, page)
            return page
        except PageFailedError as error:
            error.causes = (*backoff.causes, *error.causes)
            raise
        except AttemptError as error:
            if isinstance(error.final, PageFailedError):
                error.final.causes = tuple(backoff.causes)
            if error.final is not None:
                raise error.final from error
            if first and isinstance(error, MalformedPageError):
                raise
            message = f"page {number} failed {len(backoff.causes)} times; the last: {error}"
            raise PageFailedError(message, number=number, causes=tuple(backoff.causes)) from error

    def _attempt(self, request: PageRequest, *, first: bool, causes: list[str]) -> Page:
        """One attempt: signed anew, within a deadline, checked."""
        self._caps.check(request.number)
        before = self._extent.largest
        try:
            page = self._asked(request, self._asking.request(self._client, request), first=first, again=bool(causes))
        except BodyTooLargeError as error:
            remedy = f"({error.limit}); ask for smaller pages (page_size), or raise that limit in the source"
            message = f"page {request.number} {error} {remedy}"
            raise PageFailedError(message, number=request.number, causes=("too large",)) from None
        except AttemptError:
            self._pacing.raise_if_stopped()
            raise
        self._pacing.succeeded()
        return replace(page, retries=tuple(causes), totals_fell=page.totals.is_less_than(before))

    def _asked(
        self, request: PageRequest, signable: httpx.Request, *, first: bool, again: bool, redirects: int = 0
    ) -> Page:
        """The page that an answer holds, if it holds one; a redirect to another path of the origin is followed."""
        limits = self._source
        with (
            self._pacing.slot(again=again) as turn,
            deadline(limits.page_deadline),
            exchange(self._client, signable, auth=self._auth, max_bytes=limits.max_page_bytes) as answer,
        ):
            turn.answered(answer.headers)
            target = self._asking.redirected(signable, answer) if redirects < MAX_REDIRECTS else None
            if target is None:
                return self._judged(request, answer, first=first)
        return self._asked(request, target, first=first, again=True, redirects=redirects + 1)

    def _judged(self, request: PageRequest, answer: Answer, *, first: bool) -> Page:
        """The page that an answer means: one that it holds, or one without records."""
        source = self._source
        body = cache(lambda: self._body(answer))
        about = Circumstances(
            first=first,
            renewable=isinstance(self._auth, TokenAuth),
            worked=self._pacing.pages_came,
            end_statuses=source.pagination.end_statuses,
            no_content=source.missing_records == "empty",
            rule=self.rules.first(answer, body),
        )
        meaning = meaning_of(answer, request, about)
        if meaning is Meaning.END and not first and not isinstance(source.pagination, Chained):
            message = f"there is no page {request.number}: the source answers {answer.status}"
            raise PageFailedError(message, number=request.number, causes=(str(answer.status),), missing=True)
        rule = about.rule[0] if about.rule else None
        if meaning is Meaning.PAGE:
            return replace(self._page(request, answer, body(), first=first), rule=rule)
        return self._empty_page(request, answer, body, leads_on=meaning is Meaning.EMPTY, rule=rule)

    def _body(self, answer: Answer) -> Body:
        source, text = self._source, self._decoding.json_text(answer)
        return Body(
            text,
            self._layout,
            max_records=source.max_page_records,
            headers=answer.headers,
            records_as=source.records_as,
        )

    def _empty_page(
        self, request: PageRequest, answer: Answer, body: Callable[[], Body], *, leads_on: bool, rule: int | None
    ) -> Page:
        """A page without records, in place of an answer that holds none by its status or by a rule."""
        pagination, token, totals = self._source.pagination, None, Totals()
        try:
            found = body()
        except AttemptError:  # an answer without content, or one that a rule speaks of
            found = Body(b"{}", headers=answer.headers)
        if leads_on and (lacking := pagination.lacking(found, first=False, empty=True)):
            raise MalformedPageError(lacking)
        if leads_on and isinstance(pagination, Chained):
            token = self._next_token(pagination, request, answer, found, Reading(), empty=True)
        elif leads_on:
            totals = pagination.totals(found, self._page_size)
        return Page(
            number=request.number,
            records=Records(),
            totals=totals,
            body_bytes=len(answer.content),
            read_at=time.time(),
            next_token=token,
            says_end=not leads_on or (isinstance(pagination, Chained) and token is None and pagination.says_end(found)),
            rule=rule,
        )

    def _page(self, request: PageRequest, answer: Answer, body: Body, *, first: bool) -> Page:
        """The page that a body holds, if it holds one."""
        pagination, extent = self._source.pagination, self._extent
        sent = body.records(self._source.records_path, if_missing=self._source.missing_records)
        refuse_deep(body.text, sent)
        complains = self._complains(body, sent)
        ordinal = request.number - pagination.first_page + 1
        begins = first and (ordinal == 1 or not isinstance(pagination, Chained))
        if lacking := pagination.lacking(body, first=begins, empty=not sent):
            raise MalformedPageError(lacking)
        totals = plausible(pagination.totals(body, self._page_size), ordinal=ordinal, records=len(sent))
        next_token, reading, records = None, Reading(), sent
        says_more = pagination.more(body)
        if isinstance(pagination, Chained):
            reading = pagination.reading(
                request,
                sent,
                size=self._page_size,
                longest=extent.longest,
                comparable=self._sameness.comparable,
            )
            next_token = self._next_token(pagination, request, answer, body, reading, empty=not sent)
            records = without(sent, reading.repeated)
        elif refusal := pagination.refusal(sent, self._page_size):
            raise MalformedPageError(f"page {request.number} {refusal}")
        elif says_more is False and sent and totals.pages is None:
            totals = replace(totals, pages=ordinal)
        if sent or first or says_more:
            promises = bool(says_more) and (not sent or len(sent) >= extent.longest)
            told = totals if sent or first else Totals()
            extent.learn(told, number=request.number, records=len(sent), says_more=promises)
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
            repeated=len(reading.repeated),
            moved=reading.moved,
            is_doubtful=reading.is_doubtful,
            says_more=bool(says_more),
        )

    def _complains(self, body: Body, records: Records) -> bool:
        """Whether a body tells of an error, or that it is partial, as the pages of this source do.

        Raises:
            AttemptError: other pages do not; of the first one with records, too, until it says so CLAIM_ASKINGS times.
        """
        complaint = body.complaint()
        if complaint == "errors" and self._is_graphql:
            raise AttemptError(f"errors beside the data (GraphQL §7.1.2); {body.beginning()}", cause="partial")
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
        self, pagination: Chained, request: PageRequest, answer: Answer, body: Body, reading: Reading, *, empty: bool
    ) -> str | None:
        """What asks for the next page, if we may and can; an empty page that leads to itself is the last one."""
        token = pagination.next_token(body, reading)
        if token is None:
            return None
        if pagination.tokens_are_urls:
            token = self._asking.followed(token, answer.url)
        refuse_secret(token, request.number)
        if empty and token == request.token:
            return None
        if isinstance(pagination, Keyset):
            pagination.refuse_loop(request, token)
        else:
            self._seen.refuse_loop(request.number, token, empty=empty)
        return token

    def _last_url(self, pagination: Numbered | Chained, answer: Answer) -> str | None:
        """Where the source says that its last page is, if a walk by Link headers can know."""
        if not isinstance(pagination, LinkHeader):
            return None
        target = link_to("last", answer.headers.get("Link", ""))
        return None if target is None else self._asking.followed(target, answer.url)


def _holds(page: Page | None) -> bool:
    """Whether a page came, with records."""
    return page is not None and page.sent_records > 0
