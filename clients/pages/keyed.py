"""Objects where a list of records is expected: records by their keys, or a single one in place of a list of one."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import msgspec

from seawall.clients.errors import MalformedPageError
from seawall.clients.pages.envelopes import ERRORS, is_error
from seawall.clients.pages.records import members
from seawall.clients.pages.structure import most_members

KEY_FIELD: Final = "_key"  # what a record's key becomes where the record does not hold it
REMEDY: Final = (
    '; an object stands there: where its members are the records, set records_as to "by_id", '
    'where it is a record itself, to "one"'
)

_KEY_NAMES: Final = ("id", "key", "code", "name", "slug", "symbol")  # how the name of a field that holds a key may end

_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,8}")

Text = bytes | msgspec.Raw
ByKey = dict[str, msgspec.Raw]
FewMembers = Callable[[Text], Text]


def records(text: Text, records_as: str, *, is_body: bool, few_members: FewMembers) -> list[Text] | None:
    """The records of what stands in place of a list; None where it is not beyond doubt that it holds them.

    Undeclared are a list as PHP writes it once a member is gone, and, below the top of a body, records that all hold
    their key. `few_members` raises TooManyRecordsError where an object has too many members to be looked into.

    Raises:
        MalformedPageError: two records have the same key.
    """
    value = bytes(text).strip()
    if not value.startswith(b"{"):
        return None
    if records_as == "one":
        return None if not value[1:-1].strip() or is_error(value) else [value]
    by_key = members(few_members(value))
    if by_key and most_members(value, 1) != len(by_key):
        raise MalformedPageError("two records of an object of records have the same key")
    if records_as == "by_id":
        return _declared(by_key, few_members)
    if not by_key or not all(map(_is_object, by_key.values())):
        return None
    may_be_keyed = not is_body and not _is_error(by_key)
    if _are_positions(by_key) or (may_be_keyed and _hold_keys(by_key, few_members)):
        return list(by_key.values())
    return None


def _declared(by_key: ByKey, few_members: FewMembers) -> list[Text] | None:
    """The records of an object that holds them by their keys; each gets its key where not all of them hold theirs.

    What is no object among them is no record, as it would be none in a list.
    """
    if not by_key:
        return []
    if _is_error(by_key) or not any(map(_is_object, by_key.values())):
        return None
    objects = {key: record for key, record in by_key.items() if _is_object(record)}
    if _hold_keys(objects, few_members):
        return list(by_key.values())
    return [_with_key(key, record) if key in objects else record for key, record in by_key.items()]


def _is_object(text: Text) -> bool:
    return bytes(memoryview(text)[:1]) == b"{"


def _is_error(by_key: ByKey) -> bool:
    """Whether an object of objects may be an envelope of an error."""
    return any(key in by_key for key in ERRORS)


def _are_positions(by_key: ByKey) -> bool:
    """Whether keys are positions in a list: numbers that ascend from 0, at least every other of them there."""
    places = [int(key) for key in by_key if _POSITION.fullmatch(key)]
    ascend = all(one < other for one, other in pairwise(places))
    return len(places) == len(by_key) and places[0] == 0 and ascend and places[-1] < 2 * len(places)


def _hold_keys(by_key: ByKey, few_members: FewMembers) -> bool:
    """Whether there is a field, named like a key, in which each of these records holds its own."""
    names: set[str] | None = None
    for key, record in by_key.items():
        fields = members(few_members(record))
        held = {name for name, value in fields.items() if name.lower().endswith(_KEY_NAMES) and _is(value, key)}
        names = held if names is None else names & held
        if not names:
            return False
    return True


def _is(value: msgspec.Raw, key: str) -> bool:
    """Whether the JSON text of a text or a number is that of a key."""
    text = bytes(value)
    return msgspec.json.decode(text, type=str) == key if text.startswith(b'"') else text == key.encode()


def _with_key(key: str, record: Text) -> bytes:
    """The text of a record with its key before its other members; raises MalformedPageError where it has such a one."""
    if KEY_FIELD in members(record):
        raise MalformedPageError(f"a record has a field {KEY_FIELD!r} of its own, so it cannot get its key")
    rest = bytes(record)[1:].lstrip()
    comma = b"" if rest.startswith(b"}") else b","
    return b'{"%b":%b%b%b' % (KEY_FIELD.encode(), msgspec.json.encode(key), comma, rest)
