"""Objects as files: whole or not there, whatever interrupts us."""

import errno
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.storage.disk import STAGING
from seawall.storage.errors import BucketError, DiskError, ObjectExistsError, UploadError
from seawall.storage.local import TEMPORARY, LocalStore
from seawall.tests.shelf import Shelf
from seawall.tests.small_runs import run_of, small_run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(root: Path) -> LocalStore:
    return LocalStore(root)


def _files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_preflight_makes_the_folder_and_leaves_nothing_in_it(store: LocalStore, root: Path) -> None:
    store.preflight()
    assert list(root.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_refused(root: Path) -> None:
    root.write_text("a file")
    for place in (root, root / "below"):
        with pytest.raises(BucketError, match=f"folder {place} cannot be written to"):
            LocalStore(place).preflight()


def test_a_folder_that_nobody_can_write_to_is_refused() -> None:
    with pytest.raises(BucketError, match="/proc/seawall cannot be written to"):
        LocalStore(Path("/proc/seawall")).preflight(create=True)


def test_a_relative_root_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(Path("data"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.put("a", b"x", content_type="")
    assert store.uri("a") == str(tmp_path / "data" / "a")
    assert _files(tmp_path) == ["data/a"]


def test_writing_leaves_only_the_objects(store: LocalStore, root: Path, tmp_path: Path) -> None:
    staged = tmp_path / "staged"
    staged.write_bytes(b"rows")
    store.put_file(staged, "run/part.csv", content_type="text/csv")
    store.put("run/report", b"text", content_type="text/plain")
    store.put_new("run/plan", b"{}")
    with pytest.raises(ObjectExistsError):
        store.put_new("run/plan", b"[]")
    assert _files(root) == ["run/part.csv", "run/plan", "run/report"]


def test_objects_can_be_read_by_others(store: LocalStore, root: Path) -> None:
    store.put_new("plan", b"{}")
    assert stat.S_IMODE((root / "plan").stat().st_mode) == 0o644


def test_a_file_that_vanished_leaves_nothing(store: LocalStore, root: Path, tmp_path: Path) -> None:
    with pytest.raises(BucketError, match="none"):
        store.put_file(tmp_path / "none", "run/part.csv", content_type="text/csv")
    assert _files(root) == []


def other_file_system(path: Path, to: Path) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


def test_a_file_of_another_file_system_is_copied(
    store: LocalStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = tmp_path / "staged"
    staged.write_bytes(b"rows")
    monkeypatch.setattr("os.link", other_file_system)
    store.put_file(staged, "part.csv", content_type="text/csv")
    assert (root / "part.csv").read_bytes() == b"rows"
    assert (root / "part.csv").stat().st_ino != staged.stat().st_ino


def test_a_copy_that_differs_is_refused_and_what_stood_there_stays(
    store: LocalStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = tmp_path / "staged"
    staged.write_bytes(b"rows")
    store.put("part.csv", b"before", content_type="text/csv")
    monkeypatch.setattr("os.link", other_file_system)
    monkeypatch.setattr("shutil.copyfile", lambda source, to: to.write_bytes(b"rot"))  # a failing disk
    with pytest.raises(UploadError, match=r"part\.csv is not what was sent"):
        store.put_file(staged, "part.csv", content_type="text/csv")
    assert _files(root) == ["part.csv"]
    assert store.get("part.csv") == b"before"


def test_what_a_killed_write_left_is_not_listed_and_can_be_removed(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("run/part.csv", b"rows", content_type="text/csv")
    for place in ("run", "run/_receipts", "other"):
        (root / place).mkdir(parents=True, exist_ok=True)
        (root / place / f"{TEMPORARY}x1y2").write_bytes(b"half")
    assert list(store.list("run/")) == ["run/part.csv"]
    assert store.abort_uploads("run/") == 1
    assert store.abort_uploads("run/_receipts/") == 1
    assert _files(root) == [f"other/{TEMPORARY}x1y2", "run/part.csv"]
    assert store.abort_uploads("run/") == 0


@pytest.mark.parametrize("known", ["", "raw", "raw/items"])
def test_what_a_process_left_that_died_before_its_landing_had_a_plan_is_removed_by_the_next_run(
    root: Path, known: str
) -> None:
    (root / known).mkdir(parents=True)
    dies = "os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    puts = f"LocalStore(Path({str(root)!r})).put_new('raw/items/run-1/_plan.json', b'')"
    code = f"import os, signal; from pathlib import Path; from seawall.storage.local import LocalStore; {dies}; {puts}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert len(_files(root)) == 1
    LocalStore(root).preflight("raw/items")
    assert _files(root) == []


def test_a_folder_may_be_named_like_our_temporary_files(store: LocalStore) -> None:
    key = f"backup{TEMPORARY}2026/plan"
    store.put_new(key, b"{}")
    assert list(store.list(f"backup{TEMPORARY}2026/")) == [key]


def test_listing_looks_at_nothing_outside_the_root(store: LocalStore, root: Path) -> None:
    (root.parent / "data-of-others").write_text("x")
    store.put("a", b"", content_type="")
    assert list(store.list("")) == ["a"]
    assert list(LocalStore(root / "none").list("")) == []


def test_a_store_shows_its_folder(store: LocalStore, root: Path) -> None:
    assert repr(store) == f"LocalStore('{root}')"
    shutil.rmtree(root, ignore_errors=True)
    assert list(store.folders("")) == []


# --- disks ---------------------------------------------------------------------------------------


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may be longer than 4 KiB: what a full disk answers to a write, from the kernel itself."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_named_with_the_remedy(store: LocalStore, root: Path) -> None:
    with pytest.raises(DiskError, match=f"the disk that holds {root} is full: .*make room there, or land elsewhere"):
        store.put("part.csv", b"x" * 5000, content_type="text/csv")
    assert _files(root) == []


@pytest.mark.usefixtures("full_disk", "inline_runs")
@pytest.mark.parametrize("format", ["csv", "jsonl", "json", "parquet"])
def test_a_full_disk_for_staging_is_named_with_its_folder(
    format: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    place = f"{tmp_path}/{STAGING}"
    with pytest.raises(DiskError, match=rf"the disk that holds {place}\S+ is full: .*another folder in TMPDIR"):
        small_run(Shelf("pages", total=3_000), LocalStore(root), run_of(format=format))
    assert not list(tmp_path.glob(f"{STAGING}*"))


def test_what_stands_in_the_way_below_the_root_is_found_at_preflight(store: LocalStore, root: Path) -> None:
    store.put("raw", b"a file, not a folder", content_type="text/plain")
    with pytest.raises(BucketError, match=f"folder {root}/raw cannot be written to"):
        store.preflight("raw/crm")


def test_new_folders_survive_a_power_cut(store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    sync = os.fsync

    def recorded(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    store.put_new("raw/crm/plan", b"{}")
    assert {str(root.parent), str(root), f"{root}/raw", f"{root}/raw/crm"} <= set(synced)
