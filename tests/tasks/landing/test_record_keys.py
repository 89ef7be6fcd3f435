"""Record keys: compared as they read, counted in bounded memory."""

import json
import resource
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.clients.pages.identity import KEY_BYTES, Sameness
from seawall.clients.pages.page import Page
from seawall.clients.pages.page import Totals as PageTotals
from seawall.clients.pages.records import Records
from seawall.storage.documents import Totals
from seawall.storage.local import LocalStore
from seawall.storage.receipts import Receipt
from seawall.tasks.landing.record_keys import KeyFile, repeated, store_digests

FOLDER = "items/20260101T000000Z-abcdefab"


def page(*records: bytes) -> Page:
    texts = Records(records)
    identity = Sameness("id").of(1, texts)
    return Page(number=1, records=texts, totals=PageTotals(), body_bytes=9, read_at=1.0, identity=identity)


def receipt(first: int) -> Receipt:
    return Receipt(
        first=first, last=first, records=0, bytes=0, sha256="ab" * 32, columns=(), key=f"{FOLDER}/x", body_bytes=0,
        retries={}, totals=Totals(), totals_at=0, landed_at="",
    )  # fmt: skip


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_twins_are_counted_over_all_parts(tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]]) -> None:
    root: Path = tmp_path_factory.mktemp("keys")
    store = LocalStore(root)
    written: list[Any] = []
    for first, numbers in enumerate(parts, 1):
        with KeyFile(root / "staged", "id") as keys:
            keys.write(page(*(json.dumps({"id": number}).encode() for number in numbers)))
        assert keys.path is not None
        written.append(receipt(first))
        store_digests(store, FOLDER, first, written[-1].sha256, keys.path)
    counts = Counter(number for numbers in parts for number in numbers)
    assert repeated(store, FOLDER, written) == sum(count - 1 for count in counts.values())


def test_without_a_name_no_file_is_written(tmp_path: Path) -> None:
    with KeyFile(tmp_path / "staged", None) as keys:
        keys.write(page(b'{"id":1}'))
    assert (keys.path, keys.keyless, list(tmp_path.iterdir())) == (None, 0, [])


def test_records_without_the_key_are_counted(tmp_path: Path) -> None:
    with KeyFile(tmp_path / "some", "id") as keys:
        keys.write(page(b'{"id":1}', b"{}"))
        keys.write(page(b"{}"))
    assert keys.keyless == 2
    assert (tmp_path / "some").stat().st_size == KEY_BYTES


def test_few_open_files_suffice(tmp_path: Path) -> None:
    store, count = LocalStore(tmp_path), 40_000
    keys = np.arange(count, dtype=">u8").repeat(2).reshape(-1, 2) * np.uint64(2**64 // count)
    (tmp_path / "staged").write_bytes(keys.tobytes() + keys[:7].tobytes())
    store_digests(store, FOLDER, 1, receipt(1).sha256, tmp_path / "staged")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 20, hard))
    try:
        assert repeated(store, FOLDER, [receipt(1)]) == 7
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
