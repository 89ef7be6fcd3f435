"""The client of a source: pages by number or one after the other, retried, paced, and delivered in order."""

import contextvars
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar, cast

import httpx
from loguru import logger

from seawall.clients.account import Account, Accounts
from seawall.clients.auth.keepers import TokenKeeper
from seawall.clients.auth.tokens import TokenAuth
from seawall.clients.caps import Caps
from seawall.clients.errors import PageFailedError, WalkStoppedError
from seawall.clients.fetcher import Fetcher
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.transport import http_client, http_transport
from seawall.clients.http.wire import Wire
from seawall.clients.limits import MAX_IN_FLIGHT, READ_AHEAD
from seawall.clients.pace.allowance import Allowance
from seawall.clients.pace.course import Course, Learned, Limit
from seawall.clients.pages.identity import Sameness
from seawall.clients.pages.page import End, Gap, Page, PageRequest, Totals
from seawall.clients.pagination.extent import Extent
from seawall.clients.pagination.kinds import Chained, Numbered
from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource
from seawall.clients.statistics import Statistics
from seawall.clients.walks.chained import ChainedWalk
from seawall.clients.walks.claims import Claims
from seawall.clients.walks.numbered import NumberedWalk, gap_of
from seawall.clients.walks.outage import Outage
from seawall.clients.walks.readahead import Ahead, ReadAhead

Argument = TypeVar("Argument")
Outcome = TypeVar("Outcome")


