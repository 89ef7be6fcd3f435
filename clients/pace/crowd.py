"""The crowd: how many requests at once a source is the faster for, and how many it lets in."""

import math
from typing import Final

from seawall.clients.pace.latency import Latency
from seawall.clients.pace.tickets import Ticket

BEGIN: Final = 8.0  # requests at once, until something is known
SLOWER: Final = math.log(1.25)  # of latency: what ends the doubling at the start
FEWEST: Final = 4  # below which it is not worth looking at how fast the source is with fewer
QUEUE: Final = 1.2  # times as many as the source can serve at once: a queue so short that it costs little, and is seen
ROUND: Final = 16  # answers, at least, before the number is looked at again
ROUND_ERROR: Final = 0.05  # of the mean latency of a round, or else
ROUND_LIMIT: Final = 300  # answers
PROBE_EVERY: Final = 15.0  # seconds between two looks at how fast the source is with fewer
CREEP_AFTER: Final = 4.0  # seconds after a refusal before one more is let in, or else
CREEP_ANSWERS: Final = 50.0  # answers, if that takes longer


class Crowd:
    """How many requests to have in flight, from 1 to `ceiling`.

    It doubles with every round trip until latency grows. From then on a queue of a fifth is kept: by Little's law,
    `window` x (least latency / latency) is how many the source serves at once, as in TCP Vegas (Brakmo and Peterson,
    1995) and Netflix's Gradient2 (Performance Under Load, 2018). A source that refuses more than `cap` at once is
    asked by as many, and now and then by one more.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.cap = math.inf
        self.round_trip = 0.2  # seconds, smoothed
        self._window = BEGIN
        self._doubles = True
        self._latency = Latency()
        self._round: list[float] = []
        self._round_from = 0.0
        self._before: tuple[int, float] | None = None
        self._probed = -math.inf
        self._back: float | None = None  # the window to go back to after a look at fewer
        self._creeps_at = 0.0
        self._step = 1.0

    @property
    def limit(self) -> int:
        """How many may be in flight."""
        return max(1, int(min(self._window, self.cap, self.ceiling)))

    @property
    def is_creeping(self) -> bool:
        """Whether more are let in than a cap that was found."""
        return self._step > 1 and not math.isinf(self.cap)

    @property
    def is_growing(self) -> bool:
        """Whether no bound was found so far."""
        return self._doubles

    @property
    def knee(self) -> int | None:
        """How many at once the source is the faster for, where that was found to be fewer than `ceiling`."""
        return None if self._doubles or self._window >= self.ceiling else self.limit

    def served(self, ticket: Ticket, now: float) -> None:
        """Learn from an answer."""
        seconds = now - ticket.started
        self.round_trip += 0.1 * (seconds - self.round_trip)
        self._latency.add(now, ticket.in_flight, seconds)
        if not ticket.is_bound:
            return
        if self._doubles:
            self._double(ticket, now)
        elif ticket.started >= self._round_from:
            self._round.append(math.log(max(seconds, 1e-5)))
            self._look(now)
        self._creep(now)

    def capped(self, crowd: int, now: float) -> None:
        """The source refused a request while it served `crowd` others."""
        self._doubles = False
        self.cap = max(1.0, min(crowd, self.cap))
        self._creeps_at = now + max(CREEP_AFTER, CREEP_ANSWERS * self.round_trip / self.cap)
        self._step = 1.0
        self._begin_round(now + self.round_trip)

    def uncapped(self, now: float) -> None:
        """Refusals have nothing to do with how many there are at once."""
        self._doubles = False
        self.cap = math.inf
        self._begin_round(now + self.round_trip)

    def _begin_round(self, now: float) -> None:
        self._round.clear()
        self._round_from = now

    def _double(self, ticket: Ticket, now: float) -> None:
        here = self._latency.at(ticket.in_flight, now)
        least = self._latency.least(ticket.in_flight // 2, now)
        if here and least and here[0] - least[0] > SLOWER + 2 * math.hypot(here[1], least[1]):
            self._doubles = False
            self._window = max(2.0, QUEUE * ticket.in_flight * math.exp(least[0] - here[0]) + 1)
            self._begin_round(now + self.round_trip)
            return
        self._window += 1
        if self._window >= self.ceiling:
            self._window, self._doubles = float(self.ceiling), False
            self._begin_round(now + self.round_trip)

    def _look(self, now: float) -> None:
        """Where enough answers came with this window, find a better one."""
        count, window = len(self._round), self.limit
        if count < max(window, ROUND):
            return
        mean = math.fsum(self._round) / count
        error = math.sqrt(math.fsum((each - mean) ** 2 for each in self._round) / (count - 1) / count)
        if error > ROUND_ERROR and count < ROUND_LIMIT:
            return
        before, self._before = self._before, (window, mean)
        if before and window < 0.85 * before[0] and mean > before[1] - 0.5 * math.log(before[0] / window):
            self._latency.raise_to(mean - error)  # with fewer it was no faster
        least = self._latency.least(window, now)
        served_at_once = window * math.exp(min(0.0, sum(least) - mean)) if least else window
        self._window = self._better(window, served_at_once, now)
        self._begin_round(now + math.exp(mean))

    def _better(self, window: int, served_at_once: float, now: float) -> float:
        """The next window, after one round with this one."""
        if self._back is not None:
            back, self._back = self._back, None
            return back
        target = QUEUE * served_at_once + 1
        is_past_the_knee = served_at_once < 0.9 * window and target < 1.15 * window
        is_blind = self._latency.least(window // 2, now) is None  # nothing is known of fewer
        if (is_past_the_knee or is_blind) and window >= FEWEST and now - self._probed > PROBE_EVERY:
            self._probed, self._back = now, float(window)
            return max(1.0, 0.6 * served_at_once)
        return min(float(self.ceiling), max(1.0, 0.6 * window, min(target, max(1.5 * window, window + 1.0))))

    def _creep(self, now: float) -> None:
        """Let more in than the cap, after a while without refusals."""
        if math.isinf(self.cap) or now < self._creeps_at:
            return
        self.cap += self._step
        self._step = min(2 * self._step, max(2.0, self.cap))
        self._creeps_at = now + 2 * self.round_trip
        if self.cap > 1.5 * self._window:
            self.cap = math.inf
