"""Published datasets, as readers find them: by their manifests, and by nothing else."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from seawall.storage.checksums import sha256_of
from seawall.storage.disk import staging_folder
from seawall.storage.errors import CorruptObjectError, ObjectMissingError
from seawall.storage.keys import MANIFEST, PLAN, joined
from seawall.storage.manifest import Manifest, Part, find_manifest
from seawall.storage.store import ObjectStore

MESSAGE_FOLDERS: Final = 20  # folders in a message


def published(store: ObjectStore, folder: str) -> Manifest:
    """The manifest of a landing folder.

    Raises:
        ObjectMissingError: there is none, so what is in the folder is not a dataset, or not yet.
        CorruptObjectError: it is damaged, or of a newer version.
    """
    manifest = find_manifest(store, folder)
    if manifest is None:
        raise ObjectMissingError(
            f"{store.uri(folder)} has no manifest: nothing was published there; resume its run, or read another one"
        )
    return manifest


def latest(store: ObjectStore, parent: str, *, whole: bool = True) -> tuple[str, Manifest, list[Manifest]]:
    """The newest published dataset below `parent`, by the start of its run, with its landing folder.

    With `whole` only those count for which neither pages nor params were asked for; newer ones that were passed over
    come last.

    Raises:
        ObjectMissingError: there is none; the message names the landings, or the folders beside `parent`.
    """
    names = _folders(store, parent)
    passed_over: list[Manifest] = []
    for name in names:
        if (manifest := find_manifest(store, joined(parent, name))) is None:
            continue
        if manifest.is_whole or not whole:
            return joined(parent, name), manifest, passed_over
        passed_over.append(manifest)
    if passed_over:
        raise ObjectMissingError(
            f"{store.uri(parent)} has no dataset of the whole source; of a part of it, which whole=False takes: "
            f"{[manifest.location for manifest in passed_over[:MESSAGE_FOLDERS]]}"
        )
    if names:
        raise ObjectMissingError(
            f"{store.uri(parent)} has no published dataset; not published: {names[:MESSAGE_FOLDERS]}"
        )
    beside = _folders(store, parent.rpartition("/")[0])
    raise ObjectMissingError(f"{store.uri(parent)} has no landings; the folders beside it: {beside[:MESSAGE_FOLDERS]}")


def landing_above(store: ObjectStore, folder: str) -> str | None:
    """The landing folder that a folder is, or lies in, whatever is between them."""
    while True:
        for name in (PLAN, MANIFEST):
            with suppress(ObjectMissingError):
                store.head(joined(folder, name))
                return folder
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def is_in_landing(store: ObjectStore, key: str) -> bool:
    """Whether a run has been planned in the folder of an object, or in the one above its `_receipts/` and the like."""
    folder = key.rpartition("/")[0]
    above, _, name = folder.rpartition("/")
    if name.startswith("_"):
        folder = above
    try:
        store.head(joined(folder, PLAN))
    except ObjectMissingError:
        return False
    return True


def parts(store: ObjectStore, folder: str, manifest: Manifest) -> Iterator[Path]:
    """A local copy of each part in order, verified, which is there until the next one.

    Parts stand beside their manifest, so a landing folder can be moved as a whole.

    Raises:
        ObjectMissingError, CorruptObjectError: a part is gone, or is not what was published.
    """
    for part in manifest.parts:
        key = joined(folder, part.key.rpartition("/")[2])
        with staging_folder() as staging:
            path = staging / part.key.rpartition("/")[2]
            store.get_file(key, path)
            _check(path, part, store.uri(key))
            yield path


def _folders(store: ObjectStore, parent: str) -> list[str]:
    """Names of folders, the last one first; those of landings begin with the start of their run, others with `_`."""
    names = store.folders(f"{parent}/" if parent else "")
    return sorted((name for name in names if not name.startswith("_")), reverse=True)


def _check(path: Path, part: Part, where: str) -> None:
    size, sha256 = path.stat().st_size, sha256_of(path)
    if size != part.bytes or sha256 != part.sha256:
        raise CorruptObjectError(
            f"{where} is not what was published: {size:,} bytes with SHA-256 {sha256}, "
            f"the manifest has {part.bytes:,} with {part.sha256}"
        )
