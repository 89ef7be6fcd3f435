"""Pages by key: a field of the last record asks for the records behind it (`starting_after`, `since_id`)."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import blake2b
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from pydantic import Field

from seawall.clients.errors import MalformedPageError, WalkLoopError
from seawall.clients.pages.body import Body, as_text
from seawall.clients.pages.page import PageRequest
from seawall.clients.pages.paths import Path
from seawall.clients.pages.records import members
from seawall.clients.pagination.chained import Chain
from seawall.clients.pagination.parameters import Param, sized
from seawall.clients.pagination.reading import Reading
from seawall.clients.pointers import is_pointer
from seawall.clients.redact import excerpt, neutral

_DATE: Final = re.compile(r'"[0-9]{4}-[0-9]{2}-[0-9]{2}[^"\\]*"')
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_NOTHING: Final = (b"null", b'""')
_DIGEST_BYTES: Final = 8

Comparable = Callable[[bytes], bytes]


class Keyset(Chain):
    """Pages by a field of the last record: `?starting_after=42&limit=100`; up to a flag, a total, or an empty page.

    Records that share their key may lie on both sides of a boundary. Where the source begins a page with those of the
    last key, it is `inclusive`: each page has to hold them again, and what came before is left out of it.
    """

    tokens_are_urls: ClassVar[bool] = False

    kind: Literal["keyset"] = "keyset"
    cursor_param: Annotated[Param, Field(description="Query parameter of the key, or a pointer into the body.")] = (
        "starting_after"
    )
    record_path: Annotated[Path, Field(min_length=1, description="Where in a record its key stands.")] = "id"
    inclusive: Annotated[bool, Field(description="A page begins with the records of the key that asked for it.")] = (
        False
    )

    def after(self, number: int, token: str, size: int) -> PageRequest:
        """Asks for the page that follows page `number`, by the key of its last record."""
        key = _asked(token)[0]
        text = key if is_pointer(self.cursor_param) else as_text(key, self.record_path)
        query = {self.cursor_param: text} | sized(self.size_param, size)
        return PageRequest(number=number + 1, query=query, token=token)

    def reading(
        self, request: PageRequest, records: Sequence[bytes], *, size: int, longest: int, comparable: Comparable
    ) -> Reading:
        """Which records are new, and the key that asks for more: JSON, with the digests of its records if `inclusive`.

        Raises:
            MalformedPageError: the last record has no such key.
        """
        if not records:
            return Reading()
        keys = [self._key(record) for record in records]
        if keys[-1] is None:
            record = excerpt(records[-1])
            raise MalformedPageError(
                f"no key at {self.record_path!r} in the last record of page {request.number}: {record}"
            )
        before, digests = _asked(request.token) if request.token else (None, ())
        repeated, moved = _repeated(before, Counter(digests), keys, records, comparable)
        is_tied = not self.inclusive and len(set(keys)) < len(keys)
        is_doubtful = is_tied or not _in_order([before, *keys])
        if not self.inclusive or len(repeated) < len(records):
            token = self._token(keys[-1], keys, records, comparable)
            return Reading(repeated=repeated, token=token, moved=moved, is_doubtful=is_doubtful)
        is_only_page = request.number == 2 and len(records) < size
        stuck = "" if is_only_page or len(records) < longest else self._full_of_ties(request.number, keys[-1])
        return Reading(
            repeated=repeated, moved=moved, is_doubtful=is_only_page and len(records) >= longest, stuck=stuck
        )

    def refuse_loop(self, request: PageRequest, token: str) -> None:
        """Raise WalkLoopError where a page leads to itself; in a longer circle its records would come again."""
        if token == request.token:
            raise WalkLoopError(
                f"page {request.number} ends with the record that asked for it: does the source read "
                f"{self.cursor_param!r}, and is it inclusive?"
            )

    def token(self, body: Body, reading: Reading) -> str | None:
        """The key that asks for the next page; None where there is no record."""
        return reading.token

    def says_end(self, body: Body) -> bool:
        """Whether the page says that it is the last one: one without new records does."""
        return True

    def _full_of_ties(self, number: int, key: str) -> str:
        return (
            f"page {number} holds nothing but records whose {self.record_path!r} is {neutral(key)}, and all of them "
            "came before: more may share it than fit a page; ask for larger pages (page_size), or walk by a key that "
            "fewer records share"
        )

    def _key(self, record: bytes) -> str | None:
        """The JSON text of a record's key; None where it has none."""
        try:
            value = members(record).get(self.record_path)
        except msgspec.DecodeError:  # what is no object has no key
            return None
        if value is None:
            return Body(record).json_token(self.record_path)
        return None if value in _NOTHING else bytes(value).decode()

    def _token(self, key: str, keys: Sequence[str | None], records: Sequence[bytes], comparable: Comparable) -> str:
        same = [record for each, record in zip(keys, records, strict=True) if each == key] if self.inclusive else []
        return f"[{', '.join([key, *(json.dumps(_digest(record, comparable)) for record in same)])}]"


def _asked(token: str) -> tuple[str, list[str]]:
    """The key of a token, as JSON, and the digests of the records that had it."""
    key, *digests = msgspec.json.decode(token, type=list[msgspec.Raw])
    return bytes(key).decode(), [msgspec.json.decode(digest, type=str) for digest in digests]


def _repeated(
    before: str | None,
    digests: Counter[str],
    keys: Sequence[str | None],
    records: Sequence[bytes],
    comparable: Comparable,
) -> tuple[tuple[int, ...], bool]:
    """The places of the records that came with the page before, and whether one of those did not come again."""
    places = []
    for place, (key, record) in enumerate(zip(keys, records, strict=True)):
        if digests and key == before and digests[digest := _digest(record, comparable)]:
            digests[digest] -= 1
            places.append(place)
    return tuple(places), digests.total() > 0


def _digest(record: bytes, comparable: Comparable) -> str:
    return blake2b(comparable(record), digest_size=_DIGEST_BYTES).hexdigest()


def _in_order(keys: Sequence[str | None]) -> bool:
    """Whether keys that are all numbers, or all dates, rise or fall throughout; of any others nobody can tell."""
    there = [key for key in keys if key is not None]
    values: Sequence[Decimal | str] = there
    if all(map(_NUMBER.fullmatch, there)):
        values = [Decimal(key) for key in there]
    elif not all(map(_DATE.fullmatch, there)):
        return True
    pairs = [(one, other) for one, other in pairwise(values)]
    return all(one <= other for one, other in pairs) or all(one >= other for one, other in pairs)  # type: ignore[operator]
