"""Land: what the bookkeeping of a long walk costs, and what it does where a store shows nothing new."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from seawall.clients.errors import SourceDownError
from seawall.storage.manifest import Manifest
from seawall.storage.store import ObjectStore
from seawall.tasks import land
from seawall.tasks.errors import IncompleteError, StalledError
from seawall.tasks.landing.tally import Tally
from seawall.tasks.options import IngestOptions
from seawall.tests.schedules import MemoryStore
from seawall.tests.shelf import Shelf
from seawall.tests.small_runs import run_of, small_run

pytestmark = pytest.mark.usefixtures("inline_runs")


class Counting(MemoryStore):
    """Counts what is asked of it about receipts."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def get(self, key: str) -> bytes:
        self.asked["receipts read"] += "_receipts/" in key
        return super().get(key)

    def list(self, prefix: str) -> Iterator[str]:
        self.asked["lists"] += "_receipts/" in prefix
        return super().list(prefix)


class Forgetful(MemoryStore):
    """Its lists never show a new key."""

    def list(self, prefix: str) -> Iterator[str]:
        return iter(())


@dataclass
class Failing(Shelf):
    """Its connection breaks on `broken` pages of five, counted from 0; it tells of `told` records at the most."""

    broken: Collection[int] = ()
    told: int = 10**6

    def answer(self, query: Mapping[str, str], url: str) -> tuple[dict[str, str], dict[str, Any]]:
        headers, body = super().answer(query, url)
        if self._begin(query, 5) // 5 in self.broken:
            raise httpx.ReadError("Connection reset by peer", request=httpx.Request("GET", url))
        told = min(self.told, self.total)
        totals = {"total_records": told, "total_pages": -(-told // 5)}
        body["metadata"] = {key: totals.get(key, value) for key, value in body["metadata"].items()}
        return headers, body


def test_a_source_that_is_down_behind_its_first_page_ends_a_run_early() -> None:
    shelf = Failing("pages", total=1_000, broken=range(1, 200))
    with pytest.raises(SourceDownError, match="21 pages failed for good"):
        small_run(shelf, MemoryStore())
    assert len(shelf.asked) < 60 * 12


@pytest.mark.parametrize(("max_failed_pages", "tried_again"), [(0, 1), (4, 5), (10, 10)])
def test_gaps_are_tried_again_until_too_many_have_failed_twice(max_failed_pages: int, tried_again: int) -> None:
    shelf, store = Failing("pages", total=500, broken=range(50, 60)), MemoryStore()
    if max_failed_pages < 10:
        with pytest.raises(IncompleteError, match="gaps: 10 pages missing"):
            small_run(shelf, store, max_failed_pages=max_failed_pages, parallel_parts=1)
    else:
        assert small_run(shelf, store, max_failed_pages=max_failed_pages, parallel_parts=1).verdict == "gaps"
    asked = Counter(begin // 5 for begin in shelf.asked if begin // 5 in shelf.broken)
    assert sorted(asked.values(), reverse=True) == [24] * tried_again + [12] * (10 - tried_again)


def pages_told(manifest: Manifest) -> tuple[int, set[int]]:
    """The pages that a manifest vouches for, landed or missing: how many, and those that are missing."""
    landed = {page for part in manifest.parts for page in range(part.first, part.last + 1)}
    missing = {failed.page for failed in manifest.failed_pages}
    return len(landed | missing), missing


@pytest.mark.parametrize("per_part", [1, 2, 3, 8])
@pytest.mark.parametrize("broken", [range(begin, begin + length) for begin in (1, 2, 7, 8, 9) for length in (1, 2, 3)])
def test_an_open_walk_goes_on_behind_pages_that_are_missing_wherever_it_began_its_parts(
    broken: range, per_part: int
) -> None:
    shelf = Failing("pages until empty", total=300, broken=broken)
    manifest = small_run(
        shelf, MemoryStore(), max_failed_pages=3, pages_per_part=per_part, parallel_parts=1, max_in_flight=2
    )
    assert pages_told(manifest) == (60, {page + 1 for page in broken})
    assert (manifest.verdict, manifest.records) == ("gaps", 300 - 5 * len(broken))


@pytest.mark.parametrize("kind", ["pages", "pages by records", "offset"])
@pytest.mark.parametrize("broken", [range(1, 2), range(4, 8), range(7, 8)])
def test_a_total_that_is_too_small_is_seen_though_the_last_page_that_it_tells_of_is_missing(
    kind: str, broken: range
) -> None:
    shelf = Failing(kind, total=300, broken=broken, told=40)
    manifest = small_run(shelf, MemoryStore(), max_failed_pages=4, pages_per_part=2, parallel_parts=1)
    assert pages_told(manifest) == (60, {page + 1 for page in broken})
    assert (manifest.verdict, manifest.records) == ("gaps", 300 - 5 * len(broken))


@pytest.mark.parametrize("kind", ["pages by records", "offset"])
def test_a_total_of_records_that_is_reached_though_a_page_is_missing_is_too_small(kind: str) -> None:
    manifest = small_run(Failing(kind, total=30, told=20, broken=(1, 5)), MemoryStore(), max_failed_pages=2)
    assert pages_told(manifest) == (6, {2, 6})
    assert (manifest.verdict, manifest.records) == ("gaps", 20)


@pytest.mark.parametrize("kind", ["pages", "pages by records", "offset"])
def test_a_run_that_is_resumed_knows_of_a_total_that_its_receipts_refute(kind: str) -> None:
    shelf, store = Failing(kind, total=300, broken=range(20, 60), told=40), MemoryStore()
    options: dict[str, Any] = {"pages_per_part": 2, "parallel_parts": 1}
    with pytest.raises((IncompleteError, SourceDownError), match=r"pages missing|the API is down"):
        small_run(shelf, store, **options)
    shelf.broken = range(20, 21)
    manifest = small_run(shelf, store, run_of(resuming=True, options=IngestOptions(max_failed_pages=1, **options)))
    assert pages_told(manifest) == (60, {21})
    assert (manifest.verdict, manifest.records) == ("gaps", 295)


@dataclass
class Shrinking(Failing):
    """It tells of fewer records once it was asked for its last page, and breaks on pages behind."""

    def answer(self, query: Mapping[str, str], url: str) -> tuple[dict[str, str], dict[str, Any]]:
        answer = super().answer(query, url)
        self.told = min(self.told, 40 if self._begin(query, 5) + 5 >= self.total else 10**6)
        return answer


@pytest.mark.parametrize("kind", ["pages", "offset"])
def test_a_source_that_tells_of_fewer_pages_than_before_is_not_walked_on_behind_them(kind: str) -> None:
    shelf = Shrinking(kind, total=50, broken=range(10, 100))
    manifest = small_run(shelf, MemoryStore(), pages_per_part=2, parallel_parts=1, max_in_flight=1)
    assert (manifest.verdict, manifest.records, manifest.failed_pages) == ("excess", 50, ())
    assert max(shelf.asked) == 50, "the page behind the last one is asked for, and no other"


@pytest.mark.parametrize("first", [1, 2, 3, 8])
@pytest.mark.parametrize("per_part", [1, 2, 3])
def test_where_all_that_comes_is_missing_an_open_walk_ends_and_publishes_nothing(first: int, per_part: int) -> None:
    shelf = Failing("pages until empty", total=5_000, broken=range(first, 10_000))
    with pytest.raises((IncompleteError, SourceDownError), match=r"pages missing|the API is down"):
        small_run(shelf, MemoryStore(), max_failed_pages=2, pages_per_part=per_part, parallel_parts=1, max_in_flight=2)


@pytest.mark.parametrize("broken", [range(1, 2), range(2, 3), range(7, 9)])
def test_what_is_missing_at_the_edge_of_an_open_walk_is_filled_with_all_that_is_behind_it(broken: range) -> None:
    shelf, store = Failing("pages until empty", total=300, broken=broken), MemoryStore()
    options: dict[str, Any] = {"max_failed_pages": 2, "pages_per_part": 2, "parallel_parts": 1}
    assert small_run(shelf, store, **options).verdict == "gaps"
    shelf.broken = ()
    filled = small_run(shelf, store, run_of(resuming=True, options=IngestOptions(**options)))
    assert (filled.verdict, filled.records, filled.generation) == ("complete", 300, 2)


def test_a_process_reads_no_receipt_that_it_wrote_and_lists_them_few_times() -> None:
    store = Counting()
    manifest = small_run(Shelf("pages until empty", total=1_500), store, pages_per_part=1)
    assert (len(manifest.parts), manifest.verdict) == (300, "complete")
    assert store.asked["receipts read"] == 0
    assert store.asked["lists"] < 25


def test_an_open_walk_asks_for_no_more_pages_behind_the_end_when_it_is_long() -> None:
    beyond = {}
    for total in (100, 1_500):
        shelf = Shelf("pages until empty", total=total)
        small_run(shelf, MemoryStore(), pages_per_part=1)
        beyond[total] = sum(begin >= total for begin in shelf.asked)
    assert beyond[1_500] == beyond[100] < 20


@pytest.mark.parametrize("kind", ["pages", "pages until empty", "cursor"])
def test_where_lists_never_show_new_keys_each_page_is_landed_once(kind: str) -> None:
    by_the_book, shelf = Shelf(kind, total=100), Shelf(kind, total=100)
    small_run(by_the_book, MemoryStore(), pages_per_part=3)
    manifest = small_run(shelf, Forgetful(), pages_per_part=3)
    assert (manifest.records, manifest.verdict) == (100, "complete")
    assert sorted(shelf.asked) == sorted(by_the_book.asked)


def test_a_round_that_comes_to_nothing_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(land.land_range, "fn", lambda landing, link: Tally())
    store: ObjectStore = MemoryStore()
    with pytest.raises(StalledError, match=r"pages 1-5 .*memory:items/20260101T000000Z-55555555"):
        small_run(Shelf("pages"), store)
