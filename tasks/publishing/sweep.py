"""Sweep: after the commit, remove what no manifest lists."""

from collections.abc import Callable
from functools import partial

from loguru import logger

from seawall.storage.keys import OWN_FOLDERS, RECORD_KEYS, REJECTED, WIDENED, is_data
from seawall.storage.manifest import read_manifests
from seawall.storage.parallel import in_parallel
from seawall.storage.receipts import read_receipts
from seawall.storage.store import ObjectStore


def sweep(store: ObjectStore, folder: str) -> None:
    """Remove data objects that no reader should find, and unfinished uploads: of this landing, and of no other.

    The dataset is committed, so a failure only warns: a policy may well forbid us to delete. Everything is tried.
    """
    failures: list[Exception] = []
    try:
        leftovers = _leftovers(store, folder)
    except Exception as error:  # noqa: BLE001  # whatever the store raises, the data is safe
        leftovers, failures = [], [error]
    failures += (each for each in in_parallel(store, partial(_failure, store.delete), leftovers) if each)
    places = [f"{folder}/", *(f"{folder}/{each}" for each in OWN_FOLDERS)]
    failures += (each for each in in_parallel(store, partial(_failure, store.abort_uploads), places) if each)
    if failures:
        first = f"{type(failures[0]).__name__}: {failures[0]}"
        logger.bind(folder=folder, failures=len(failures), first=first).warning(
            "published, but leftovers could not be removed"
        )


def _leftovers(store: ObjectStore, folder: str) -> list[str]:
    """The keys of our own objects that nothing names.

    Readers may still hold an earlier generation of the manifest, so what it lists stays; while a fill may come, so does
    what receipts name.
    """
    manifests = read_manifests(store, folder)
    named = {key for each in manifests for key in (*(part.key for part in each.parts), *each.rejected_keys)}
    swept: tuple[str, ...] = (REJECTED, RECORD_KEYS, WIDENED)
    if manifests[-1].is_fillable:
        named |= {key for each in read_receipts(store, folder) for key in (each.key, each.rejected_key) if key}
        swept = (REJECTED,)
    return [key for key in store.list(f"{folder}/") if key not in named and is_data(folder, key, swept)]


def _failure(act: Callable[[str], object], key: str) -> Exception | None:
    """What keeps the store from doing something with a key, if anything."""
    try:
        act(key)
    except Exception as error:  # noqa: BLE001  # counted, and told once
        return error
    return None
