"""The client of a source: pages by number, retried, paced, and delivered in order."""

import contextvars
import time
from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from types import TracebackType
from typing import Self

import httpx
from loguru import logger
from pydantic import SecretStr

from clients.answers import raise_for_status
from clients.auth import LoginAuth
from clients.errors import (
    AttemptError,
    MalformedPageError,
    PageFailedError,
    PageRepeatedError,
    SourceError,
    WalkStoppedError,
)
from clients.limits import READ_AHEAD
from clients.pacing import Pacing
from clients.page import Body, End, Gap, Page, Totals
from clients.redact import SECRETS, neutral
from clients.retries import Backoff, attempt_error
from clients.source import ApiSource
from clients.statistics import Statistics
from clients.wire import Wire, deadline

USER_AGENT = "seawall"


class ApiClient:
    """Fetches pages of a source; one for each process and run, shared by all its threads.

    At most `max_in_flight` requests are on the wire; pages that back off hold no slot, and up to four
    times as many pages are fetched or wait to be taken. `params` are query parameters of this run.
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        max_in_flight: int = 8,
        page_size: int | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        SECRETS.add(*source.secrets())
        self.totals = Totals()
        self.statistics = Statistics()
        self._source = source
        self._seen: dict[bytes, int] = {}  # digests of pages; 100 bytes or so for each
        self._page_size = page_size or source.page_size
        self._params = _revealed(source.params) | dict(params or {})
        self._headers = _revealed(source.headers)
        self._pacing = Pacing(
            max_in_flight=max_in_flight,
            max_rate=source.max_rate,
            give_up_after=source.give_up_after,
            answers=self._still_answers,
        )
        self._window = READ_AHEAD * max_in_flight
        self._pool = ThreadPoolExecutor(self._window, thread_name_prefix=f"fetch-{source.name}")
        self._wire = Wire()
        self._client = self._http_client(max_in_flight)
        self._auth = source.auth.build(self._client, self._pacing, source.max_retry_after)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        if isinstance(self._auth, LoginAuth):
            self._auth.token()

    def first_page(self, number: int) -> Page:
        """The page that a walk begins with; here an answer that is not a page ends the run.

        Raises:
            SourceError: with what stood in the way.
        """
        return self._fetch(number, first=True)

    def pages(self, first: int, last: int, *, sharing: int = 1) -> Generator[Page | Gap | End, None, None]:
        """The pages `first` to `last` in order, read ahead while one of them backs off.

        A page that failed for good comes as a Gap in its place; an End says that the walk ended before
        `last`. `sharing` is the number of walks that share this client's read-ahead.
        """
        window = max(1, self._window // sharing)
        waiting: deque[Future[Page | Gap | End]] = deque()
        try:
            for number in range(first, last + 1):
                waiting.append(self._submitted(number))
                if len(waiting) == window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _submitted(self, number: int) -> Future[Page | Gap | End]:
        context = contextvars.copy_context()  # so that log lines reach the task that walks
        try:
            return self._pool.submit(context.run, self._outcome, number)
        except RuntimeError:  # what a pool says that is shut down
            raise WalkStoppedError("the walk was stopped") from None

    def _outcome(self, number: int) -> Page | Gap | End:
        outcome = self._asked(number)
        if isinstance(outcome, End):
            outcome = self._asked(number)  # one glitch must not cut a walk short: an end is said twice
        self.statistics.add(outcome)
        return outcome

    def _asked(self, number: int) -> Page | Gap | End:
        try:
            page = self._fetch(number)
        except PageFailedError as error:
            if error.missing and self._is_beyond_the_end(number, self.totals):
                return End(number=number, totals=self.totals, read_at=time.time())
            logger.bind(page=number, attempts=len(error.causes), error=str(error)).warning("page failed for good")
            return Gap(number=number, error=str(error), retries=error.causes[:-1])
        told = self.totals if page.totals.pages is None else page.totals
        if page.records or page.rejected or not self._is_beyond_the_end(number, told):
            return page
        return End(number=number, totals=told, read_at=page.read_at)

    def _is_beyond_the_end(self, number: int, totals: Totals) -> bool:
        last = self._source.pagination.last(totals)
        return last is not None and number > last

    def _still_answers(self) -> bool:
        """Whether the source's first page can be had, so that the API is up and other pages are broken."""
        try:
            self._page(self._source.pagination.first_page, first=False, causes=[])
        except WalkStoppedError:
            raise
        except SourceError:
            return False
        return True

    def _fetch(self, number: int, *, first: bool = False) -> Page:
        """One page, with all its attempts; the one place where pages are retried."""
        limits = self._source
        backoff = Backoff(
            self._pacing, max_attempts=limits.max_attempts, max_retry_after=limits.max_retry_after, page=number
        )
        try:
            for attempt in backoff:
                with attempt:
                    return self._page(number, first=first, causes=backoff.causes)
        except PageFailedError as error:
            error.causes = (*backoff.causes, *error.causes)
            raise
        except AttemptError as error:
            if first and isinstance(error, MalformedPageError):
                raise
            message = f"page {number} failed {len(backoff.causes)} times; the last: {error}"
            raise PageFailedError(message, number=number, causes=tuple(backoff.causes)) from error
        raise AssertionError("stamina raises or returns")

    def _page(self, number: int, *, first: bool, causes: list[str]) -> Page:
        """One attempt at a page: signed anew, within a deadline, checked."""
        try:
            with self._pacing.slot(), deadline(self._source.page_deadline):
                response, content = self._answer(number)
        except (httpx.TransportError, httpx.DecodingError) as error:
            if self._pacing.stopped:
                raise WalkStoppedError("the walk was stopped") from None
            raise attempt_error(error) from error
        raise_for_status(response, content, number, first=first, renewable=isinstance(self._auth, LoginAuth))
        body = Body(content)
        records = body.records(self._source.records_path)
        totals = self._source.pagination.totals(body)
        if first and totals.pages is None:
            raise MalformedPageError(body.missing("number of pages", self._source.pagination.total_pages_path))
        if totals.pages is not None and (records or first):  # what says nothing takes nothing back
            self.totals = totals
        self._pacing.succeeded()
        self._refuse_repetition(number, records)
        good, rejected = body.sort_out(records, self._source.max_record_bytes)
        return Page(
            number=number,
            records=good,
            rejected=rejected,
            totals=totals,
            size=len(content),
            read_at=time.time(),
            retries=tuple(causes),
        )

    def _refuse_repetition(self, number: int, records: list[bytes]) -> None:
        digest = blake2b(b"\n".join(records), digest_size=16).digest()
        if records and (other := self._seen.setdefault(digest, number)) != number:
            raise PageRepeatedError(
                f"page {number} holds the very records of page {other}: is {self._source.pagination.page_param!r} "
                "the parameter that the source reads?"
            )

    def _answer(self, number: int) -> tuple[httpx.Response, bytes]:
        """Send one request and read its body, up to `max_page_bytes` of it."""
        url = httpx.URL(self._source.url)
        query = url.params.merge(self._params | self._source.pagination.at(number, self._page_size))
        limit = self._source.max_page_bytes
        content = bytearray()
        with self._client.stream("GET", url, params=query, headers=self._headers, auth=self._auth) as response:
            if "," in (coding := response.headers.get("Content-Encoding", "")):
                # one step is bounded by what arrives at once, two multiply: 500 bytes made 200 MiB
                raise MalformedPageError(f"page {number} comes compressed more than once: {neutral(coding)}")
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > limit:
                    message = f"page {number} is larger than {limit:,} bytes (max_page_bytes)"
                    raise PageFailedError(message, number=number, causes=("too large",))
        return response, bytes(content)

    def _http_client(self, max_in_flight: int) -> httpx.Client:
        source = self._source
        transport = httpx.HTTPTransport(
            limits=httpx.Limits(max_connections=max_in_flight + 1, max_keepalive_connections=max_in_flight + 1)
        )
        transport._pool._network_backend = self._wire  # noqa: SLF001  # httpx has no parameter for httpcore's
        return httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(source.read_timeout, connect=source.connect_timeout),
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
            },
            follow_redirects=False,
            trust_env=False,
        )


def _revealed(values: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in values.items()}
