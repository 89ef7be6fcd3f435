"""Where CPU time goes, in all threads: cProfile on each thread's own clock, so that waiting counts nothing."""

import contextlib
import cProfile
import pstats
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

SHOWN: Final = 40


@contextlib.contextmanager
def profiled(path: str | None) -> Iterator[None]:
    """Profile the body and every thread that begins and ends in it, into a file for `pstats`; without a path nothing.

    Threads that outlive the body are left out: their clocks cannot be read from here.
    """
    if path is None:
        yield
        return
    own = cProfile.Profile(time.thread_time)
    others: list[tuple[threading.Thread, cProfile.Profile]] = []

    def begin(*_: Any) -> None:  # the first event of a new thread
        profile = cProfile.Profile(time.thread_time)
        others.append((threading.current_thread(), profile))
        profile.enable()

    threading.setprofile(begin)
    own.enable()
    try:
        yield
    finally:
        own.disable()
        threading.setprofile(None)
        merged([own, *(profile for thread, profile in others if not thread.is_alive())]).dump_stats(path)


def merged(profiles: Iterable[cProfile.Profile]) -> pstats.Stats:
    """One set of figures of all threads; those that ran nothing cannot be added."""
    found: list[Any] = list(profiles)
    for each in found:
        each.snapshot_stats()  # `create_stats` would disable this thread's profiler
    return pstats.Stats(*(each for each in found if each.stats))


def show(path: str) -> None:
    """Print the functions that used most CPU time themselves."""
    pstats.Stats(path, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(SHOWN)
