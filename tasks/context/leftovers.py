"""Leftovers: what has to be closed once nobody holds it any more.

Python finds out that nobody does in the middle of anything, in whatever thread, with any lock held. So what closes it
is only put down there, in a queue that allows for that (SimpleQueue.put may be called again while it runs, as its docs
say), and done at a moment when no lock is held.
"""

import atexit
import weakref
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from seawall.tasks.context import logs

_waiting: Final[SimpleQueue[Callable[[], object]]] = SimpleQueue()


def close_after(owner: object, close: Callable[..., object], *held: object) -> None:
    """Call `close` with what it closes, some time after nobody holds `owner` any more."""
    weakref.finalize(owner, _waiting.put, partial(close, *held))


def close_leftovers() -> None:
    """Close what nobody holds any more; whoever calls holds no lock, and hears of no failure."""
    while True:
        try:
            close = _waiting.get_nowait()
        except Empty:
            return
        with logs.only_logged("what nobody holds any more could not be closed"):
            close()


atexit.register(close_leftovers)  # after all owners were let go of, since it is registered before the first of them
