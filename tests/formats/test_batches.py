"""Batches: many tiny pages become one, and a large one several."""

import msgspec
import pytest

from seawall.formats.batches import BATCH_BYTES, BATCH_RECORDS, Batch, Batches
from seawall.formats.writer import RecordError


def taken() -> tuple[Batches, list[list[bytes]]]:
    found: list[list[bytes]] = []

    def take(batch: Batch) -> None:
        array = b"[%s]" % (batch.text.replace(b"\n", b",") if batch.lines else batch.text)
        found.append([bytes(record) for record in msgspec.json.decode(array, type=list[msgspec.Raw])])
        assert len(found[-1]) == batch.records

    return Batches(take), found


def test_tiny_pages_are_gathered_until_a_batch_is_full() -> None:
    batches, found = taken()
    pages = [[b'{"n":%d}' % (page * 100 + n) for n in range(100)] for page in range(150)]
    for page in pages:
        batches.add(page)
    assert [len(batch) for batch in found] == [BATCH_RECORDS]
    batches.flush()
    assert [record for batch in found for record in batch] == [record for page in pages for record in page]
    batches.flush()
    assert len(found) == 2, "nothing waits any more"


def test_a_large_page_is_cut_and_large_records_fill_a_batch_early() -> None:
    batches, found = taken()
    batches.add([b"{}"] * (2 * BATCH_RECORDS + 5))
    batches.flush()
    assert [len(batch) for batch in found] == [BATCH_RECORDS, BATCH_RECORDS, 5]
    batches.add([b'{"a":"%s"}' % (b"x" * BATCH_BYTES)])
    assert len(found) == 4


def test_pages_with_line_breaks_in_their_records_keep_their_place_and_their_bytes() -> None:
    batches, found = taken()
    pages = [[b'{"n":1}', b'{"n":2}'], [b'{"n":3}'], [b'{"n":\n4}', b'{"n":\r5}'], [b'{"n":6}']]
    for page in pages:
        batches.add(page)
    batches.flush()
    assert found == [pages[0] + pages[1], pages[2], pages[3]]


@pytest.mark.parametrize("bad", [b"", b"3", b" {}", b"[]"])
def test_what_is_no_object_is_named_and_nothing_of_its_page_is_taken(bad: bytes) -> None:
    batches, found = taken()
    with pytest.raises(RecordError, match="record 3: "):
        batches.add([b"{}", b"{}", bad])
    batches.flush()
    assert found == []
