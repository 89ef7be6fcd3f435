"""What stands in for time and for threads."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Lock
from typing import Any, TypeVar

Result = TypeVar("Result")


class VirtualTime:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = Lock()

    def clock(self) -> float:
        """The seconds that were waited."""
        return self._now

    def sleep(self, seconds: float) -> bool:
        """Wait; nothing ends a wait early."""
        with self._lock:
            self._now += seconds
        return False


class AtOnce(Executor):
    """A pool of no threads: what is submitted is done at once."""

    def submit(self, work: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """The future of what is done by now."""
        future: Future[Result] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # as any future keeps it
            future.set_exception(error)
        return future
