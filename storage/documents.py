"""The JSON documents of a landing folder: how they are written, and read back without trust."""

from typing import TypeVar

import msgspec

from seawall.storage.errors import CorruptObjectError
from seawall.storage.store import ObjectStore

VERSION = 1

Document = TypeVar("Document", bound=msgspec.Struct)


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """How many pages and records the source said there are; None where it did not say."""

    pages: int | None = None
    records: int | None = None

    def is_less_than(self, other: "Totals") -> bool:
        """Whether either number is smaller than the other's."""
        pairs = ((self.pages, other.pages), (self.records, other.records))
        return any(mine is not None and theirs is not None and mine < theirs for mine, theirs in pairs)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a page said about the whole, and when, in seconds since 1970."""

    totals: Totals = Totals()
    at: float = 0.0


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column and its type; in a receipt also the page with which it came to each type, `null` where it began."""

    name: str
    type: str
    since: dict[str, int] = {}


def encoded(document: msgspec.Struct) -> bytes:
    """The document as JSON that people can read, too."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def read(store: ObjectStore, key: str, kind: type[Document]) -> Document:
    """The document under `key`.

    Raises:
        ObjectMissingError: there is none.
        CorruptObjectError: it is damaged, not ours, or of a newer version.
    """
    content = store.get(key)
    try:
        version = msgspec.json.decode(content, type=dict[str, msgspec.Raw]).get("seawall")
        if version is None or msgspec.json.decode(version) != VERSION:
            theirs = "no version" if version is None else f"version {bytes(version).decode()}"
            raise CorruptObjectError(f"{store.uri(key)} is of {theirs}, we read {VERSION}")
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptObjectError(f"{store.uri(key)} is not one of our documents: {error}") from None
