"""Land: what the bookkeeping of a long walk costs, and what it does where a store shows nothing new."""

from collections import Counter
from collections.abc import Iterator

import pytest

from seawall.storage.store import ObjectStore
from seawall.tasks import land
from seawall.tasks.errors import StalledError
from seawall.tasks.landing.tally import Tally
from seawall.tests.inline import Now
from seawall.tests.schedules import MemoryStore
from seawall.tests.shelf import Shelf
from seawall.tests.small_runs import small_run

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
    monkeypatch.setattr(land, "land_range", Now(lambda landing, link: Tally()))
    store: ObjectStore = MemoryStore()
    with pytest.raises(StalledError, match=r"pages 1-5 .*memory:items/20260101T000000Z-55555555"):
        small_run(Shelf("pages"), store)
