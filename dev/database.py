"""A migrated database for Prefect's server: to migrate a new one takes half a minute, to copy it none."""

import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Final

from seawall.dev.process import ROOT

CACHE: Final = ROOT / ".pytest_cache" / "prefect"  # its files are ignored by git, and gone with `make clean`


def copy_migrated_database(path: Path) -> None:
    """Put a migrated, empty SQLite database at `path`; the first call for a version of Prefect makes it.

    Raises:
        CalledProcessError: Prefect cannot migrate a new one.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    migrated = CACHE / f"{version('prefect')}-{sys.version_info.major}.{sys.version_info.minor}.db"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not migrated.exists():
            _migrate(migrated)
    path.parent.mkdir(parents=True, exist_ok=True)
    _copy(migrated, path)


def _migrate(path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="seawall-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
        subprocess.run(command, env=environment | {"PREFECT_HOME": home}, check=True, capture_output=True)
        _copy(Path(home, "prefect.db"), path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)  # what still stands in the write-ahead log included
