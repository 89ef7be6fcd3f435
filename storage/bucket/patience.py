"""Patience: how long a store is asked again, and how all asking ends at once.

The only place that repeats calls on a store: botocore is told to try once. Each attempt runs in a thread of its own,
which is left behind where it hangs, so that a stopped run and a short deadline wait for no socket.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from contextlib import suppress
from typing import Any, Final, TypeVar

import stamina
from loguru import logger

from seawall.storage.errors import StoppedError

STORE_PATIENCE: Final = 300.0  # seconds that one call is repeated while the store fails
PREFLIGHT_PATIENCE: Final = 15.0  # the same before any page is fetched
LAST_WORDS: Final = 3.0  # seconds for clearing away what a failed or stopped upload left
STORE_BACKOFF_BASE: Final = 0.25  # seconds
STORE_BACKOFF_CAP: Final = 10.0  # seconds
SHORTEST_WAIT: Final = 1.0  # seconds that an answer is waited for, however little patience is left

Result = TypeVar("Result")
Worth = Callable[[Exception], float]
"""How many attempts a failure is worth, the first one included."""


class Patience:
    """Repeats attempts for some seconds, with exponential waits and full jitter, until it is told to stop."""

    def __init__(self, seconds: float, *, stops_with: "Patience | None" = None) -> None:
        self.seconds = seconds
        self._end: Future[None] = stops_with._end if stops_with else Future()  # noqa: SLF001  # its own kind

    def stop(self) -> None:
        """Let every wait, and every wait for an answer, end at once with StoppedError, and all later ones."""
        with suppress(InvalidStateError):
            self._end.set_result(None)

    def run(self, attempt: Callable[[], Result], worth: Worth, *, is_transfer: bool = False) -> Result:
        """Call `attempt` until it returns, or a failure is not worth another one, or patience is at its end.

        A transfer of many bytes may take longer than that as long as it goes on; any other answer is waited for until
        then. Raises what the last attempt raised, TimeoutError where it has no answer, or StoppedError.
        """
        asking = _Asking(worth, self.seconds)
        for guard in stamina.retry_context(on=asking.may_go_on, attempts=None, timeout=None):
            self._pause(asking.pause)
            with guard:
                return self._answer(attempt, None if is_transfer else asking.time_left)
        raise AssertionError("stamina raises or returns")

    def _pause(self, seconds: float) -> None:
        if wait([self._end], timeout=seconds).done:
            raise StoppedError("the run was stopped while the store was asked")

    def _answer(self, attempt: Callable[[], Result], seconds: float | None) -> Result:
        answer: Future[Result] = Future()
        threading.Thread(target=_settle, args=(answer, attempt), daemon=True, name="store").start()
        futures: list[Future[Any]] = [answer, self._end]
        wait(futures, timeout=seconds, return_when=FIRST_COMPLETED)
        if not answer.done():
            self._pause(0)
            raise TimeoutError(f"no answer to the last attempt within {seconds:.0f} s")
        return answer.result()


class _Asking:
    """The attempts at one call: how they failed, and how long to wait before the next one."""

    def __init__(self, worth: Worth, seconds: float) -> None:
        self.pause = 0.0
        self._worth = worth
        self._deadline = time.monotonic() + seconds
        self._failures = 0

    @property
    def time_left(self) -> float:
        """Seconds for the next answer; the last one has a moment, too."""
        return max(SHORTEST_WAIT, self._deadline - time.monotonic())

    def may_go_on(self, error: Exception) -> float | bool:
        """The hook that stamina calls: 0.0 means "try again at once", since the waiting is ours and can be stopped."""
        self._failures += 1
        ceiling = min(STORE_BACKOFF_CAP, STORE_BACKOFF_BASE * 2.0 ** min(self._failures - 1, 30))
        self.pause = random.uniform(0, ceiling)  # noqa: S311  # jitter
        is_late = time.monotonic() + self.pause >= self._deadline
        if is_late or isinstance(error, StoppedError) or self._failures >= self._worth(error):
            return False
        fields = {"attempt": self._failures, "wait": round(self.pause, 3), "error": str(error)[:200]}
        logger.bind(**fields).info("the store failed, asking again")
        return 0.0


def _settle(answer: "Future[Any]", attempt: Callable[[], Any]) -> None:
    """Run an attempt for whoever waits for its answer, if anybody still does."""
    try:
        answer.set_result(attempt())
    except BaseException as error:  # noqa: BLE001  # it is raised where the answer is waited for
        answer.set_exception(error)
