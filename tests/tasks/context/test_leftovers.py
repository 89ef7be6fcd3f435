"""Leftovers: what nobody holds any more is closed, but never where a lock may be held."""

import gc
import threading
from pathlib import Path

from seawall.storage.targets.local import LocalFolder
from seawall.tasks.context.blocks import open_store
from seawall.tasks.context.leftovers import close_after, close_leftovers


class Owner:
    """Holds itself, so that only a collection finds out that nobody else does."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_collected_while_a_lock_is_held_that_its_closing_takes_stops_nobody() -> None:
    lock, closed = threading.Lock(), list[str]()

    def close() -> None:
        with lock:
            closed.append("owner")

    def collect() -> None:
        with lock:
            gc.collect()

    close_after(Owner(), close)
    collector = threading.Thread(target=collect, daemon=True)
    collector.start()
    collector.join(10)
    assert not collector.is_alive()
    assert closed == []
    close_leftovers()
    assert closed == ["owner"]


def test_a_store_that_somebody_holds_is_no_leftover(tmp_path: Path) -> None:
    store, closed = open_store(LocalFolder(None, str(tmp_path))), list[str]()
    close_after(store, closed.append, "store")
    close_leftovers()
    assert closed == []
    del store
    gc.collect()
    close_leftovers()
    assert closed == ["store"]


def test_one_that_cannot_be_closed_keeps_no_other_open_and_stops_no_run() -> None:
    closed: list[str] = []

    def fail() -> None:
        raise ConnectionError("the store is away")

    close_after(Owner(), fail)
    close_after(Owner(), closed.append, "the other")
    gc.collect()
    close_leftovers()
    assert closed == ["the other"]
