"""Receipts: create-only, and no page in two of them."""

import json
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.storage import documents
from seawall.storage.documents import Column, Totals
from seawall.storage.errors import CorruptObjectError
from seawall.storage.keys import receipt_key
from seawall.storage.local import LocalStore
from seawall.storage.ranges import PageRange
from seawall.storage.receipts import Receipt, read_receipts, write_receipt

FOLDER = "raw/customers/20260304T050607Z-2e3f4a5b"


def _receipt(first: int, last: int, **changes: Any) -> Receipt:
    whole = Receipt(
        first=first, last=last, records=1000 * (last - first + 1), bytes=240_000, sha256="ab" * 32,
        columns=(Column("id", "integer"), Column("naïve \n", "string")), key=f"{FOLDER}/part-{first}.csv",
        body_bytes=260_000, retries={"HTTP 500": 3}, totals=Totals(records=100_000), totals_at=1.5,
        landed_at="2026-03-04T05:06:07+00:00",
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_receipts_come_back_in_page_order(store: LocalStore) -> None:
    written = [_receipt(51, 100), _receipt(1, 50), _receipt(101, 101)]
    for each in written:
        assert write_receipt(store, FOLDER, each) is each
    assert read_receipts(store, FOLDER) == sorted(written, key=lambda each: each.first)


def test_a_run_without_receipts_has_none(store: LocalStore) -> None:
    assert read_receipts(store, FOLDER) == []


def test_pages_beyond_the_eight_digits_of_a_name_still_come_in_page_order(store: LocalStore) -> None:
    written = [_receipt(99_999_999, 99_999_999), _receipt(100_000_000, 100_000_010)]
    for each in written:
        write_receipt(store, FOLDER, each)
    assert read_receipts(store, FOLDER) == written


def test_a_receipt_knows_its_pages() -> None:
    assert _receipt(3, 14).pages == PageRange(3, 14)


def test_a_receipt_that_another_process_wrote_first_is_adopted(store: LocalStore) -> None:
    theirs = write_receipt(store, FOLDER, _receipt(1, 50, key=f"{FOLDER}/theirs.csv"))
    assert write_receipt(store, FOLDER, _receipt(1, 40)) == theirs
    assert read_receipts(store, FOLDER) == [theirs]


def test_of_receipts_that_overlap_the_one_that_begins_earlier_counts(store: LocalStore) -> None:
    for each in (_receipt(1, 50), _receipt(26, 75), _receipt(50, 50), _receipt(51, 60), _receipt(60, 99)):
        write_receipt(store, FOLDER, each)
    assert [each.pages for each in read_receipts(store, FOLDER)] == [PageRange(1, 50), PageRange(51, 60)]


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 12), max_size=6))
@settings(max_examples=50, print_blob=True)
def test_no_page_is_in_two_receipts_and_whoever_is_left_out_overlaps_an_earlier_one(begun: dict[int, int]) -> None:
    written = [_receipt(first, first + more) for first, more in begun.items()]
    root = tempfile.mkdtemp()
    for each in written:
        write_receipt(LocalStore(Path(root)), FOLDER, each)
    kept = read_receipts(LocalStore(Path(root)), FOLDER)
    shutil.rmtree(root)
    assert all(one.last < other.first for one, other in pairwise(kept))
    for out in (each for each in written if each not in kept):
        assert any(each.first < out.first <= each.last for each in kept)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "raw/orders/20260304T050607Z-2e3f4a5b/part.csv"},
        {"key": f"{FOLDER}5/part.csv"},
        {"key": f"{FOLDER}/../other/part.csv"},
        {"first": 52},
        {"key": "/etc/passwd"},
        {"key": ""},
        {"last": 50},
        {"first": -1, "last": -1},
    ],
)
def test_a_receipt_that_makes_no_sense_is_refused_by_name(store: LocalStore, changes: dict[str, Any]) -> None:
    write_receipt(store, FOLDER, _receipt(1, 50))
    foreign = json.loads(documents.encoded(_receipt(51, 59))) | changes
    store.put(receipt_key(FOLDER, 51), json.dumps(foreign).encode(), content_type="application/json")
    with pytest.raises(CorruptObjectError, match=r"_receipts/00000051\.json"):
        read_receipts(store, FOLDER)


@pytest.mark.parametrize("content", [b"", b"{", b'{"seawall": 2}', b'{"seawall": 1, "first": 51}', b"null"])
def test_a_corrupt_receipt_is_refused_by_name(store: LocalStore, content: bytes) -> None:
    write_receipt(store, FOLDER, _receipt(1, 50))
    store.put(receipt_key(FOLDER, 51), content, content_type="application/json")
    with pytest.raises(CorruptObjectError, match=r"_receipts/00000051\.json"):
        read_receipts(store, FOLDER)


def test_a_corrupt_receipt_is_not_adopted(store: LocalStore) -> None:
    store.put(receipt_key(FOLDER, 1), b"{}", content_type="application/json")
    with pytest.raises(CorruptObjectError, match=r"_receipts/00000001\.json"):
        write_receipt(store, FOLDER, _receipt(1, 50))


def test_receipts_of_another_run_are_not_read(store: LocalStore) -> None:
    other = f"{FOLDER}-2"
    write_receipt(store, other, _receipt(1, 50, key=f"{other}/part.csv"))
    assert read_receipts(store, FOLDER) == []
