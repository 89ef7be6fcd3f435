"""Record keys: compared as they read, counted in bounded memory."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.storage.documents import Totals
from seawall.storage.local import LocalStore
from seawall.storage.receipts import Receipt
from seawall.tasks.landing.record_keys import DIGEST, KeyFile, digests, repeated, store_digests

FOLDER = "items/20260101T000000Z-abcdefab"


@pytest.mark.parametrize(
    ("one", "other", "name", "same"),
    [
        (b'{"id":1}', b'{"id": 1, "x": 2}', "id", True),
        (b'{"id":1}', b'{"id":"1"}', "id", False),
        (b'{"id":"\\u0061"}', b'{"id":"a"}', "id", True),
        (b'{"a":{"b":1}}', b'{"a":{"b":1,"c":2}}', "a.b", True),
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', "a, b", True),
        (b'{"a":"1","b":"2"}', b'{"a":"12","b":""}', "a,b", False),
    ],
)
def test_keys_are_compared_as_they_read(one: bytes, other: bytes, name: str, *, same: bool) -> None:
    (first,), (second,) = digests([one], name), digests([other], name)
    assert (first == second) is same
    assert len(first) == DIGEST


@pytest.mark.parametrize("record", [b"{}", b'{"id":null}', b'{"ID":1}', b"[1]", b"7"])
def test_a_record_without_the_key_has_none(record: bytes) -> None:
    assert digests([record], "id") == []


def receipt(first: int) -> Receipt:
    return Receipt(
        first=first, last=first, records=0, bytes=0, sha256="ab" * 32, columns=(), key=f"{FOLDER}/x", body_bytes=0,
        retries={}, totals=Totals(), totals_at=0, landed_at="",
    )  # fmt: skip


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_twins_are_counted_over_all_parts(tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]]) -> None:
    root: Path = tmp_path_factory.mktemp("keys")
    store = LocalStore(root)
    written: list[Any] = []
    for first, numbers in enumerate(parts, 1):
        with KeyFile(root / "staged", "id") as keys:
            keys.write([json.dumps({"id": number}).encode() for number in numbers])
        assert keys.path is not None
        written.append(receipt(first))
        store_digests(store, FOLDER, first, written[-1].sha256, keys.path)
    counts = Counter(number for numbers in parts for number in numbers)
    assert repeated(store, FOLDER, written) == sum(count - 1 for count in counts.values())


def test_without_a_name_no_file_is_written(tmp_path: Path) -> None:
    with KeyFile(tmp_path / "staged", None) as keys:
        keys.write([b'{"id":1}'])
    assert (keys.path, keys.keyless, list(tmp_path.iterdir())) == (None, 0, [])


def test_records_without_the_key_are_counted(tmp_path: Path) -> None:
    with KeyFile(tmp_path / "some", "id") as keys:
        keys.write([b'{"id":1}', b"{}"])
        keys.write([b"{}"])
    assert keys.keyless == 2
    assert (tmp_path / "some").stat().st_size == DIGEST
