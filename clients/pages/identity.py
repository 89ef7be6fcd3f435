"""Identity: what tells the records of one page from those of another, whatever else changes between two answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import msgspec
import xxhash

from seawall.clients.pages.records import DIGEST_BYTES, Records, members

KEY_BYTES: Final = 16  # of 100 million keys, no two different ones share a digest by chance
EDGE: Final = 100  # records at each end of a page, by which neighbours are compared

_NOTHING: Final = (b"null", b"")


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests of a page's records: of all together (8 bytes), of the first ones and of the last ones, in order.

    `is_plain` is set where a page may honestly come again: it has one record, or most of its records are alike.
    Then `digest` is bound to the page's number. `keys` are the digests of record keys, where a key is named.
    """

    digest: bytes = bytes(DIGEST_BYTES)
    content: bytes = bytes(DIGEST_BYTES)
    head: tuple[bytes, ...] = field(default=(), repr=False)
    tail: tuple[bytes, ...] = field(default=(), repr=False)
    is_plain: bool = True
    keys: tuple[bytes, ...] | None = field(default=None, repr=False)

    def shares_with(self, following: "Identity") -> bool:
        """Whether the next page holds a record of this one, as far as their adjoining ends tell."""
        return share(self.comparable_tail, following.comparable_head)

    @property
    def comparable_head(self) -> tuple[bytes, ...]:
        """The first records, unless they are alike; one alone may still be the last one of the page before."""
        return self.head if not self.is_plain or len(self.head) == 1 else ()

    @property
    def comparable_tail(self) -> tuple[bytes, ...]:
        """The last records, unless they are alike, so that finding one again means nothing."""
        return () if self.is_plain else self.tail


def share(tail: Sequence[bytes], head: Sequence[bytes]) -> bool:
    """Whether the end of one page and the beginning of the next one have a record at their boundary in common."""
    return bool(tail) and bool(head) and (head[0] in tail or tail[-1] in head)


class Sameness:
    """What makes two records of a source the same: their key, or their text without what is new in every answer.

    `record_key` is a field, dotted, or several with commas between; `volatile` are fields, dotted.
    """

    def __init__(self, record_key: str | None = None, volatile: Sequence[str] = ()) -> None:
        self._record_key = record_key
        self._volatile = [field.split(".") for field in volatile]

    def comparable(self, record: bytes) -> bytes:
        """What makes a record the same as another one."""
        if self._record_key and (keys := key_digests([record], self._record_key)):
            return keys[0]
        return _without(record, self._volatile) if self._volatile else record

    def of(self, number: int, records: Records) -> Identity:
        """The identity of page `number`."""
        keys = key_digests(records, self._record_key) if self._record_key else None
        texts: Sequence[bytes] = records
        if keys:
            texts = keys
        elif self._volatile:
            texts = [_without(record, self._volatile) for record in records]
        if not texts:
            return Identity(keys=None if keys is None else ())
        content = records.digest if texts is records else xxhash.xxh3_64_digest(b"\n".join(texts))
        head = [xxhash.xxh3_64_digest(text) for text in texts[:EDGE]]
        tail = head if len(texts) <= EDGE else [xxhash.xxh3_64_digest(text) for text in texts[-EDGE:]]
        is_plain = not keys and (len(head) == 1 or 2 * len(set(head)) <= len(head))
        return Identity(
            digest=xxhash.xxh3_64_digest(b"%d:%b" % (number, content)) if is_plain else content,
            content=content,
            head=tuple(head),
            tail=tuple(tail),
            is_plain=is_plain,
            keys=None if keys is None else tuple(keys),
        )


def key_digests(records: Sequence[bytes], name: str) -> list[bytes]:
    """16 bytes for the key of each record that has one; `name` is a field, dotted, or several with commas between.

    Text is compared as it reads, whatever its escapes; anything else as it is written: `1`, `1.0` and `"1"` differ.
    """
    paths = [path.strip().split(".") for path in name.split(",")]
    keys = ([_value(record, path) for path in paths] for record in records)
    return [blake2b(_joined(key), digest_size=KEY_BYTES).digest() for key in keys if b"" not in key]


def _joined(key: Sequence[bytes]) -> bytes:
    """One text for the values of a key, which no other key has.

    NUL stands between them; inside of a text it is followed by a byte with which no value begins.
    """
    return key[0] if len(key) == 1 else b"\0".join([value.replace(b"\0", b"\0\1") for value in key])


def _value(record: bytes, path: Sequence[str]) -> bytes:
    """The value at a path, comparable; empty where it is missing or null."""
    value: bytes = record
    for step in path:
        try:
            value = bytes(members(value).get(step, b""))
        except msgspec.DecodeError:  # what is no object has no such field
            return b""
    if value.startswith(b'"'):
        return b'"' + msgspec.json.decode(value, type=str).encode("utf-8", "surrogatepass")
    return b"" if value in _NOTHING else value


def _without(record: bytes, paths: Sequence[Sequence[str]]) -> bytes:
    """A record without the fields at these paths."""
    try:
        values = members(record)
    except msgspec.DecodeError:  # what is no object has no such field
        return record
    for step, *rest in paths:
        if step in values:
            if rest:
                values[step] = msgspec.Raw(_without(bytes(values[step]), [rest]))
            else:
                del values[step]
    return msgspec.json.encode(values)
