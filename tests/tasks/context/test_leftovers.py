"""Leftovers: what nobody holds any more is closed, but never where a lock may be held."""

import gc
import threading
from pathlib import Path

from seawall.clients.redact import SECRETS
from seawall.storage.targets.local import LocalFolder
from seawall.tasks.context.blocks import open_store
from seawall.tasks.context.leftovers import close_after, close_leftovers


class Owner:
    """Holds itself, so that only a collection finds out that nobody else does."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_collected_while_a_lock_is_held_that_its_closing_takes_stops_nobody() -> None:
    SECRETS.add("a-secret-of-an-owner")
    close_after(Owner(), SECRETS.discard, "a-secret-of-an-owner")

    def collect() -> None:
        with SECRETS._lock:
            gc.collect()

    collector = threading.Thread(target=collect, daemon=True)
    collector.start()
    collector.join(30)
    assert not collector.is_alive()
    assert "a-secret-of-an-owner" in SECRETS._secrets
    close_leftovers()
    assert "a-secret-of-an-owner" not in SECRETS._secrets


def test_a_store_that_somebody_holds_is_no_leftover(tmp_path: Path) -> None:
    store, closed = open_store(LocalFolder(None, str(tmp_path))), list[str]()
    close_after(store, closed.append, "store")
    close_leftovers()
    assert closed == []
    del store
    gc.collect()
    close_leftovers()
    assert closed == ["store"]
