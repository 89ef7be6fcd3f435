"""Pacing: what all fetchers of one source in one process share, so that they act as one client."""

import contextlib
import math
import threading
import time
from collections.abc import Callable

from seawall.clients.errors import SourceDownError, WalkStoppedError
from seawall.clients.http.gate import Gate, Turn
from seawall.clients.pace.allowance import Allowance


class Pacing:
    """A way through the gate of an API, a stop, and the count of failures in a row. Thread-safe.

    What the API sees stands in `gate`, which other clients of the same API may share: how many requests are in flight,
    and a rate, bounded by `max_in_flight` and `max_rate` (None limits nothing); a time to wait that a source names is
    believed up to `longest_wait` seconds. Where there is an `allowance`, it has to permit each request, too. What
    concerns this client alone stands here, so one that stops, or whose pages all fail, ends nobody else. `sleep` waits
    for some seconds and returns whether `stop` was called meanwhile. `answers` asks for a page that is known to be
    good, to tell an API that is down from a few pages that are broken. It closes a circle that no import shows: a
    fetcher reports a failure here, `answers` asks that same fetcher for a page, and its request takes a `slot` here,
    and the lock of the token. So whoever reports a failure holds none of these.
    """

    def __init__(
        self,
        *,
        gate: Gate | None = None,
        max_in_flight: int | None = None,
        max_rate: float | None = None,
        longest_wait: float = math.inf,
        give_up_after: int = 50,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
        answers: Callable[[], bool] = lambda: False,
    ) -> None:
        self.allowance: Allowance | None = None
        self._give_up_after = give_up_after
        self._stop_signal = threading.Event()
        self._longest_wait = longest_wait
        self._sleep = sleep or self._stop_signal.wait
        self._lock = threading.Lock()
        self._failures = 0
        self._answers = answers
        self._down: SourceDownError | None = None
        self._gate = gate or Gate(clock=clock)
        self._gate.join(self, max_in_flight=max_in_flight, max_rate=max_rate)

    def slot(self, *, again: bool = False) -> contextlib.AbstractContextManager[Turn]:
        """A turn at the gate, for one request; `again` is set where its page was asked for before."""
        if self.allowance is not None:
            self.allowance.take(self.raise_if_stopped)
        return self._gate.turn(self.sleep, self.raise_if_stopped, again=again, longest_wait=self._longest_wait)

    @property
    def pages_came(self) -> bool:
        """Whether any page came at all, perhaps to another client or process."""
        return self._gate.pages_came

    @pages_came.setter
    def pages_came(self, came: bool) -> None:
        self._gate.pages_came = came

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
        """End all waits of this client now and let it start no further request; others go on."""
        self._stop_signal.set()
        self._gate.leave(self)
        if self.allowance is not None:
            self.allowance.wake()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop_signal.is_set()

    def raise_if_stopped(self) -> None:
        """Raise WalkStoppedError once `stop` was called."""
        if self._stop_signal.is_set():
            raise WalkStoppedError("the walk was stopped")
