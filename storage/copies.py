"""Widened copies: parts with all columns of their dataset, as records keep them until the commit."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from seawall.storage import documents
from seawall.storage.documents import Column
from seawall.storage.errors import CorruptObjectError, ObjectExistsError, ObjectMissingError
from seawall.storage.keys import widened_key
from seawall.storage.store import ObjectStore, put_once


class WidenedCopy(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that is durable: the object `key`, made from the part with the SHA-256 `of`, with these columns."""

    seawall: int = documents.VERSION
    of: str
    columns: tuple[Column, ...]
    key: str
    bytes: int
    sha256: str


def as_columns(columns: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns by name as documents keep them."""
    return tuple(Column(name, kind) for name, kind in columns.items())


def copy_key(folder: str, first: int, of: str, columns: Mapping[str, str]) -> str:
    """The key of the record of a copy: by its part, and what it is widened to."""
    digest = hashlib.sha256(msgspec.json.encode((of, as_columns(columns))))
    return widened_key(folder, first, digest.hexdigest())


def write_copy(store: ObjectStore, key: str, copy: WidenedCopy) -> None:
    """Keep the record of a copy, so that nobody makes it again; one that stands there stays."""
    with suppress(ObjectExistsError):
        put_once(store, key, documents.encoded(copy))


def find_copy(store: ObjectStore, key: str, of: str, columns: Mapping[str, str]) -> WidenedCopy | None:
    """The copy that a record tells of, if it is that of this part, and its object is there with all its bytes."""
    try:
        copy = documents.read(store, key, WidenedCopy)
        is_of_the_part = (copy.of, copy.columns) == (of, as_columns(columns))
        is_inside = copy.key.rpartition("/")[0] == key.rpartition("/")[0].rpartition("/")[0]
        return copy if is_of_the_part and is_inside and store.head(copy.key) == copy.bytes else None
    except (CorruptObjectError, ObjectMissingError):  # it can be made again
        return None
