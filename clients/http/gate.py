"""The gate: what an API sees of all clients of a process that share it: requests in flight, pauses, a rate."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Gate:
    """Slots, pauses and a rate, for all members at once. Thread-safe.

    Each member brings limits of its own, and the strictest holds for all: the smallest number of requests in flight,
    the lowest rate. `pages_came` is set once any member got a page, perhaps in another process. `clock` is monotonic.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.pages_came = False
        self._clock = clock
        self._changed = threading.Condition()
        self._limits: dict[object, tuple[int | None, float | None]] = {}
        self._in_flight = 0
        self._next = 0.0  # when the next request may start

    def join(self, member: object, *, max_in_flight: int | None, max_rate: float | None) -> None:
        """Let a member's limits hold from now on; None limits nothing."""
        with self._changed:
            self._limits[member] = max_in_flight, max_rate

    def leave(self, member: object) -> None:
        """Forget a member's limits, and let all that wait look again; leaving twice is no error."""
        with self._changed:
            self._limits.pop(member, None)
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Let no request start for `seconds` from now; the longest pause wins."""
        with self._changed:
            self._next = max(self._next, self._clock() + seconds)

    def seconds_left(self) -> float:
        """How long the pause lasts still, or the wait that the rate asks for; not positive where it is over."""
        return self._next - self._clock()

    @contextlib.contextmanager
    def place(self, raise_if_stopped: Callable[[], None]) -> Iterator[None]:
        """Hold one of the slots; `raise_if_stopped` is asked whenever something changed, and ends the wait."""
        with self._changed:
            while not self._has_room():
                raise_if_stopped()
                self._changed.wait()
            self._in_flight += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify()

    def claim(self) -> bool:
        """Take the next start time of the rate; False when a pause began while we waited for a slot."""
        with self._changed:
            now = self._clock()
            if self._next > now:
                return False
            rates = [rate for _, rate in self._limits.values() if rate is not None]
            self._next = now + (1 / min(rates) if rates else 0.0)
            return True

    def _has_room(self) -> bool:
        limits = [limit for limit, _ in self._limits.values() if limit is not None]
        return not limits or self._in_flight < min(limits)
