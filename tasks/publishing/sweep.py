"""Sweep: after the commit, remove what the manifest does not list."""

from loguru import logger

from seawall.storage.keys import RECORD_KEYS, REJECTED
from seawall.storage.manifest import Manifest
from seawall.storage.store import ObjectStore


def sweep(store: ObjectStore, folder: str, manifest: Manifest) -> None:
    """Remove data objects that no reader should find, and unfinished uploads.

    The dataset is committed, so a failure here only warns: a policy may well forbid us to delete.
    """
    named = {*(part.key for part in manifest.parts), *manifest.rejected_keys}
    prefix = f"{folder}/"
    try:
        for key in store.list(prefix):
            inner = key.removeprefix(prefix)
            if key not in named and (not inner.startswith("_") or inner.startswith((REJECTED, RECORD_KEYS))):
                store.delete(key)
        store.abort_uploads(prefix)
    except Exception as error:  # noqa: BLE001  # whatever the store raises, the data is safe
        logger.bind(folder=folder, error=str(error)).warning("published, but leftovers could not be removed")
