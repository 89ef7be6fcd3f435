"""Plan: one run id, one landing folder, and none inside of another."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from seawall.tasks.errors import SettingsError
from seawall.tasks.options import IngestOptions
from seawall.tests.schedules import MemoryStore
from seawall.tests.shelf import Shelf
from seawall.tests.small_runs import run_of, small_run

pytestmark = pytest.mark.usefixtures("inline_runs")

START = datetime(2026, 1, 1, tzinfo=UTC)


class Waiting(Shelf):
    """A shelf whose first page waits until another attempt has been told."""

    def answer(self, query: object, url: str) -> object:  # type: ignore[override]
        self.gate.wait(30)
        return super().answer(query, url)  # type: ignore[arg-type]

    gate = threading.Event()


def test_two_attempts_that_begin_at_once_with_one_run_id_agree_on_one_folder() -> None:
    store, gate = MemoryStore(), threading.Event()
    slow = Waiting("pages")
    slow.gate = gate
    with ThreadPoolExecutor(1) as other:
        presumed_dead = other.submit(small_run, slow, store, run_of(started=START))
        retry = small_run(Shelf("pages"), store, run_of(attempted=START + timedelta(seconds=30)))
        gate.set()
        assert presumed_dead.result() == retry
    assert len([key for key in store.objects if key.endswith("_manifest.json")]) == 1
    assert len([key for key in store.objects if key.endswith("_plan.json")]) == 1


def test_a_retry_finds_its_folder_where_lists_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    monkeypatch.setattr(store, "folders", lambda prefix: iter(()))
    first = small_run(Shelf("pages"), store)
    assert small_run(Shelf("pages"), store, run_of(attempted=START + timedelta(hours=1))) == first


@pytest.mark.parametrize("deeper", ["", "/orders", "/orders/of/mine", "/_receipts"])
def test_a_prefix_in_a_landing_folder_is_refused_before_any_page_is_fetched(deeper: str) -> None:
    store = MemoryStore()
    folder = small_run(Shelf("pages"), store).location.removeprefix("memory:").removesuffix("/_manifest.json")
    shelf, before = Shelf("pages"), dict(store.objects)
    with pytest.raises(SettingsError, match="is the landing folder of another run; choose a prefix outside of it"):
        small_run(shelf, store, run_of(run_id="x" * 36, prefix=folder + deeper, options=IngestOptions()))
    assert (shelf.asked, store.objects) == ([], before)
