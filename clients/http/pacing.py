"""Pacing: what all fetchers of one source in one process share, so that they act as one client."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from seawall.clients.errors import SourceDownError, WalkStoppedError


class Pacing:
    """Slots for requests in flight, pauses, a rate, and the count of failures in a row. Thread-safe.

    `sleep` waits for some seconds and returns whether `stop` was called meanwhile. `answers` asks for a page that
    is known to be good, to tell an API that is down from a few pages that are broken. It closes a circle that no
    import shows: a fetcher reports a failure here, `answers` asks that same fetcher for a page, and its request
    takes a `slot` here, and the lock of the token. So whoever reports a failure holds none of these.
    """

    def __init__(
        self,
        *,
        max_in_flight: int = 8,
        max_rate: float | None = None,
        give_up_after: int = 50,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
        answers: Callable[[], bool] = lambda: False,
    ) -> None:
        self._slots = threading.BoundedSemaphore(max_in_flight)
        self._interval = 1 / max_rate if max_rate else 0.0
        self._give_up_after = give_up_after
        self._clock = clock
        self._stop_signal = threading.Event()
        self.pages_came = False  # any at all, perhaps to another process
        self._sleep = sleep or self._stop_signal.wait
        self._lock = threading.Lock()
        self._next = 0.0  # when the next request may start
        self._failures = 0
        self._answers = answers
        self._down: SourceDownError | None = None

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the `max_in_flight` slots, once the source-wide pause is over and the rate allows."""
        while True:
            self._wait_out_pause()
            with self._slots:
                self.raise_if_stopped()  # the wait for a slot may have been long
                if self._claim():
                    yield
                    return

    def pause(self, seconds: float) -> None:
        """Let no request start for `seconds` from now; the longest pause wins."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def sleep(self, seconds: float) -> None:
        """Wait; raises WalkStoppedError as soon as `stop` is called."""
        if self._sleep(seconds):
            raise WalkStoppedError("the walk was stopped")
        self.raise_if_stopped()

    def succeeded(self) -> None:
        """A request was answered with a page."""
        self.pages_came = True
        with self._lock:
            self._failures = 0

    def failed(self, error: Exception) -> None:
        """An attempt failed, throttling excepted; raises SourceDownError after too many in a row."""
        with self._lock:
            if self._down is not None:
                raise self._down
            self._failures += 1
            if self._failures < self._give_up_after:
                return
            self._failures = 0  # this thread asks, the others go on
        if not self._answers():
            self._down = SourceDownError(
                f"the API is down: {self._give_up_after} attempts in a row failed, none succeeded; the last: {error}"
            )
            raise self._down

    def stop(self) -> None:
        """End all waits now and let no further request start."""
        self._stop_signal.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop_signal.is_set()

    def _wait_out_pause(self) -> None:
        self.sleep(0)
        while (left := self._next - self._clock()) > 0:
            self.sleep(left)

    def raise_if_stopped(self) -> None:
        """Raise WalkStoppedError once `stop` was called."""
        if self._stop_signal.is_set():
            raise WalkStoppedError("the walk was stopped")

    def _claim(self) -> bool:
        """Take the next start time of the rate; False when a pause began while we waited for a slot."""
        with self._lock:
            now = self._clock()
            if self._next > now:
                return False
            self._next = now + self._interval
            return True
