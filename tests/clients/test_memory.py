"""What answers cost in memory, whatever they hold: measured in processes of their own, over sockets."""

import gzip
import zlib

import pytest

from seawall.tests.memory import cost_of
from seawall.tests.wireserver import in_turn, whole

pytestmark = pytest.mark.faults

MIB = 2**20


def packed(item: bytes, mebibytes: int, *, begin: bytes = b'{"data":[', end: bytes = b"0]}", wbits: int = 31) -> bytes:
    """A body of the same item over and over, which a coding makes a thousand times smaller."""
    stream = zlib.compressobj(9, zlib.DEFLATED, wbits)
    pieces = [stream.compress(begin)]
    pieces += [stream.compress(item * (MIB // len(item))) for _ in range(mebibytes)]
    return b"".join([*pieces, stream.compress(end), stream.flush()])


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (packed(b" ", 300), "gzip"),
        (packed(b" ", 300, wbits=15), "deflate"),
        (gzip.compress(packed(b" ", 300)), "gzip, gzip"),
    ],
    ids=["gzip", "deflate", "twice"],
)
def test_a_body_that_inflates_beyond_the_limit_costs_less_than_100_mebibytes(body: bytes, coding: str) -> None:
    cost = cost_of(in_turn(whole(body, content_encoding=coding)))
    assert cost.failures == [
        "page 1 is larger than 67,108,864 bytes (max_page_bytes); ask for smaller pages (page_size), "
        "or raise that limit in the source"
    ]
    assert cost.peak < 100


@pytest.mark.parametrize(("item", "count"), [(b"{},", "11,184,801"), (b"0,", "16,777,217"), (b'"",', "11,184,801")])
def test_millions_of_small_records_are_counted_before_an_object_is_made_for_each(item: bytes, count: str) -> None:
    body = packed(item, 32)
    assert len(body) < 40 * 1024
    cost = cost_of(in_turn(whole(body, content_encoding="gzip")))
    assert cost.failures == [
        f"page 1 holds {count} records or keys in one list or object, more than 100,000 (max_page_records); ask for "
        "smaller pages (page_size), or raise that limit in the source"
    ]
    assert cost.peak < 100


def test_a_body_that_nests_and_repeats_costs_no_more_than_some_copies_of_it() -> None:
    body = packed(b"[],", 32, begin=b'{"metadata":{"total_pages":1},"data":[{"a":[', end=b"0]}]}")
    cost = cost_of(in_turn(whole(body, content_encoding="gzip")))
    assert (cost.failures, cost.peak < 100) == ([], True)
