"""Staging: nobody else reads it, and what a dead process left is removed by the next one."""

import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seawall.storage.disk import remove_abandoned, staging_folder

HOLD = """
import sys
from seawall.storage.disk import staging_folder
with staging_folder() as folder:
    (folder / "part.csv").write_bytes(b"rows")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


@contextmanager
def _holder() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that holds a staging folder, and the folder."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_a_folder_is_ours_alone_and_gone_in_the_end() -> None:
    with staging_folder() as folder:
        (folder / "part.csv").write_bytes(b"rows")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_works_with_stays() -> None:
    with _holder() as (living, used), _holder() as (killed, left), staging_folder() as own:
        killed.kill()
        killed.wait()
        assert left.exists()
        assert remove_abandoned() == 1
        assert (left.exists(), used.exists(), own.exists(), living.poll()) == (False, True, True, None)


def test_what_only_looks_like_a_staging_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "seawall-staging-notes").write_text("a file")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "seawall-staging-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "seawall-demo-x").mkdir()
    assert remove_abandoned() == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_is_taken_for_abandoned_before_it_is_locked_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = tempfile.mkdtemp, []

    def made_and_removed(**names: str) -> str:
        made.append(make(**names))
        if len(made) == 1:
            assert remove_abandoned() == 1
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", made_and_removed)
    with staging_folder() as folder:
        assert folder.exists()
    assert len(made) == 2
