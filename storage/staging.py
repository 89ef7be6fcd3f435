"""Staging: local folders for files on their way, which not even a process that is killed leaves behind for long.

A folder is locked as long as its process lives (flock(2)), so whoever comes next can tell what a dead one left.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "seawall-staging-"


@contextmanager
def staging_folder() -> Iterator[Path]:
    """A local folder that nobody else can read, removed at the end."""
    path, lock = _locked_folder()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_abandoned() -> int:
    """Remove the staging folders of this user whose processes are dead; their number."""
    removed = 0
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another process removes it, or it is not ours
            if path.lstat().st_uid == os.geteuid():
                removed += _remove_unless_locked(path)
    return removed


def _locked_folder() -> tuple[Path, int]:
    """A new folder with its lock; another one, where somebody took it for abandoned before it was locked."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):  # a file system without locks, on which nobody removes what others left
                fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


def _remove_unless_locked(path: Path) -> bool:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
        return True
    finally:
        os.close(lock)
