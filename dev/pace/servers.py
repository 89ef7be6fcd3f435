"""Servers with hidden limits: what each answers to a request that arrives at some time, in seconds."""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

REFUSAL = 0.3  # of the latency, which a refusal takes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, the seconds that it takes, its headers."""

    status: int
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """One without a limit: `latency` seconds a request, with lognormal `jitter`; a share of them fails with 500."""

    latency: float = 0.1
    jitter: float = 0.2
    failing: float = 0.0
    refusing: float = 0.0  # share of requests that are refused whatever is asked
    names: str = ""  # what Retry-After says then
    seed: int = 1

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._events: list[tuple[float, Callable[[], None]]] = []

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Let something happen once; events are given in their order."""
        self._events.append((when, event))

    def reply(self, now: float) -> Reply:
        """What is answered to a request."""
        while self._events and self._events[0][0] <= now:
            self._events.pop(0)[1]()
        refusal = self.refusal(now)
        if refusal is not None:
            return refusal
        if self.refusing and self._random.random() < self.refusing:
            return self.refused(429, {"Retry-After": self.names} if self.names else {})
        if self._random.random() < self.failing:
            return Reply(500, self.duration())
        return Reply(200, self.serve(now), self.headers(now))

    def duration(self) -> float:
        """Seconds of work for one request."""
        if not self.jitter:
            return self.latency
        sigma = math.sqrt(math.log(1 + self.jitter**2))
        return self.latency * math.exp(self._random.gauss(-sigma * sigma / 2, sigma))

    def refused(self, status: int, headers: dict[str, str]) -> Reply:
        """A refusal."""
        return Reply(status, REFUSAL * self.latency, headers)

    def refusal(self, now: float) -> Reply | None:
        """Why a request is not let in; None where it is."""
        return None

    def serve(self, now: float) -> float:
        """Seconds until a request is answered that was let in."""
        return self.duration()

    def headers(self, now: float) -> dict[str, str]:
        """What every answer tells."""
        return {}

    def permits(self, since: float, until: float) -> float:
        """How many requests the limit lets in between two times."""
        return math.inf


@dataclass
class Bucket(Server):
    """So many requests a second, and a `burst` at once; `retry_after` is what a refusal names, in seconds."""

    rate: float = 100.0
    burst: float = 20.0
    status: int = 429
    retry_after: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._tokens, self._filled = self.burst, 0.0
        self._rates = [(0.0, self.rate)]

    def change(self, when: float, rate: float) -> "Bucket":
        """Permit another rate from then on."""
        self._rates.append((when, rate))
        return self

    def _rate(self, now: float) -> float:
        return next(rate for when, rate in reversed(self._rates) if when <= now)

    def refusal(self, now: float) -> Reply | None:
        """None while there are tokens."""
        self._tokens = min(self.burst, self._tokens + (now - self._filled) * self._rate(now))
        self._filled = now
        if self._tokens >= 1:
            self._tokens -= 1
            return None
        told = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        return self.refused(self.status, told)

    def permits(self, since: float, until: float) -> float:
        """The rate over the time."""
        ends = [*(when for when, _ in self._rates[1:]), math.inf]
        spans = ((max(since, when), min(until, end), rate) for (when, rate), end in zip(self._rates, ends, strict=True))
        return sum(rate * (end - begin) for begin, end, rate in spans if end > begin)


@dataclass
class Window(Server):
    """A `quota` of requests in each `period`, from `phase` seconds before the start on."""

    quota: int = 200
    period: float = 5.0
    phase: float = 0.0
    status: int = 429
    names_time: bool = False
    tells: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number, self._count = -1, 0

    def _left(self, now: float) -> float:
        number = math.floor((now + self.phase) / self.period)
        if number != self._number:
            self._number, self._count = number, 0
        return (number + 1) * self.period - self.phase - now

    def refusal(self, now: float) -> Reply | None:
        """None while the quota is not used up."""
        left = self._left(now)
        if self._count < self.quota:
            self._count += 1
            return None
        named = {"Retry-After": f"{math.ceil(left)}"} if self.names_time else {}
        return self.refused(self.status, named | self.headers(now))

    def headers(self, now: float) -> dict[str, str]:
        """What is left, and until when."""
        left = self._left(now)
        if not self.tells:
            return {}
        return {"RateLimit-Remaining": f"{self.quota - self._count}", "RateLimit-Reset": f"{math.ceil(left)}"}

    def permits(self, since: float, until: float) -> float:
        """The quota over the time."""
        return (until - since) * self.quota / self.period


@dataclass
class Sliding(Window):
    """A `quota` of requests in any `period`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._log: deque[float] = deque()

    def refusal(self, now: float) -> Reply | None:
        """None while fewer came in the last period."""
        while self._log and self._log[0] <= now - self.period:
            self._log.popleft()
        if len(self._log) < self.quota:
            self._log.append(now)
            return None
        left = self._log[0] + self.period - now
        return self.refused(self.status, {"Retry-After": f"{math.ceil(left)}"} if self.names_time else {})


@dataclass
class Cap(Server):
    """At most so many at once."""

    most: int = 20
    status: int = 429

    def __post_init__(self) -> None:
        super().__post_init__()
        self._busy: list[float] = []

    def refusal(self, now: float) -> Reply | None:
        """None while fewer are served."""
        while self._busy and self._busy[0] <= now:
            heapq.heappop(self._busy)
        return None if len(self._busy) < self.most else self.refused(self.status, {})

    def serve(self, now: float) -> float:
        """The time of work."""
        seconds = self.duration()
        heapq.heappush(self._busy, now + seconds)
        return seconds

    def permits(self, since: float, until: float) -> float:
        """All of them busy all the time."""
        return (until - since) * self.most / self.latency


@dataclass
class Knee(Server):
    """So many workers, first come, first served: beyond them only latency grows."""

    workers: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        self._free = [0.0] * self.workers

    def serve(self, now: float) -> float:
        """The time of work, and of waiting for a worker."""
        end = max(now, heapq.heappop(self._free)) + self.duration()
        heapq.heappush(self._free, end)
        return end - now

    def permits(self, since: float, until: float) -> float:
        """All of them busy all the time."""
        return (until - since) * self.workers / self.latency


@dataclass
class Outage(Bucket):
    """A bucket that answers nothing but 503 between two times."""

    begin: float = 0.0
    end: float = 0.0

    def reply(self, now: float) -> Reply:
        """503 in between."""
        return self.refused(503, {}) if self.begin <= now < self.end else super().reply(now)

    def permits(self, since: float, until: float) -> float:
        """Nothing in between."""
        down = max(0.0, min(until, self.end) - max(since, self.begin))
        return super().permits(since, until) - down * self.rate
