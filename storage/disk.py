"""The disk of this machine: staging folders, which not even a process that is killed leaves behind for long."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from seawall.storage import leftovers
from seawall.storage.errors import DiskError

STAGING: Final = "seawall-staging-"

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def staging_folder() -> Iterator[Path]:
    """A folder for this user alone, removed at the end. Raises DiskError where it cannot be made, or fills its disk."""
    place = tempfile.gettempdir()
    try:
        path, lock = leftovers.new_locked(lambda: Path(tempfile.mkdtemp(prefix=STAGING)))
    except OSError as error:
        raise DiskError(f"no staging folder can be made in {place}: {error}; {_elsewhere(place)}") from error
    try:
        with room_on_disk(path, _elsewhere(place)):
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_abandoned() -> int:
    """Remove the staging folders of this user whose processes are dead; their number."""
    return leftovers.remove_abandoned(
        path for path in Path(tempfile.gettempdir()).glob(f"{STAGING}*") if path.is_dir() and not path.is_symlink()
    )


@contextmanager
def room_on_disk(place: object, remedy: str = "make room there, or land elsewhere") -> Iterator[None]:
    """Let a body that writes below `place` raise DiskError where its disk, or the share of this user, is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskError(f"the disk that holds {place} is full: {error}; {remedy}") from error


def _elsewhere(place: str) -> str:
    return f"make room in {place}, let us write there, or name another folder in TMPDIR"
