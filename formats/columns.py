"""Records as columns: a batch of JSON texts becomes one Arrow array for each key.

What the columns hold is learned. A decoder that expects just that reads the next batch at the speed of C; a
batch that it refuses (a new key, another type) is read value by value, and what it brings is learned.
"""

import re
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from formats.schema import Schema, integer_type, type_of, widest
from formats.texts import binary, types_of, without_nulls

EXTRA: Final = "_extra"  # the column of the keys that are not pinned

_ROWS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_STRING: Final = msgspec.json.Decoder(str)
_STRINGS: Final = msgspec.json.Decoder(list[str | None])
_MISSING: Final = msgspec.Raw(b"")
_MINUS_ZERO: Final = re.compile(rb"-0[\s,}]")
_UNNAMEABLE: Final = re.compile(r'[\x00-\x1f"\\]')  # msgspec takes these in no name of a field

_EXPECTED: Final[dict[str, tuple[Any, Any]]] = {  # the forms in which values are read: type and default
    "null": (None, None),
    "boolean": (bool | None, None),
    "integer": (int | None, None),
    "string": (str | None, None),
    "text": (msgspec.Raw, _MISSING),
}
_FORMS: Final = {"boolean": "boolean", "integer": "integer", "long": "integer", "string": "string"}

Found = dict[str, tuple[str, list[Any]]]  # by key: the form of its values, and one for each record


class Columns:
    """What is known of the columns of a part, and how to read the next batch.

    `schema` has their types so far, `since` the number of the record (from 0) with which a column came to each type.
    With `pinned` names the columns are these and `_extra`, which holds the other keys of a record as a JSON object.
    """

    def __init__(self, pinned: Sequence[str] = ()) -> None:
        self.schema: Schema = dict.fromkeys([*pinned, EXTRA] if pinned else (), "null")
        self.since: dict[str, dict[str, int]] = {name: {"null": 0} for name in self.schema}
        self._pinned = frozenset(pinned)
        self._forms = dict.fromkeys(pinned, "null")  # of all keys, those in `_extra` included
        self._decoder: msgspec.json.Decoder[Any] | None = None
        self._records = 0

    def read(self, array: bytes, records: int) -> dict[str, pa.Array]:
        """The columns of some more records, which come as a JSON array of objects, every known one among them.

        An array holds booleans, integers of 64 bits, or text: strings as they are, of other values their JSON text.
        What is null or missing is null.
        """
        found = self._expected(array) or self._learned(array)
        if self._pinned:
            others = {name: values for name, (_, values) in found.items() if name not in self._pinned}
            extra = _objects(others) if others else [_MISSING] * records
            found = {name: value for name, value in found.items() if name in self._pinned} | {EXTRA: ("text", extra)}
        arrays = {name: self._array(name, form, values) for name, (form, values) in found.items()}
        self._records += records
        return arrays

    def _expected(self, whole: bytes) -> Found:
        """The values as the decoder expects them; nothing where they are not."""
        found: Found = {}
        try:
            rows = self._decoder.decode(whole) if self._decoder else []
        except msgspec.ValidationError:
            return found
        for number, (name, form) in enumerate(self._forms.items() if rows else ()):
            values = list(map(attrgetter(f"f{number}"), rows))
            found[name] = form, values
        zeros = any(0 in values for form, values in found.values() if form == "integer")
        if zeros and _MINUS_ZERO.search(whole):
            return {}  # an integer has no sign without a value
        return found

    def _learned(self, whole: bytes) -> Found:
        """The values as JSON texts, which any decoder gets, and a decoder for what they are."""
        rows = _ROWS.decode(whole)
        found: Found = {}
        for name in dict.fromkeys(chain(self._forms, chain.from_iterable(rows))):
            texts = [row.get(name, _MISSING) for row in rows]
            found[name] = "text", texts
            self._forms[name] = self._form(name, types_of(without_nulls(binary(texts))))
            if not self._pinned and name not in self.schema:
                self.schema[name] = "null"
                self.since[name] = {"null": self._records + next(n for n, text in enumerate(texts) if text)}
        self._decoder = _decoder(self._forms)
        return found

    def _form(self, name: str, types: set[str]) -> str:
        """How a column is read from now on: as what it held so far, or else as JSON text."""
        if self._pinned and name not in self._pinned:
            return "text"
        forms = {self._forms.get(name, "null"), *(_FORMS.get(kind, "text") for kind in types)} - {"null"}
        return "null" if not forms else forms.pop() if len(forms) == 1 else "text"

    def _array(self, name: str, form: str, values: list[Any]) -> pa.Array:
        """The values of one column, its type noted."""
        match form:
            case "null" | "string":
                array = pa.array(values, pa.string())
                types = {"string"} if array.null_count < len(array) else set()
            case "boolean":
                array = pa.array(values, pa.bool_())
                types = {"boolean"} if array.null_count < len(array) else set()
            case "integer":
                array, types = _integers(values)
            case _:
                texts = without_nulls(binary(values))
                types = types_of(texts)
                array = _plain(texts, types)
        if widest(self.schema[name], *types) != self.schema[name]:
            self._note(name, values, widest(self.schema[name], *types))
        return array

    def _note(self, name: str, values: list[Any], end: str) -> None:
        """Find the records with which a column widens, up to the type that it has in the end."""
        kind = self.schema[name]
        for number, value in enumerate(values, self._records):
            if (wider := widest(kind, _type(value))) != kind:
                self.since[name][wider] = number
                kind = wider
            if kind == end:
                break
        self.schema[name] = end