class ApiClient:
    """Fetches pages of a source; one for each process and run, shared by all its threads.

    As many requests are on the wire as the source is the faster for, at most `max_in_flight`; pages that back off are
    none of them. Pages are read ahead within a budget of bytes. `params` are query parameters of this run, `record_key`
    is its key in place of the source's; it may be published with `max_failed_pages` missing and `max_rejected_records`
    set aside. With `accounts` it shares login, slots, pauses and rate with all clients of its process that have the
    same credentials at the same API; `keeper` keeps tokens that rotate. `transport`, `clock` (monotonic), `sleep` (as
    in Pacing) and `pool` stand in for the network, for time and for threads.
    """

    def __init__(  # noqa: PLR0913  # each has a name and a default
        self,
        source: ApiSource,
        *,
        max_in_flight: int | None = None,
        page_size: int | None = None,
        params: Mapping[str, str] | None = None,
        record_key: str | None = None,
        max_failed_pages: int = 0,
        max_rejected_records: int | None = None,
        keeper: TokenKeeper | None = None,
        accounts: Accounts | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
        pool: Executor | None = None,
    ) -> None:
        self._secrets = source.secrets()
        SECRETS.add(*self._secrets)
        self.statistics = Statistics()
        self.page_size = page_size or source.page_size
        self._pagination = source.pagination
        self._extent = Extent(first_page=source.pagination.first_page, page_size=self.page_size)
        self._outage = Outage(source, max_failed_pages=max_failed_pages)
        if accounts is None:
            self._account = Account(source, keeper=keeper, transport=transport, clock=clock, sleep=sleep)
            self._account.join(self)
        else:
            self._account = accounts.join(self, source, keeper=keeper)
        self._pacing = Pacing(
            gate=self._account.gate,
            max_in_flight=max_in_flight,
            max_rate=source.max_rate,
            longest_wait=source.max_retry_after,
            give_up_after=source.give_up_after,
            answers=self._still_answers,
            sleep=sleep,
        )
        self._longest_wait = source.max_retry_after
        most = max_in_flight or MAX_IN_FLIGHT
        self._read_ahead = ReadAhead(lambda: min(most, self._account.gate.may_be_in_flight))
        self._pool = pool or ThreadPoolExecutor(READ_AHEAD * most, thread_name_prefix=f"fetch-{source.name}")
        self._wire = Wire()
        self._client = http_client(
            transport or http_transport(self._wire, max_in_flight=most, **source.connection()),
            connect_timeout=source.connect_timeout,
            read_timeout=source.read_timeout,
        )
        self._auth = self._account.auth
        self._fetcher = Fetcher(
            source,
            client=self._client,
            auth=self._auth,
            pacing=self._pacing,
            caps=Caps(source, self.statistics, clock=clock),
            extent=self._extent,
            sameness=Sameness(record_key or source.record_key, source.volatile),
            params=source.query() | dict(params or {}),
            max_rejected_records=max_rejected_records,
        )
        self._kept: Page | None = None  # the first page, until a walk takes it

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

    @property
    def unkept(self) -> int:
        """The last page without records that said that others follow, by a flag."""
        return self._extent.unkept

    @property
    def rule_hits(self) -> Counter[int]:
        """How often each rule of the source, by its number from 1, said what an answer is."""
        return self._fetcher.rules.hits

    def allowance(self) -> Allowance:
        """What has to permit each request from now on."""
        self._pacing.allowance = Allowance()
        return self._pacing.allowance

    def last_refusal(self) -> tuple[float | None, float | None, float]:
        """When a request was refused last (monotonic), the rate that is permitted then, the seconds nothing starts."""
        return self._account.gate.last_refusal()

    def heed(self, pause: float, rate: float | None) -> None:
        """Start nothing for `pause` seconds, `max_retry_after` at most, and share `rate`, as another process did."""
        self._account.gate.heed(min(pause, self._longest_wait), rate)

    def paced(self) -> tuple[Learned, Course]:
        """What limits of the source were found, and the course of its requests so far."""
        return self._account.gate.paced()

    @property
    def limit(self) -> Limit:
        """What holds requests back now."""
        return self._account.gate.limit()

    def expect(self, *, pages: int | None, records: int | None, reach: int, longest: int) -> None:
        """Go by what another process saw, perhaps: totals, the last page with records, the records of the longest."""
        self._extent.expect(Totals(pages=pages, records=records), reach=reach, longest=longest)
        self._pacing.pages_came = True

    def stop(self) -> None:
        """End all waits and all requests on the wire now; walks raise WalkStoppedError."""
        self._pacing.stop()
        self._wire.hang_up()
        self._account.leave(self)

    def close(self) -> None:
        """Stop, release threads and sockets, and mask no secrets of this source any more."""
        self.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()
        self._account.close()
        SECRETS.discard(*self._secrets)
        self._secrets = []

    def authenticate(self) -> None:
        """Get a token now, where the source wants one, so that bad credentials fail before anything else."""
        if isinstance(self._auth, TokenAuth):
            self._auth.token()

    def first_page(self, number: int | None = None, *, keep: bool = False) -> Page:
        """The page that a walk begins with, the source's first or `number`; what is not a page ends the run.

        With `keep` the walk that begins there next takes it, in place of asking once more.

        Raises:
            SourceError: with what stood in the way.
        """
        first = self._pagination.first_page
        begins = number is None or number == first
        page = self._fetcher.fetch(
            self._pagination.first(self.page_size) if begins else self._numbered(number or first), first=True
        )
        self._read_ahead.came(page)
        self._kept = page if keep else None
        return page

    def page(self, number: int) -> Page:
        """A page by number or offset, as it comes.

        Raises:
            PageFailedError: it cannot be had.
            SourceError: no page can.
        """
        return self._fetcher.fetch(self._numbered(number))

    def pages(self, first: int, last: int, *, sharing: int = 1) -> Generator[Page | Gap | End, None, None]:
        """The pages `first` to `last` in order, read ahead while one of them backs off; by number or offset only.

        A page that failed for good comes as a Gap in its place; an End says that the walk ended before
        `last`. `sharing` is the number of walks that share this client's read-ahead.

        Raises:
            SourceDownError: nothing but gaps comes.
            SourceError: no page can be had any more.
        """
        walk = NumberedWalk(
            cast(Numbered, self._pagination),
            fetch=self._fetcher.fetch,
            submit=lambda number: self._submitted(self._first_answer, number),
            ahead=Ahead(self._read_ahead, sharing=sharing),
            extent=self._extent,
            claims=Claims(self._fetcher.fetch, self._pacing),
        )
        for outcome in walk.pages(first, last):
            self.statistics.add(outcome)
            self._outage.add(outcome)
            yield outcome

    def follow(
        self, first: int, last: int, token: str | None = None, *, records_before: int = 0
    ) -> Generator[Page, None, None]:
        """The pages `first` to `last` one after the other, each asked for while the one before is used.

        `token` is what page `first - 1` gave; None begins the walk. It ends with a page without a token.
        `records_before` is how many records the source sent before page `first`.

        Raises:
            PageFailedError, SourceError: a page that cannot be had ends the walk, for none after it can.
        """
        walk = ChainedWalk(
            cast(Chained, self._pagination),
            fetch=self._fetched,
            submit=self._submitted,
            extent=self._extent,
            claims=Claims(self._fetcher.fetch, self._pacing),
            records_before=records_before,
        )
        try:
            for page in walk.pages(first, last, token):
                self.statistics.add(page)
                yield page
        except PageFailedError as error:
            self.statistics.add(gap_of(error.number, error))
            raise

    def _submitted(self, fetch: Callable[[Argument], Outcome], argument: Argument) -> Future[Outcome]:
        context = contextvars.copy_context()  # so that log lines reach the task that walks
        try:
            return self._pool.submit(context.run, fetch, argument)
        except RuntimeError:  # what a pool says that is shut down
            raise WalkStoppedError("the walk was stopped") from None

    def _first_answer(self, number: int) -> Page | Gap | End:
        """What comes of asking for a numbered page once, with all its attempts."""
        if self._extent.is_over(number):
            return End(number=number, totals=self.totals, read_at=time.time())
        try:
            page = self._fetched(self._numbered(number))
        except PageFailedError as error:
            logger.bind(page=number, attempts=len(error.causes), error=str(error)).warning("page failed for good")
            return gap_of(number, error)
        self._read_ahead.came(page)
        return page

    def _fetched(self, request: PageRequest) -> Page:
        """A page, the one that was kept where it is the same."""
        kept = self._kept
        if kept is not None and kept.number == request.number and request.token is None:
            self._kept = None
            return kept
        return self._fetcher.fetch(request)

    def _still_answers(self) -> bool:
        return self._fetcher.answers()

    def _numbered(self, number: int) -> PageRequest:
        return cast(Numbered, self._pagination).at(number, self.page_size)
