"""Sweep: after the commit, remove what no manifest lists."""

from loguru import logger

from seawall.storage.keys import RECORD_KEYS, REJECTED
from seawall.storage.manifest import read_manifests
from seawall.storage.receipts import read_receipts
from seawall.storage.store import ObjectStore


def sweep(store: ObjectStore, folder: str) -> None:
    """Remove data objects that no reader should find, and unfinished uploads.

    Readers may still hold an earlier generation of the manifest, so what it lists stays; while a fill may come, so does
    what receipts name. The dataset is committed, so a failure here only warns: a policy may well forbid us to delete.
    """
    prefix = f"{folder}/"
    try:
        manifests = read_manifests(store, folder)
        named = {key for each in manifests for key in (*(part.key for part in each.parts), *each.rejected_keys)}
        swept: tuple[str, ...] = (REJECTED, RECORD_KEYS)
        if manifests[-1].is_fillable:
            named |= {key for each in read_receipts(store, folder) for key in (each.key, each.rejected_key) if key}
            swept = (REJECTED,)
        for key in store.list(prefix):
            inner = key.removeprefix(prefix)
            if key not in named and (not inner.startswith("_") or inner.startswith(swept)):
                store.delete(key)
        store.abort_uploads(prefix)
    except Exception as error:  # noqa: BLE001  # whatever the store raises, the data is safe
        logger.bind(folder=folder, error=str(error)).warning("published, but leftovers could not be removed")
