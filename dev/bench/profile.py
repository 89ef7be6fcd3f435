"""Where CPU time goes, in all threads: cProfile on each thread's own clock, so that waiting counts nothing."""

import contextlib
import cProfile
import pstats
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

SHOWN = 45


@contextlib.contextmanager
def profiled(path: str | None) -> Iterator[None]:
    """Profile the body and every thread that begins in it, into a file for `pstats`; without a path do nothing."""
    if path is None:
        yield
        return
    profiles = [cProfile.Profile(time.thread_time)]

    def begin(*_: Any) -> None:  # the first event of a new thread
        profiles.append(cProfile.Profile(time.thread_time))
        profiles[-1].enable()

    threading.setprofile(begin)
    profiles[0].enable()
    try:
        yield
    finally:
        profiles[0].disable()
        threading.setprofile(None)  # type: ignore[arg-type]  # typeshed does not know that None ends it
        merged(profiles).dump_stats(path)


def merged(profiles: list[cProfile.Profile]) -> pstats.Stats:
    """One set of figures of all threads; those that ran nothing cannot be added."""
    for each in profiles:
        each.snapshot_stats()  # type: ignore[attr-defined]  # `create_stats` would disable this thread's profiler
    return pstats.Stats(*(each for each in profiles if each.stats))  # type: ignore[attr-defined]


def show(path: str) -> None:
    """Print the functions that used most CPU time themselves."""
    pstats.Stats(path, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(SHOWN)
