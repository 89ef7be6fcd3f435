"""Where CPU time goes, in all threads: yappi, on each thread's own clock, so that waiting counts nothing."""

import contextlib
import pstats
import sys
from collections.abc import Iterator
from typing import Final

import yappi

SHOWN: Final = 40


@contextlib.contextmanager
def profiled(path: str | None) -> Iterator[None]:
    """Profile the body and every thread that works meanwhile, into a file for `pstats`; without a path nothing."""
    if path is None:
        yield
        return
    yappi.set_clock_type("cpu")
    yappi.start(builtins=True)
    try:
        yield
    finally:
        yappi.stop()
        yappi.get_func_stats().save(path, type="pstat")
        yappi.clear_stats()


def show(path: str) -> None:
    """Print the functions that used most CPU time themselves."""
    pstats.Stats(path, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(SHOWN)