def _decoder(forms: dict[str, str]) -> msgspec.json.Decoder[Any] | None:
    """A decoder of rows whose keys have these forms, if msgspec can name them all."""
    if any(map(_UNNAMEABLE.search, forms)):
        return None
    names = {f"f{number}": name for number, name in enumerate(forms)}
    fields = [(field, *_EXPECTED[forms[name]]) for field, name in names.items()]
    row = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]


def _integers(values: list[int | None]) -> tuple[pa.Array, set[str]]:
    """An array of 64-bit integers, or of text where they are longer, and the types that it holds."""
    try:
        array = pa.array(values, pa.int64())
    except OverflowError:
        texts = [None if value is None else str(value) for value in values]
        return pa.array(texts, pa.string()), {integer_type(value) for value in values if value is not None}
    ends = pc.min_max(array).as_py()
    return array, {integer_type(end) for end in ends.values() if end is not None}


def _plain(texts: pa.Array, types: set[str]) -> pa.Array:
    """JSON texts as they read: strings as they are, other values as their text."""
    if "string" not in types:
        return texts.cast(pa.string())
    values = texts.to_pylist()
    if types == {"string"}:
        return pa.array(_STRINGS.decode(b"[%s]" % b",".join([text or b"null" for text in values])), pa.string())
    plain = (text and (_STRING.decode(text).encode() if text[0] == ord('"') else text) for text in values)
    return pa.array(plain, pa.binary()).cast(pa.string())


def _objects(columns: dict[str, list[msgspec.Raw]]) -> list[msgspec.Raw]:
    """For each row a JSON object of the columns that it has; nothing where it has none."""
    keys = [msgspec.json.encode(name) + b":" for name in columns]
    rows = (
        [key + bytes(text) for key, text in zip(keys, row, strict=True) if text]
        for row in zip(*columns.values(), strict=True)
    )
    return [msgspec.Raw(b"{%s}" % b",".join(members)) if members else _MISSING for members in rows]


def _type(value: Any) -> str:
    """The type of one value in any of its forms."""
    match value:
        case msgspec.Raw():
            return type_of(bytes(value)) if value else "null"
        case bool():
            return "boolean"
        case int():
            return integer_type(value)
        case str():
            return "string"
        case _:
            return "null"
