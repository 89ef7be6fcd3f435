"""Batches: many tiny pages become one, and a large one several."""

from collections.abc import Iterable

import msgspec
import pytest

from seawall.formats.batches import BATCH_BYTES, BATCH_RECORDS, Batch, Batches
from seawall.formats.records import RecordError


def records_of(batches: Iterable[Batch]) -> list[list[bytes]]:
    """The records of each batch."""
    return [_records(batch) for batch in batches]


def _records(batch: Batch) -> list[bytes]:
    array = b"[%s]" % (batch.text.replace(b"\n", b",") if batch.lines else batch.text)
    records = [bytes(record) for record in msgspec.json.decode(array, type=list[msgspec.Raw])]
    assert len(records) == batch.records
    return records


def test_tiny_pages_are_gathered_until_a_batch_is_full() -> None:
    batches = Batches()
    pages = [[b'{"n":%d}' % (page * 100 + n) for n in range(100)] for page in range(150)]
    full = records_of(batch for page in pages for batch in batches.add(page))
    assert [len(batch) for batch in full] == [BATCH_RECORDS]
    rest = records_of(batches.flush())
    assert [record for batch in full + rest for record in batch] == [record for page in pages for record in page]
    assert records_of(batches.flush()) == [], "nothing waits any more"


def test_a_large_page_is_cut_and_large_records_fill_a_batch_early() -> None:
    batches = Batches()
    full = records_of(batches.add([b"{}"] * (2 * BATCH_RECORDS + 5)))
    assert [len(batch) for batch in full] == [BATCH_RECORDS, BATCH_RECORDS]
    assert [len(batch) for batch in records_of(batches.flush())] == [5]
    assert len(records_of(batches.add([b'{"a":"%s"}' % (b"x" * BATCH_BYTES)]))) == 1


def test_pages_with_line_breaks_in_their_records_keep_their_place_and_their_bytes() -> None:
    batches = Batches()
    pages = [[b'{"n":1}', b'{"n":2}'], [b'{"n":3}'], [b'{"n":\n4}', b'{"n":\r5}'], [b'{"n":6}']]
    full = records_of(batch for page in pages for batch in batches.add(page))
    assert full + records_of(batches.flush()) == [pages[0] + pages[1], pages[2], pages[3]]


@pytest.mark.parametrize("bad", [b"", b"3", b" {}", b"[]"])
def test_what_is_no_object_is_named_and_nothing_of_its_page_is_taken(bad: bytes) -> None:
    batches = Batches()
    with pytest.raises(RecordError, match="record 3: "):
        records_of(batches.add([b"{}", b"{}", bad]))
    assert records_of(batches.flush()) == []
