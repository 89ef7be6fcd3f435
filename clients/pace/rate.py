"""The rate: how many requests a second a source permits, as far as its refusals tell."""

import math
from typing import Final

DROP: Final = 0.03  # below what was let in: where the rate falls to after a refusal
MOST_DROP: Final = 0.12  # where it was refused before it had come back
MOST_DROP_PAUSED: Final = 0.3  # the same where a refusal costs a pause
IN_VAIN: Final = 4  # refusals in a row before the rate had come back, after which it
FALLEN: Final = 0.35  # times as high is no less refused, though
FALLEN_PAUSED: Final = 0.55  # (where a refusal costs a pause)
NEARLY: Final = 0.8  # of what was asked was let in each time
PLATEAU: Final = 2.15  # seconds that it takes to come back, at least
GROWTH: Final = 0.003  # of the rate, times the cube of the seconds after that
ANSWERS_A_REFUSAL: Final = 60.0  # requests that the plateau lasts for each refusal before it
SECONDS_A_REFUSAL: Final = 20.0  # or as many as come in these seconds, where those are fewer, but
FEWEST_ANSWERS: Final = 20.0  # in any case
LONGEST_PLATEAU: Final = 30.0  # seconds
PAUSES: Final = 15.0  # and times the pause that a refusal costs
LATE: Final = 0.002  # seconds that a late start may be caught up with, or a quarter of the interval


class Rate:
    """A rate that falls just below what was let in, comes back, stays there, and grows ever faster after that.

    CUBIC's curve (RFC 9438 §4.2) over requests a second; starts are evenly spaced, as by GCRA (ITU-T I.371). Where too
    little came to measure it (`is_guess`), the rate doubles until it is refused.
    """

    def __init__(self, most: float | None) -> None:
        self.most = most
        self.accepted: float | None = None  # requests a second that were let in before the last refusal
        self._since = -math.inf
        self._drop = DROP
        self._pause = self._spared = 0.0
        self._refusals = 0
        self._doubling = 0.0  # seconds that doubling takes
        self._early = 0  # refusals in a row that came before the rate had come back
        self._before_that = 0.0  # what was let in before the first of them
        self._due = 0.0  # when the next request may start

    def at(self, now: float) -> float | None:
        """Requests a second; None where nothing limits them."""
        if self.accepted is None:
            return self.most
        passed = max(0.0, now - self._since)
        if self._doubling:
            rate = self.accepted * math.exp2(min(passed / self._doubling, 30.0))
        else:
            beyond = passed - self.plateau
            bend = self._drop * (beyond / self.plateau) ** 3 if beyond < 0 else GROWTH * beyond**3
            rate = self.accepted * (1 + bend)
        return rate if self.most is None else min(rate, self.most)

    def is_at_most(self, now: float) -> bool:
        """Whether it is the one that was set, not one that was learned."""
        return self.most is not None and self.at(now) == self.most

    @property
    def is_in_vain(self) -> bool:
        """Whether refusals come as often though the rate has fallen and fallen."""
        fallen = FALLEN_PAUSED if self._pause else FALLEN
        return self._early >= IN_VAIN and (self.accepted or 0.0) < fallen * self._before_that

    @property
    def plateau(self) -> float:
        """Seconds from the last refusal until the rate is what was let in before it."""
        if self.accepted is None:
            return PLATEAU
        answers = min(ANSWERS_A_REFUSAL, max(FEWEST_ANSWERS, SECONDS_A_REFUSAL * self.accepted))
        spared = answers * self._refusals / self.accepted
        return max(PLATEAU, min(LONGEST_PLATEAU, max(spared, self._spared, PAUSES * self._pause)))

    def delay(self, now: float) -> float:
        """Seconds until the next request may start."""
        return max(0.0, self._due - now)

    def started(self, now: float, most: float | None = None) -> None:
        """A request started, and the next one has to wait; `most` is another limit of the rate."""
        rates = [rate for rate in (self.at(now), most) if rate is not None]
        if rates:
            interval = 1 / min(rates)
            is_late = self._due > now - max(LATE, interval / 4)
            self._due = (self._due if is_late else now) + interval

    def opened(self, now: float) -> None:
        """Nothing could start until now: there is nothing to catch up with."""
        self._due = max(self._due, now)

    def learn(
        self, accepted: float, now: float, *, pause: float = 0.0, spared: float = 0.0, is_guess: bool = False
    ) -> None:
        """So many a second were let in before a refusal; `pause` is how long nothing gets in after it.

        Not before `spared` seconds are more of them tried.
        """
        is_early = self.accepted is not None and not self._doubling and now - pause - self._since < self.plateau
        rate = self.at(now - pause) or accepted
        is_in_row = is_early and accepted > NEARLY * rate
        self._early = self._early + 1 if is_in_row else 0
        self._before_that = self._before_that if is_in_row else accepted
        if is_early:  # what was let in then was too much
            accepted = min(accepted, rate)
        self._drop = min(MOST_DROP_PAUSED if pause else MOST_DROP, 2 * self._drop) if is_early else DROP
        self._refusals = 1 if self.accepted is not None else -1_000  # a first one is no habit
        self.accepted, self._since, self._pause, self._spared = accepted, now, pause, spared
        self._doubling = max(1.0, 2 / accepted) if is_guess else 0.0
        self._due = now if pause else max(self._due, now + 1 / accepted)

    def refused(self) -> None:
        """One more request was refused that had started before what was learned last."""
        self._refusals += 1

    def limit(self, most: float | None, now: float) -> None:
        """Start no more than `most` a second from now on."""
        self.most = most
        self._due = min(self._due, now + 1 / most) if most else now

    def forget(self) -> None:
        """No rate is the limit."""
        self.accepted, self._early = None, 0
