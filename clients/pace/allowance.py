"""An allowance: requests that somebody else permits, a bundle at a time."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

AHEAD: Final = 2.0  # seconds that a bundle lasts


class Allowance:
    """How many requests may start still; whoever wants to start one waits until there is. Thread-safe.

    `wanted` is set while more will be needed soon. `clock` is monotonic.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.wanted = threading.Event()
        self._clock = clock
        self._changed = threading.Condition()
        self._left = 0
        self._waiting = 0
        self._taken: deque[float] = deque()  # when each of the last was

    def take(self, raise_if_stopped: Callable[[], None]) -> None:
        """One request; `raise_if_stopped` is asked whenever something changed, and ends the wait."""
        with self._changed:
            self._waiting += 1
            try:
                while not self._left:
                    self.wanted.set()
                    raise_if_stopped()
                    self._changed.wait()
                self._left -= 1
                self._taken.append(self._clock())
            finally:
                self._waiting -= 1
            if self._left < self._lately() / 2:
                self.wanted.set()

    def grant(self, requests: int) -> None:
        """Permit so many more."""
        with self._changed:
            self._left += requests
            self._changed.notify(requests)

    def bundle(self) -> int:
        """How many will start in the next AHEAD seconds, as far as the last ones tell, and are not permitted yet."""
        with self._changed:
            self.wanted.clear()
            return max(self._waiting, self._lately()) - self._left

    def wake(self) -> None:
        """Let all that wait look whether they were stopped."""
        with self._changed:
            self._changed.notify_all()

    def _lately(self) -> int:
        now = self._clock()
        while self._taken and self._taken[0] < now - AHEAD:
            self._taken.popleft()
        return len(self._taken)
