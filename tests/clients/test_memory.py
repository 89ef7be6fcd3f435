"""What answers cost in memory, whatever they hold: measured in processes of their own, over sockets."""

import gzip
import random
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from seawall.clients.api import ApiClient
from seawall.clients.pages.page import End, Page
from seawall.tests.memory import cost_of
from seawall.tests.walks import Outcome, client_of
from seawall.tests.wireserver import Answer, Request, WireServer, as_json, in_turn, whole

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

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


def test_large_pages_are_read_ahead_within_a_budget_of_bytes() -> None:
    filler = b"x" * 10_000

    def route(request: Request) -> Answer:
        records = b",".join(b'{"id":%d,"text":"%s"}' % (request.page * 10_000 + at, filler) for at in range(2_000))
        return whole(b'{"metadata":{"total_pages":40,"total_records":80000},"data":[%s]}' % records)

    walks = [(1, 10), (11, 20), (21, 30), (31, 40)]
    cost = cost_of(route, *walks, options={"max_in_flight": 16})
    assert (cost.pages, cost.failures) == (40, [])
    assert cost.peak < 384, "one page a walk in flight and one in hand, whatever the budget"


def taken(client: ApiClient, first: int, last: int, walks: int) -> list[Outcome]:
    return list(client.pages(first, last, sharing=walks))


@pytest.mark.parametrize("seed", range(20))
def test_walks_that_wait_for_pages_ahead_of_them_end_however_little_room_there_is(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr("seawall.clients.walks.readahead.READ_AHEAD_BYTES", draw.choice((1, 500, 2_000, 5_000)))
    walks = draw.choice((1, 2, 4, 8))
    sizes = {number: draw.choice((0, 0, 1, 2, 3, 50)) for number in range(2, 60)} | {1: 5, 60: 5}
    broken = {number for number in sizes if draw.random() < 0.1 and number > 1}

    def route(request: Request) -> Answer:
        if request.page in broken:
            return whole(b"{}", 500)
        begin = request.page * 100
        records = [{"id": begin + at} for at in range(sizes.get(request.page, 0))]
        return as_json({"data": records})

    pagination = {"kind": "page_number", "total_pages_path": "", "total_records_path": ""}
    with WireServer(route) as server, client_of(server, pagination=pagination, page_size=5, max_attempts=2) as client:
        client.first_page()
        length = 60 // walks
        ranges = [(1 + at * length, (at + 1) * length) for at in range(walks)]
        with ThreadPoolExecutor(walks) as pool:
            landed = [pool.submit(taken, client, first, last, walks) for first, last in ranges]
            outcomes = [outcome for walk in landed for outcome in walk.result(timeout=60)]
    records = {outcome.number: len(outcome.records) for outcome in outcomes if isinstance(outcome, Page)}
    ends = [outcome.number for outcome in outcomes if isinstance(outcome, End)]
    assert ends or sorted(outcome.number for outcome in outcomes) == list(range(1, walks * length + 1))
    assert all(count == sizes[number] for number, count in records.items())
