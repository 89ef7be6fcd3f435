"""The client of a source: pages by number or one after the other, retried, paced, and delivered in order."""

import contextvars
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar, cast

import httpx
from loguru import logger

from seawall.clients.auth.tokens import TokenAuth
from seawall.clients.caps import Caps
from seawall.clients.errors import PageFailedError, WalkStoppedError
from seawall.clients.fetcher import Fetcher
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.transport import http_client, http_transport
from seawall.clients.http.wire import Wire
from seawall.clients.limits import READ_AHEAD
from seawall.clients.pages.page import End, Gap, Page, PageRequest, Totals
from seawall.clients.pagination.extent import Extent
from seawall.clients.pagination.kinds import Chained, Numbered
from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource
from seawall.clients.statistics import Statistics

Argument = TypeVar("Argument")
Outcome = TypeVar("Outcome")


class ApiClient:
    """Fetches pages of a source; one for each process and run, shared by all its threads.

    At most `max_in_flight` requests are on the wire; pages that back off hold no slot, and up to four
    times as many pages are fetched or wait to be taken. `params` are query parameters of this run. `transport`,
    `clock` (monotonic) and `sleep` (as in Pacing) stand in for the network and for time.
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        max_in_flight: int = 8,
        page_size: int | None = None,
        params: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
    ) -> None:
        SECRETS.add(*source.secrets())
        self.statistics = Statistics()
        self.page_size = page_size or source.page_size
        self._pagination = source.pagination
        self._extent = Extent(first_page=source.pagination.first_page, page_size=self.page_size)
        self._pacing = Pacing(
            max_in_flight=max_in_flight,
            max_rate=source.max_rate,
            give_up_after=source.give_up_after,
            answers=self._still_answers,
            clock=clock,
            sleep=sleep,
        )
        self._window = READ_AHEAD * max_in_flight
        self._pool = ThreadPoolExecutor(self._window, thread_name_prefix=f"fetch-{source.name}")
        self._wire = Wire()
        self._client = http_client(
            transport
            or http_transport(self._wire, max_in_flight=max_in_flight, ca_certificates=source.ca_certificates),
            connect_timeout=source.connect_timeout,
            read_timeout=source.read_timeout,
        )
        self._auth = source.auth.build(self._client, self._pacing, source.max_retry_after)
        self._fetcher = Fetcher(
            source,
            client=self._client,
            auth=self._auth,
            pacing=self._pacing,
            caps=Caps(source, self.statistics, clock=clock),
            extent=self._extent,
            params=source.revealed_params() | dict(params or {}),
            page_size=self.page_size,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def totals(self) -> Totals:
        """What the source said last about the whole."""
        return self._extent.totals

    def expect(self, *, pages: int | None, records: int | None) -> None:
        """Go by totals that another process heard, perhaps, until the source says some now."""
        self._extent.expect(Totals(pages=pages, records=records))

    def stop(self) -> None:
        """End all waits and all requests on the wire now; walks raise WalkStoppedError."""
        self._pacing.stop()
        self._wire.hang_up()

    def close(self) -> None:
        """Stop, and release threads and sockets."""
        self.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def authenticate(self) -> None:
        """Get a token now, where the source wants one, so that bad credentials fail before anything else."""
        if isinstance(self._auth, TokenAuth):
            self._auth.token()

    def first_page(self, number: int | None = None) -> Page:
        """The page that a walk begins with, the source's first or `number`; what is not a page ends the run.

        Raises:
            SourceError: with what stood in the way.
        """
        first = self._pagination.first_page
        if number is None or number == first:
            return self._fetcher.fetch(self._pagination.first(self.page_size), first=True)
        return self._fetcher.fetch(self._numbered(number), first=True)

    def pages(self, first: int, last: int, *, sharing: int = 1) -> Generator[Page | Gap | End, None, None]:
        """The pages `first` to `last` in order, read ahead while one of them backs off; by number or offset only.

        A page that failed for good comes as a Gap in its place; an End says that the walk ended before
        `last`. `sharing` is the number of walks that share this client's read-ahead.
        """
        window = max(1, self._window // sharing)
        waiting: deque[Future[Page | Gap | End]] = deque()
        try:
            for number in range(first, last + 1):
                waiting.append(self._submitted(self._outcome, number))
                if len(waiting) == window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def follow(self, first: int, last: int, token: str | None = None) -> Generator[Page, None, None]:
        """The pages `first` to `last` one after the other, each asked for while the one before is used.

        `token` is what page `first - 1` gave; None begins the walk. It ends with a page without a token.

        Raises:
            PageFailedError, SourceError: a page that cannot be had ends the walk, for none after it can.
        """
        pagination = cast(Chained, self._pagination)
        begin = pagination.first(self.page_size)
        request = begin if token is None else pagination.after(first - 1, token, self.page_size)
        coming: Future[Page] | None = self._submitted(self._link, request)
        try:
            while coming is not None:
                page = coming.result()
                following = pagination.next(page, self.page_size) if page.number < last else None
                coming = self._submitted(self._link, following) if following else None
                yield page
        finally:
            if coming is not None:
                coming.cancel()

    def _submitted(self, fetch: Callable[[Argument], Outcome], argument: Argument) -> Future[Outcome]:
        context = contextvars.copy_context()  # so that log lines reach the task that walks
        try:
            return self._pool.submit(context.run, fetch, argument)
        except RuntimeError:  # what a pool says that is shut down
            raise WalkStoppedError("the walk was stopped") from None

    def _link(self, request: PageRequest) -> Page:
        """One page of a chain."""
        try:
            page = self._fetcher.fetch(request)
            if page.next_token is None and not page.sent_records:  # one glitch must not cut a walk short
                page = self._fetcher.fetch(request)
        except PageFailedError as error:
            self.statistics.add(_gap(request.number, error))
            raise
        self.statistics.add(page)
        return page

    def _outcome(self, number: int) -> Page | Gap | End:
        """What becomes of a numbered page; an end is asked for twice, for one glitch must not cut a walk short."""
        if self._extent.is_over(number):
            return End(number=number, totals=self.totals, read_at=time.time())
        outcome = self._first_outcome(number)
        if isinstance(outcome, End):
            outcome = self._first_outcome(number)
        if isinstance(outcome, End) and self._extent.last(outcome.totals) is None:
            self._extent.end_before(number)
        self.statistics.add(outcome)
        return outcome

    def _first_outcome(self, number: int) -> Page | Gap | End:
        try:
            page = self._fetcher.fetch(self._numbered(number))
        except PageFailedError as error:
            if error.missing and self._is_beyond_the_end(number, self._extent.at_most):
                return End(number=number, totals=self.totals, read_at=time.time())
            return _gap(number, error)
        totals = self.totals if page.totals.pages is None else page.totals
        if page.sent_records or not self._is_beyond_the_end(number, totals):
            return page
        return End(number=number, totals=totals, read_at=page.read_at)

    def _is_beyond_the_end(self, number: int, totals: Totals) -> bool:
        """Whether a page without records lies beyond the end; where no total says so, the page after it does."""
        is_beyond = self._extent.is_beyond(number, totals)
        if is_beyond is not None:
            return is_beyond
        if not self._extent.doubt(number):
            return False
        try:
            is_end = not self._fetcher.fetch(self._numbered(number + 1)).sent_records
        except PageFailedError as error:
            is_end = error.missing
        if not is_end:
            self._extent.trust()
        return is_end

    def _still_answers(self) -> bool:
        return self._fetcher.answers()

    def _numbered(self, number: int) -> PageRequest:
        return cast(Numbered, self._pagination).at(number, self.page_size)


def _gap(number: int, error: PageFailedError) -> Gap:
    logger.bind(page=number, attempts=len(error.causes), error=str(error)).warning("page failed for good")
    return Gap(number=number, error=str(error), retries=error.causes[:-1])
