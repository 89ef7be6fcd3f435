"""The body of an answer: parsed to its end once, and looked into by paths."""

import contextlib
import re
import secrets
from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Final, Literal

import msgspec
import numpy as np
from jmespath.exceptions import JMESPathError

from seawall.clients.errors import AttemptError, MalformedPageError, TooManyRecordsError
from seawall.clients.pages import keyed, paths
from seawall.clients.pages.layout import Layout
from seawall.clients.pages.page import Rejected
from seawall.clients.pages.records import Records, members
from seawall.clients.pages.structure import commas, most_members
from seawall.clients.pages.utf8 import refuse_other_than_utf8
from seawall.clients.redact import excerpt, neutral

BOM: Final = b"\xef\xbb\xbf"  # a byte order mark, which some servers put before JSON (RFC 8259 §8.1)
FLAG_BYTES: Final = 1024  # whatever is longer is no flag, and no empty list of errors
COUNT_DIGITS: Final = 18  # whatever is longer is no count, and int() refuses 4,301 digits

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_WHOLE: Final = msgspec.json.Decoder(msgspec.Raw)
_PLAIN: Final = msgspec.json.Decoder(bool | int | float | str | None)
# every escape of a JSON text; a surrogate without its other half is a group of its own (RFC 8259 §7, §8.2)
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
COMPLAINTS: Final = ("error", "errors", "partial", "is_partial", "partial_results", "incomplete_results", "timed_out")
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
Keys = tuple[str, ...]

CONTENT_RANGE: Final = "header:content-range"  # items 0-9/35 (RFC 9110 §14.4): the whole stands behind the slash
ERROR_SIGNS: Final = frozenset(
    {
        "error",
        "errors",
        "message",
        "messages",
        "detail",
        "code",
        "error_code",
        "errorcode",
        "fault",
        "exception",
        "title",
    }
)
NOTHINGS: Final = (b"null", b"false", b"0", b'""', b"[]", b"{}")
NO: Final = ("", "false", "0", "no", "null", "none")

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")  # RFC 6901 §4
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_OPENING_BRACE: Final = ord("{")
_OPENING_BRACKET: Final = ord("[")
_LINES: Final = re.compile(rb"\}[ \t]*\r?\n\s*\{")  # objects without a comma between them


