"""The manifest: created once, by one commit."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.storage.documents import Column, Totals
from seawall.storage.errors import CorruptObjectError, ObjectExistsError
from seawall.storage.local import LocalStore
from seawall.storage.manifest import FailedPage, Manifest, Part, find_manifest, write_manifest
from seawall.storage.ranges import PageRange

FOLDER = "raw/customers/20260304T050607Z-2e3f4a5b"


def _manifest(**changes: Any) -> Manifest:
    part = Part(key=f"{FOLDER}/part.csv", first=1, last=50, records=50_000, bytes=12_000_000, sha256="ab" * 32)
    whole = Manifest(
        run_id="0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", commit_id="c" * 32, source="customers", format="csv",
        verdict="gaps", figures="1 page is missing", location=f"s3://raw/{FOLDER}/_manifest.json",
        started="2026-03-04T05:06:07+00:00", published="2026-03-04T05:16:07+00:00", pages=PageRange(1, 51),
        records=50_000, bytes=12_000_000, parts=(part,), columns=(Column("id", "integer"), Column("notes", "string")),
        advertised_at_start=Totals(records=51_000), advertised_at_end=Totals(pages=51, records=51_000),
        failed_pages=(FailedPage(page=51, error="HTTP 500"),), retries={"HTTP 500": 4},
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_a_published_manifest_comes_back_as_it_was(store: LocalStore) -> None:
    write_manifest(store, FOLDER, _manifest())
    assert find_manifest(store, FOLDER) == _manifest()


def test_a_run_that_was_not_published_has_no_manifest(store: LocalStore) -> None:
    assert find_manifest(store, FOLDER) is None


def test_the_same_commit_may_be_repeated(store: LocalStore) -> None:
    write_manifest(store, FOLDER, _manifest())
    write_manifest(store, FOLDER, _manifest())
    assert find_manifest(store, FOLDER) == _manifest()


def test_another_commit_of_equal_data_is_refused(store: LocalStore) -> None:
    write_manifest(store, FOLDER, _manifest())
    with pytest.raises(ObjectExistsError, match=r"_manifest\.json exists already"):
        write_manifest(store, FOLDER, _manifest(commit_id="d" * 32))
    assert find_manifest(store, FOLDER) == _manifest()


@pytest.mark.parametrize("content", [b"", b"{}", b'{"seawall": 2}', b'{"seawall": 1}', b'"complete"'])
def test_a_corrupt_manifest_is_refused_by_name(store: LocalStore, content: bytes) -> None:
    store.put(f"{FOLDER}/_manifest.json", content, content_type="application/json")
    with pytest.raises(CorruptObjectError, match=f"{FOLDER}/_manifest.json"):
        find_manifest(store, FOLDER)


def test_a_manifest_that_was_cut_is_refused(store: LocalStore) -> None:
    write_manifest(store, FOLDER, _manifest())
    whole = store.get(f"{FOLDER}/_manifest.json")
    store.put(f"{FOLDER}/_manifest.json", whole[:-2], content_type="application/json")
    with pytest.raises(CorruptObjectError, match=r"_manifest\.json"):
        find_manifest(store, FOLDER)
