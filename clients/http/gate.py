"""The gate: what an API sees of all clients of a process that share it: requests in flight, a rate, closed doors."""

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from seawall.clients.errors import AttemptError, MalformedPageError, PageFailedError
from seawall.clients.http.told import quotas
from seawall.clients.limits import MAX_IN_FLIGHT, RETRY_AFTER_FLOOR
from seawall.clients.pace.controller import Controller
from seawall.clients.pace.course import Course, Learned, Limit
from seawall.clients.pace.tickets import Fate, Ticket

OVERLOAD = frozenset({"408", "502", "503", "504", "timeout"})  # causes that, in a wave, mean that too much is asked


class Turn:
    """One request at the gate, from when it may start until it is answered."""

    def __init__(self, ticket: Ticket, now: Callable[[], float]) -> None:
        self.ticket = ticket
        self.headers: Mapping[str, str] = {}
        self._now = now
        self._answered: float | None = None

    def answered(self, headers: Mapping[str, str]) -> None:
        """The last byte of the answer came; what is done with it from now on takes the source no time."""
        self.headers = headers
        self._answered = self._now()

    @property
    def ended(self) -> float:
        """When it was answered, or failed."""
        return self._now() if self._answered is None else self._answered


class Gate:
    """Gives turns to the requests of all members, as the controller allows. Thread-safe.

    Each member brings limits of its own, and the strictest holds for all: the smallest number of requests in flight,
    the lowest rate. One of those who wait, the first in line, waits for the time to come; whoever asks again for a page
    goes before all who ask for the first time. `pages_came` is set once any member got a page, perhaps in another
    process. `clock` is monotonic.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.pages_came = False
        self.course = Course()
        self._clock = clock
        self._lock = threading.Lock()
        self._limits: dict[object, tuple[int | None, float | None]] = {}
        self._refused_at: float | None = None
        self._pace = Controller(ceiling=MAX_IN_FLIGHT)
        self._again: deque[threading.Event] = deque()  # the line: who asks again for a page, each set to look,
        self._first: deque[threading.Event] = deque()  # then who asks for the first time

    @property
    def may_be_in_flight(self) -> int:
        """How many requests, as far as is known by now."""
        return self._pace.crowd.limit

    def join(self, member: object, *, max_in_flight: int | None, max_rate: float | None) -> None:
        """Let a member's limits hold from now on; None limits nothing."""
        with self._lock:
            self._limits[member] = max_in_flight, max_rate
            self._apply_limits()

    def leave(self, member: object) -> None:
        """Forget a member's limits, and let all that wait look again; leaving twice is no error."""
        with self._lock:
            if self._limits.pop(member, None) is not None:
                self._apply_limits()
            for waiter in (*self._again, *self._first):
                waiter.set()

    def limit(self) -> Limit:
        """What has held requests back of late."""
        with self._lock:
            return self._pace.limit(self._clock())

    def paced(self) -> tuple[Learned, Course]:
        """What limits were found, and the course so far."""
        with self._lock:
            return self._pace.learned(), self.course.copy()

    def last_refusal(self) -> tuple[float | None, float | None, float]:
        """When a request was refused last, the rate that is permitted by then, and the seconds that nothing starts."""
        with self._lock:
            return self._refused_at, self._pace.rate.accepted, self._pace.door.delay(self._clock())

    def heed(self, pause: float, rate: float | None) -> None:
        """Start nothing for `pause` seconds, and no more than `rate` a second at first, as another process was told."""
        with self._lock:
            self._pace.heed(self._clock(), pause, rate)

    @contextlib.contextmanager
    def turn(
        self, sleep: Callable[[float], None], raise_if_stopped: Callable[[], None], *, again: bool, longest_wait: float
    ) -> Iterator[Turn]:
        """A turn, once there is one; how the body ends tells what became of the request.

        `sleep` waits for some seconds; `raise_if_stopped` is asked whenever something changed; both end the wait by
        raising. A source that asks for more than `longest_wait` seconds is not waited for.
        """
        turn = Turn(self._started(sleep, raise_if_stopped, again=again), self._clock)
        try:
            yield turn
        except BaseException as error:
            self._end(turn, error, longest_wait)
            raise
        self._end(turn, None, longest_wait)

    def _started(self, sleep: Callable[[float], None], raise_if_stopped: Callable[[], None], *, again: bool) -> Ticket:
        """Wait in the line until a request may start, and start it."""
        waiter, line = threading.Event(), self._again if again else self._first
        with self._lock:
            line.append(waiter)
        try:
            while True:
                raise_if_stopped()
                with self._lock:
                    waiter.clear()
                    now = self._clock()
                    delay = self._pace.delay(now) if self._next() is waiter else math.inf
                    if delay <= 0:
                        return self._pace.start(now)
                if math.isinf(delay):
                    waiter.wait()
                else:
                    with self.course.waiting(self._clock):
                        sleep(delay)
        finally:
            with self._lock:
                line.remove(waiter)
                self._call_next()

    def _next(self) -> threading.Event | None:
        """Who is first in the line."""
        return next(iter(self._again or self._first), None)

    def _call_next(self) -> None:
        if first := self._next():
            first.set()

    def _end(self, turn: Turn, error: BaseException | None, longest_wait: float) -> None:
        """Learn from how a request ended, and let the next one look whether it may start."""
        with self._lock:
            now, ticket, pace = turn.ended, turn.ticket, self._pace
            for name, told in quotas(turn.headers).items():
                if told.reset <= longest_wait:
                    pace.tell(name, ticket, told, now)
            match error:
                case AttemptError(throttling=True, retry_after=wish):
                    is_short = wish is not None and wish <= longest_wait
                    pace.refused(ticket, now, max(wish or 0.0, RETRY_AFTER_FLOOR) if is_short else None)
                case AttemptError(pending=False, cause=cause) if not isinstance(error, MalformedPageError):
                    pace.failed(ticket, now, may_be_overload=cause in OVERLOAD)
                case None | PageFailedError() | AttemptError():
                    pace.served(ticket, now)
                case _:
                    pace.dropped(ticket, now)
            self.course.add(ticket, now)
            if ticket.fate is Fate.REFUSED:
                self._refused_at = now
            self._call_next()

    def _apply_limits(self) -> None:
        most = [limit for limit, _ in self._limits.values() if limit is not None]
        rates = [rate for _, rate in self._limits.values() if rate is not None]
        self._pace.crowd.ceiling = min(most, default=MAX_IN_FLIGHT)
        self._pace.rate.limit(min(rates, default=None), self._clock())
