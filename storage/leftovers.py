"""Leftovers: what a process works with is locked as long as it lives (flock(2)); what a dead one left is not."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file or a folder, whatever names it is given meanwhile."""
    handle = _lock(path)
    try:
        yield
    finally:
        os.close(handle)


def new_locked(make: Callable[[], Path]) -> tuple[Path, int]:
    """What `make` makes, with its lock; made again where somebody took it for abandoned before it was locked."""
    while True:
        path = make()
        with suppress(FileNotFoundError):
            handle = _lock(path)
            if path.exists():
                return path, handle
            os.close(handle)


def remove_abandoned(paths: Iterable[Path]) -> int:
    """Remove those files and folders of this user whose processes are dead; their number."""
    removed = 0
    for path in paths:
        with suppress(OSError):  # another process works with it or removes it, or it is not ours
            if path.lstat().st_uid == os.geteuid():
                _remove_unless_locked(path)
                removed += 1
    return removed


def _lock(path: Path) -> int:
    """The descriptor that holds a lock; where a file system knows none, nobody removes what others left."""
    handle = os.open(path, os.O_RDONLY)
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _remove_unless_locked(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(path.lstat(), os.fstat(handle)):  # it was given to another file meanwhile
            return
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(handle)
