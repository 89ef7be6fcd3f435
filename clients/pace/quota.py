"""The quota: what is left of a limit that headers tell."""

from dataclasses import dataclass
from typing import Final

from seawall.clients.pace.tickets import Ticket

SPREAD_WITHIN: Final = 60.0  # seconds: a quota that begins anew within them is spread over them
HASTE: Final = 1.1  # times as fast, so that nothing is left over
NEXT_WINDOW: Final = 1.2  # seconds that a reset time has to move by to be another one: servers round to seconds


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says: `remaining` requests, until a new quota begins in `reset` seconds."""

    remaining: float
    reset: float


class Quota:
    """What is left, and until when; nothing where headers tell nothing.

    It is believed once it was seen to shrink: there are servers whose headers never change.
    """

    def __init__(self) -> None:
        self._left: float | None = None
        self._until = 0.0
        self._told, self._nth = 0.0, 0
        self.is_believed = False

    def tell(self, told: Told, ticket: Ticket, now: float, *, started_since: int) -> None:
        """Learn from the answer to a request; `started_since` requests after it are not counted yet."""
        if ticket.started < self._until <= now:
            return  # it tells of a quota that is over
        left, until = told.remaining - started_since, now + told.reset
        is_later = ticket.nth > self._nth
        is_anew = until > self._until + NEXT_WINDOW or (is_later and told.remaining > self._told + 1)
        if self._left is None or is_anew:
            self._left, self._until = left, until
        else:
            self._left, self._until = min(self._left, left), min(self._until, until)
            self.is_believed |= is_later and told.remaining < self._told
        if is_later:
            self._told, self._nth = told.remaining, ticket.nth

    def started(self) -> None:
        """A request started."""
        if self._left is not None:
            self._left -= 1

    def delay(self, now: float) -> float:
        """Seconds until the next request may start."""
        if self._left is not None and now >= self._until:
            self._left = None
        return self._until - now if self._left is not None and self.is_believed and self._left < 1 else 0.0

    def rate(self, now: float) -> float | None:
        """Requests a second that use up what is left."""
        seconds = self._until - now
        if self._left is None or not self.is_believed or not 0 < seconds < SPREAD_WITHIN:
            return None
        return HASTE * max(self._left, 1.0) / max(seconds, 0.05)
