"""The door: whether a source lets anything in at all."""

from typing import Final

from seawall.clients.pace.bucket import Opening
from seawall.clients.pace.tickets import Ticket

STREAK: Final = 3  # refusals with nothing let in between, after which one request at a time knocks
GAP: Final = 0.05  # seconds between the first two knocks, at least
GAP_GROWTH: Final = 1.2
GAP_CAP: Final = 10.0
QUICKEST_FOR: Final = 120.0  # seconds that the quickest opening tells of a source
LONG: Final = 0.5  # seconds: shorter closures say nothing of a window


class Door:
    """Closed for a time that the source named, or shut without one: then one request at a time knocks, ever less often.

    `opened` is when it opened last. A source that counts in windows opens at regular times: where two closures in a row
    had let in as many before them, `is_window` is set, and `period` seconds after it opened it is tried again.
    """

    def __init__(self) -> None:
        self.opened = 0.0
        self.opens_at = 0.0
        self.is_knocking = False
        self.is_window = False
        self.window = 0.0  # seconds from opening to opening of a door that was shut without a time for long
        self.shut_at = 0.0
        self.gap = GAP
        self._knock_at = 0.0
        self._streak = 0
        self.first_refused: Ticket | None = None  # of the refusals without a time that came in a row
        self._started = 0  # requests that had started when it opened
        self.quickest: Opening | None = None
        self._quickest_at = 0.0
        self._before: Opening | None = None
        self._period = 0.0

    def delay(self, now: float) -> float:
        """Seconds until the next request may try."""
        until = max(self.opens_at, self._knock_at if self.is_knocking else 0.0)
        return max(0.0, until - now)

    def knocked(self, now: float) -> None:
        """A request tries."""
        self._knock_at = now + self.gap

    def close(self, now: float, until: float) -> None:
        """Let nothing in until then; the latest time wins."""
        if until > self.opens_at:
            self.shut_at, self.opens_at = now, until

    def refused(self, ticket: Ticket, now: float, interval: float) -> bool:
        """A request was refused without a time; returns whether the door is shut. `interval` is between requests."""
        self._streak += 1
        if self._streak == 1:
            self.shut_at, self.first_refused = now, ticket
        if self._streak < STREAK and not self.is_knocking:
            return False
        self.gap = min(GAP_CAP, self.gap * GAP_GROWTH) if self.is_knocking else max(GAP, interval)
        self.is_knocking = True
        self._knock_at = now + self.gap
        if self.is_window and self.opened + self._period > now:
            self._knock_at = self.opened + self._period
        return True

    def served(self) -> bool:
        """A request was let in; returns whether the door had been shut."""
        was_shut, self.is_knocking, self._streak = self.is_knocking, False, 0
        return was_shut

    def opening(self, refused: Ticket, pause: float) -> Opening:
        """How many were let in since it opened until one was refused."""
        return Opening(refused.nth - 1 - self._started, max(refused.started - self.opened, 1e-3), pause)

    def open(self, at: float, opening: Opening, started: int) -> None:
        """The door opens at that time, after such an opening, when so many requests had started in all."""
        before = self._before
        self.is_window = before is not None and abs(opening.admitted - before.admitted) <= 0.1 * opening.admitted + 1
        if self.quickest is None or opening.seconds <= self.quickest.seconds or at - self._quickest_at > QUICKEST_FOR:
            self.quickest, self._quickest_at = opening, at
        self._before, self._period, self.opened, self._started = opening, at - self.opened, at, started
