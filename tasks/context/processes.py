"""Processes that land parts for a run: they end with the process that runs it."""

import multiprocessing
import os
import threading
from functools import cache
from multiprocessing.process import BaseProcess


@cache
def end_with(process: int) -> None:
    """Let this process end once the one that runs the flow is gone, if that has made it (a process pool).

    Nobody would be told what it lands, and nobody would end it: the workers of a pool wait for ever for a next task.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid == process:
        threading.Thread(target=_follow, args=(parent,), daemon=True, name="end-with-parent").start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
