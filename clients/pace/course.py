"""The course: what was paced so far, in as many stretches as fit on a page."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from seawall.clients.pace.tickets import Fate, Ticket

STRETCHES: Final = 60  # of equal length, which doubles whenever there would be more


class Limit(StrEnum):
    """What holds requests back."""

    NOTHING = ""
    API = "at the API's limit"
    MAX_IN_FLIGHT = "at max_in_flight"
    MAX_RATE = "at max_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The limits of a source, as far as they were found, and those that were set.

    `rate` is in requests a second, `is_told` whether headers tell of a quota; `cap` is how many requests the source
    lets in at once, `knee` how many it is the faster for.
    """

    rate: float | None
    is_told: bool
    cap: int | None
    knee: int | None
    ceiling: int
    max_rate: float | None


@dataclass(slots=True)
class Stretch:
    """What happened in some seconds: answers, refusals, attempts that failed, and the most requests in flight."""

    served: int = 0
    refused: int = 0
    failed: int = 0
    in_flight: int = 0

    def take_in(self, other: "Stretch") -> None:
        """Become both."""
        self.served += other.served
        self.refused += other.refused
        self.failed += other.failed
        self.in_flight = max(self.in_flight, other.in_flight)


@dataclass(slots=True)
class Course:
    """Stretches of `seconds` each since the first request, and the seconds in which somebody waited for a turn."""

    seconds: float = 1.0
    stretches: list[Stretch] = field(default_factory=list)
    waited: float = 0.0
    _began: float | None = None

    def add(self, ticket: Ticket, now: float) -> None:
        """A request has ended."""
        stretch = self._at(now)
        stretch.served += ticket.fate is Fate.SERVED
        stretch.refused += ticket.fate is Fate.REFUSED
        stretch.failed += ticket.fate is Fate.FAILED
        stretch.in_flight = max(stretch.in_flight, ticket.in_flight)

    def _at(self, now: float) -> Stretch:
        """The stretch that a time lies in."""
        if self._began is None:
            self._began = now
        while (number := int(max(0.0, now - self._began) / self.seconds)) >= STRETCHES:
            self._halve()
        self.stretches += [Stretch() for _ in range(number + 1 - len(self.stretches))]
        return self.stretches[number]

    @contextlib.contextmanager
    def waiting(self, clock: Callable[[], float]) -> Iterator[None]:
        """Count the time that the body takes."""
        began = clock()
        try:
            yield
        finally:
            self.waited += clock() - began

    def copy(self) -> "Course":
        """The course so far."""
        return Course(self.seconds, [replace(stretch) for stretch in self.stretches], self.waited)

    def _halve(self) -> None:
        """Make one stretch of two."""
        self.seconds *= 2
        for stretch, other in zip(self.stretches[::2], self.stretches[1::2], strict=False):
            stretch.take_in(other)
        self.stretches = self.stretches[::2]
