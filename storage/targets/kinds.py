"""Every kind of storage by the slug that `storage=` begins with, and what follows from all of them."""

from itertools import chain
from typing import Final

from seawall.storage.errors import StorageError
from seawall.storage.targets.local import LocalFolder
from seawall.storage.targets.local_file_system import SavedLocalFolder
from seawall.storage.targets.s3_bucket import SavedBucket
from seawall.storage.targets.target import Place, TargetKind

LOCAL: Final = "local"

TARGETS: Final[dict[str, TargetKind]] = {
    LOCAL: LocalFolder,
    "s3-bucket": SavedBucket,
    "local-file-system": SavedLocalFolder,
}


def find(storage: str) -> TargetKind | None:
    """The kind that `storage` names, with a block's name behind its slug where it takes one; None where there is none.

    Whether there is a block of that name, only Prefect knows.
    """
    slug, _, name = storage.partition("/")
    kind = TARGETS.get(slug)
    if kind is None or kind.block_type is None:
        return kind if storage == slug else None
    return kind if name else None


def choices(name: str = "NAME") -> list[str]:
    """What `storage=` can be, with `name` where the name of a block stands."""
    return [choice(slug, name) for slug in TARGETS]


def choice(slug: str, name: str = "NAME") -> str:
    """What `storage=` is for one kind."""
    return slug if TARGETS[slug].block_type is None else f"{slug}/{name}"


def places(location: str, bucket: str | None) -> dict[str, Place]:
    """Where a location is, by the slugs of the kinds whose own it is; none for a folder relative to its storage."""
    candidates = ((slug, kind.place(location, bucket)) for slug, kind in TARGETS.items())
    return {slug: place for slug, place in candidates if place is not None}


def store_errors() -> tuple[type[Exception], ...]:
    """Errors whose text is a store's: ours, and those of the libraries."""
    return (StorageError, *chain.from_iterable(kind.store_errors for kind in TARGETS.values()))
