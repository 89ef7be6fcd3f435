"""Tickets: what became of the requests of the last seconds."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

HORIZON: Final = 15.0  # seconds that a request is remembered


class Fate(Enum):
    """What became of a request."""

    PENDING = auto()
    SERVED = auto()
    REFUSED = auto()
    FAILED = auto()


@dataclass(slots=True, eq=False)
class Ticket:
    """One request, the `nth` of all: when it started and ended, how many were in flight then, itself among them.

    `is_bound` is set where it took the last slot, `is_knock` where it knocked at a shut door. `crowd` is how many
    others were being served when it was refused.
    """

    nth: int
    started: float
    in_flight: int
    is_bound: bool
    is_knock: bool = False
    fate: Fate = Fate.PENDING
    ended: float = math.inf
    crowd: int = 0

    @property
    def is_admitted(self) -> bool:
        """Whether the source let it in, as far as we know: refusals come back faster than anything else."""
        return self.fate is not Fate.REFUSED


class Log:
    """The requests of the last HORIZON seconds, in the order in which they started."""

    def __init__(self) -> None:
        self._tickets: deque[Ticket] = deque()

    def add(self, ticket: Ticket) -> None:
        """Remember a request."""
        tickets = self._tickets
        tickets.append(ticket)
        while tickets[0].started < ticket.started - HORIZON:
            tickets.popleft()

    def since(self, started: float, until: float = math.inf) -> Iterator[Ticket]:
        """The requests that started after `started` and up to `until`, the last one first."""
        for ticket in reversed(self._tickets):
            if ticket.started <= started:
                return
            if ticket.started <= until:
                yield ticket

    def crowd_of(self, refused: Ticket) -> int:
        """How many others the source was serving when it refused this one."""
        others = crowd = 0
        for other in self.since(-math.inf, refused.started):
            if others >= refused.in_flight - 1:
                break
            if other is not refused and other.ended > refused.started:
                others += 1
                crowd += other.is_admitted and other.fate is not Fate.FAILED
        return crowd

    def more_served_than(self, crowd: int, since: float) -> int:
        """How many requests since then were served beside `crowd` others or more."""
        tickets = [each for each in self.since(since - 2) if each.fate in (Fate.PENDING, Fate.SERVED)]
        steps = [(each.started, True, each) for each in tickets]
        steps += [(each.ended, False, each) for each in tickets if each.fate is Fate.SERVED]
        beside = found = 0
        for _, begins, ticket in sorted(steps, key=lambda step: step[:2]):
            if begins:
                found += beside >= crowd and ticket.started > since and ticket.fate is Fate.SERVED
                beside += 1
            else:
                beside -= 1
        return found