class Body:
    """The JSON body of an answer, looked into by paths (`""` is the body itself), which may name its `headers`, too.

    What its `layout` names is read in the first pass; anything else takes another look. No list or object of it that
    is looked into has more than `max_records` members: they are counted before an object is made for each.

    Raises:
        TooManyRecordsError: one has.
        AttemptError: it begins like a page, yet is not one JSON text in UTF-8 (RFC 8259 §8.1): it may be cut short.
        MalformedPageError: it is something else, such as HTML or nothing at all.
    """

    def __init__(
        self, content: bytes, layout: Layout | None = None, *, max_records: int = 100_000,
        headers: Mapping[str, str] = NO_HEADERS, records_as: str = "list",
    ) -> None:  # fmt: skip
        self._text = content.removeprefix(BOM)
        self._max_records = max_records
        self._headers = headers
        self._records_as = records_as
        self._records_path = layout.records_path if layout else ""
        self._objects: dict[Keys, dict[str, msgspec.Raw]] = {}
        self._keys: dict[str, Keys] = {}  # that dotted paths turned out to mean
        self._lists: dict[str, list[msgspec.Raw]] = {}
        self._top: dict[str, msgspec.Raw] = {}
        self._absent: frozenset[str] = frozenset()  # members that the first pass looked for in vain
        self._mark = b""
        self._beside: dict[str, object] | None = None  # the body without its records
        try:
            refuse_other_than_utf8(self._text)
            is_small = layout and self._most_members(self._text, layout.depth + 1) <= max_records
            if layout and is_small and (parts := layout.read(self._text)):
                self._lists[layout.records_path], self._top = parts
                self._absent = layout.beside - self._top.keys()
            else:
                self._read_whole()
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
            hint = '; where each line is a record, set decode to "jsonl"' if _LINES.search(self._text) else ""
            message = f"the body is not JSON ({error}){hint}: {excerpt(self._text)}"
            if self._text.lstrip().startswith((b"{", b"[")):
                raise AttemptError(message, cause="truncated") from None
            raise MalformedPageError(message) from None

    @property
    def text(self) -> bytes:
        """The JSON text."""
        return self._text

    def records(self, path: str, *, if_missing: Literal["fail", "empty"] = "fail") -> Records:
        """The JSON text of each record of the list at `path`; where there is none, nothing of it may say an error."""
        try:
            records = Records(self._lists[path] if path in self._lists else self._list(path))
        except (KeyError, msgspec.DecodeError):
            if if_missing == "empty" and self._is_plainly_empty(path):
                return Records()
            records = self._unlisted(path)
        return Records([record.replace(self._mark, b"\\u") for record in records]) if self._mark else records

    def _unlisted(self, path: str) -> Records:
        """The JSON text of each record of what stands at `path` in place of a list."""
        hint = ""
        with contextlib.suppress(KeyError):
            text = self._at(path)
            records = keyed.records(text, self._records_as, is_body=not path, few_members=self._few_members)
            if records is not None:
                return Records(records)
            hint = keyed.REMEDY if self._records_as == "list" and bytes(text).lstrip().startswith(b"{") else ""
        raise MalformedPageError(f"{self.missing('list of records', path)}{hint}")

    def sort_out(
        self, records: Records, max_record_bytes: int, *, most: int | None = None
    ) -> tuple[Records, tuple[Rejected, ...]]:
        """Its records that can be landed, in order, and those that cannot, `most` of them."""
        text, lengths = np.frombuffer(records.text, np.uint8), records.ends - records.starts
        starts = text[records.starts]
        reasons = dict.fromkeys(np.flatnonzero(starts != _OPENING_BRACE).tolist(), "not a JSON object")
        reasons |= dict.fromkeys(np.flatnonzero(starts == _OPENING_BRACKET).tolist(), "not a JSON object but a list")
        too_large = f"larger than {max_record_bytes:,} bytes (max_record_bytes)"
        reasons |= dict.fromkeys(np.flatnonzero(lengths > max_record_bytes).tolist(), too_large)
        if self._mark:
            reasons |= {at: "holds a lone surrogate" for at, record in enumerate(records) if _lone(record)}
        if not reasons:
            return records, ()
        landable = Records([record for at, record in enumerate(records) if at not in reasons])
        named = sorted(reasons)[:most]
        return landable, tuple(Rejected(position=at + 1, reason=reasons[at], record=records[at]) for at in named)

    def count(self, path: str) -> int | None:
        """The whole number at `path`, as a number or as text; None where there is none."""
        try:
            value = _PLAIN.decode(self._at(path)) if path else None
        except (KeyError, msgspec.DecodeError):
            return None
        if path.lower() == CONTENT_RANGE and isinstance(value, str):
            value = value.rpartition("/")[2]
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            return int(value) if len(value) <= COUNT_DIGITS else None
        if isinstance(value, float) and value.is_integer() and value < 10**COUNT_DIGITS:  # as some languages write 7
            value = int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    def has(self, path: str) -> bool:
        """Whether something stands at `path`, be it null; or null stands where it would be."""
        try:
            return bool(self._at(path))
        except KeyError:
            return paths.in_body(path) and any(map(self._is_null, filter(None, paths.above(path))))

    def _is_null(self, path: str) -> bool:
        try:
            return bytes(self._at(path)).strip() == b"null"
        except KeyError:
            return False

    def value(self, path: str) -> object:
        """What stands at `path`; None where nothing does."""
        try:
            return msgspec.json.decode(self._at(path))
        except KeyError:
            return None

    def header(self, name: str) -> str:
        """The text of a header of the answer; empty where it has none of this name."""
        return self._headers.get(name, "")

    def flag(self, path: str) -> bool | None:
        """Whether the value at `path` says yes: true, or anything that is not empty; None where nothing stands there.

        No is false, null, 0, an empty value, and the words for these, as headers have them.
        """
        try:
            value = msgspec.json.decode(self._at(path))
        except KeyError:
            return False if self.has(path) else None  # null stands where it would be
        return value.strip().lower() not in NO if isinstance(value, str) else bool(value)

    def token(self, path: str) -> str | None:
        """The text at `path`, or the digits of a number; None where it is missing, null, false or empty."""
        text = self.json_token(path)
        return None if text is None else as_text(text, path)

    def json_token(self, path: str) -> str | None:
        """The JSON text at `path`, of any value; None where it is missing, null, false or empty."""
        try:
            value = bytes(self._at(path)).strip()
        except KeyError:
            return None
        return None if value in (b"null", b"false", b'""', b"[]", b"{}") else value.decode()

    def _is_plainly_empty(self, path: str) -> bool:
        """Whether null or nothing stands in place of the records, and the body tells of no error, whatever its name."""
        top = self._members(())
        signs = (key for key in top if key.lower() in ERROR_SIGNS and bytes(top[key]).strip() not in NOTHINGS)
        if next(signs, None) is not None or self.complaint() is not None or not (top or path in self._lists):
            return False
        try:
            return bytes(self._at(path)).strip() == b"null"
        except KeyError:
            return True

    def complaint(self) -> str | None:
        """The key at the top with which the body says that something went wrong, or that records are missing."""
        for key in COMPLAINTS:
            try:
                text = self._at(key)
            except KeyError:
                continue
            is_error = key in COMPLAINTS[:2]
            value = msgspec.json.decode(text) if len(memoryview(text)) <= FLAG_BYTES else is_error
            if value is True or (value and is_error):
                return key
        return None

    def beginning(self) -> str:
        """How the body begins, for a message."""
        return f"the body begins: {excerpt(self._text)}"

    def missing(self, what: str, path: str) -> str:
        """A message that there is no `what` at `path`, with the keys that are there and the body's beginning."""
        keys = neutral(", ".join(map(repr, self._reached(path)))) or "none"
        return f"no {what} at {path!r}; the keys there are: {keys}; {self.beginning()}"

    def _read_whole(self) -> None:
        """Parse the body to its end.

        A lone surrogate makes the whole body unreadable, though only one record holds it; so its escape is replaced
        by a text that occurs nowhere else, and put back in the text of its record.
        """
        try:
            _WHOLE.decode(self._text)
        except msgspec.DecodeError:
            if not _lone(self._text):
                raise
            self._mark = _absent_from(self._text)
            self._text = _marked(self._text, self._mark)
            self._read_whole()

    def _at(self, path: str) -> bytes | msgspec.Raw:
        """The JSON text at `path`; raises KeyError where there is none."""
        if path.startswith(paths.HEADER):
            return msgspec.json.encode(self._headers[path.removeprefix(paths.HEADER)])
        if path.startswith(paths.EXPRESSION):
            return self._expressed(path)
        if path not in self._keys:
            steps = paths.steps(path)
            self._keys[path] = steps if path.startswith("/") else self._literal((), steps)
        return self._text_of(self._keys[path])

    def _literal(self, keys: Keys, steps: Keys) -> Keys:
        """The keys that the steps of a dotted path mean below `keys`: of those that are there the longest."""
        if not steps:
            return keys
        for length in range(len(steps), 0, -1):
            with contextlib.suppress(KeyError):
                below = (*keys, ".".join(steps[:length]))
                self._text_of(below)
                return self._literal(below, steps[length:])
        raise KeyError(steps[0])

    def _text_of(self, keys: Keys) -> bytes | msgspec.Raw:
        """The JSON text that keys lead to, or the index of an element; raises KeyError."""
        if not keys:
            return self._text
        *above, key = keys
        if not above and key in self._top:
            return self._top[key]
        if not above and key in self._absent:
            raise KeyError(key)
        if found := self._members(tuple(above)):
            return found[key]
        if not _INDEX.fullmatch(key):
            raise KeyError(key)
        elements = self._elements(tuple(above))
        if int(key) >= len(elements):
            raise KeyError(key)
        return elements[int(key)]

    def _members(self, keys: Keys) -> dict[str, msgspec.Raw]:
        """The members of the object that keys lead to, decoded once; none where something else stands."""
        if keys not in self._objects:
            try:
                self._objects[keys] = members(self._few_members(self._text_of(keys)))
            except msgspec.ValidationError:
                self._objects[keys] = {}
        return self._objects[keys]

    def _elements(self, keys: Keys) -> list[msgspec.Raw]:
        """The elements of the list that keys lead to; none where something else stands."""
        try:
            return _LIST.decode(self._few_members(self._text_of(keys)))
        except msgspec.ValidationError:
            return []

    def _expressed(self, path: str) -> bytes:
        """What a JMESPath finds in the body without its records, as JSON; raises KeyError where that is nothing."""
        if self._beside is None:
            records = paths.steps(self._records_path)
            self._beside = self._without(records, ()) if records else {}
        try:
            found = paths.expression(path)(self._beside)
        except JMESPathError as error:
            raise MalformedPageError(f"{path!r} cannot be worked out: {error}") from None
        if found is None:
            raise KeyError(path)
        return msgspec.json.encode(found)

    def _without(self, steps: Keys, above: Keys) -> dict[str, object]:
        """The members of an object without what stands at the end of the steps, below `above`."""
        plain: dict[str, object] = {}
        for key, text in self._members(above).items():
            if key != steps[0]:
                plain[key] = msgspec.json.decode(text)
            elif len(steps) > 1:
                plain[key] = self._without(steps[1:], (*above, key))
        return plain

    def _list(self, path: str) -> list[msgspec.Raw]:
        """The members of the list at `path`; raises KeyError or DecodeError where there is none."""
        return _LIST.decode(self._few_members(self._at(path)))

    def _few_members(self, text: bytes | msgspec.Raw) -> bytes | msgspec.Raw:
        """The JSON text of a list or object that has no more than `max_records` members."""
        if (count := self._most_members(text, 1)) > self._max_records:
            raise TooManyRecordsError(
                f"holds {count:,} records or keys in one list or object, more than {self._max_records:,}"
            )
        return text

    def _most_members(self, text: bytes | msgspec.Raw, levels: int) -> int:
        """The most members that any list or object in the outermost levels of a text can have; 0 where they are few."""
        length = len(memoryview(text))
        if length < 2 * self._max_records or commas(text) < self._max_records:  # a member and its comma are two bytes
            return 0
        return most_members(text, levels)

    def _reached(self, path: str) -> dict[str, msgspec.Raw]:
        """The members of the deepest object on the way to `path`."""
        for above in paths.above(path) if paths.in_body(path) else ("",):
            with contextlib.suppress(KeyError):
                self._at(above)
                if keys := self._members(self._keys[above]):
                    return keys
        return {}


def as_text(value: str, path: str) -> str:
    """A JSON text as a query has it: a string as it reads, a number by its digits. Raises MalformedPageError."""
    if value.startswith('"'):
        return msgspec.json.decode(value, type=str)
    if not _NUMBER.fullmatch(value):
        raise MalformedPageError(f"the value at {path!r} cannot ask for the next page: {excerpt(value.encode())}")
    return value


def _lone(text: bytes) -> bool:
    """Whether a JSON text holds the escape of a surrogate without its other half, which UTF-8 cannot carry."""
    return any(match[1] for match in _ESCAPE.finditer(text))


def _absent_from(text: bytes) -> bytes:
    """Eight letters that occur nowhere in a text."""
    while (mark := secrets.token_hex(4).encode()) in text:
        pass
    return mark


def _marked(text: bytes, mark: bytes) -> bytes:
    """A JSON text with a mark in place of what makes an escape of each lone surrogate."""
    marked, begin = BytesIO(), 0
    for escape in _ESCAPE.finditer(text):
        if escape[1]:
            marked.write(text[begin : escape.start()] + mark + escape[1])
            begin = escape.end()
    marked.write(text[begin:])
    return marked.getvalue()
