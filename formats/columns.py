"""Records as columns: a batch of JSON texts becomes one Arrow array for each key.

What the columns hold is learned. A parser that expects just that reads the next batch at the speed of C; a
batch that it refuses (a new key, another type) is read value by value, and what it brings is learned.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.formats.batches import Batch
from seawall.formats.parsed import Parser
from seawall.formats.schema import Schema, integer_type, type_of, widest
from seawall.formats.texts import binary, types_of, without_nulls

EXTRA: Final = "_extra"  # the column of the keys that are not pinned

_ROW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_STRING: Final = msgspec.json.Decoder(str)
_STRINGS: Final = msgspec.json.Decoder(list[str | None])
_MISSING: Final = msgspec.Raw(b"")

_FORMS: Final = {"boolean": "boolean", "integer": "integer", "long": "integer", "string": "string"}


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
        self._parser: Parser | None = None
        self._careful = False
        self._records = 0

    def read(self, batch: Batch) -> dict[str, pa.Array]:
        """The columns of some more records, every known one among them.

        An array holds booleans, integers of 64 bits, or text: strings as they are, of other values their JSON text.
        What is null or missing is null.
        """
        found = self._parsed(batch) or self._learned(batch)
        if self._pinned:
            others = {name: array for name, array in found.items() if name not in self._pinned}
            extra = _objects(others) if others else pa.nulls(batch.records, pa.binary())
            found = {name: array for name, array in found.items() if name in self._pinned} | {EXTRA: extra}
        arrays = {name: self._noted(name, array) for name, array in found.items()}
        self._records += batch.records
        return arrays

    def _parsed(self, batch: Batch) -> dict[str, pa.Array]:
        """The values as the parser expects them, in the order of the columns; nothing where they are not."""
        found = self._parser.read(batch.text) if self._parser and batch.lines else None
        return {name: found[name] for name in self._forms} if found else {}

    def _learned(self, batch: Batch) -> dict[str, pa.Array]:
        """The values as JSON texts, which any decoder gets, and a parser for what they are."""
        rows = _ROW.decode_lines(batch.text) if batch.lines else _ROWS.decode(b"[%s]" % batch.text)
        found, before = {}, dict(self._forms)
        for name in dict.fromkeys(chain(self._forms, chain.from_iterable(rows))):
            texts = [row.get(name, _MISSING) for row in rows]
            found[name] = binary(texts)
            self._forms[name] = self._form(name, types_of(without_nulls(found[name])))
            if not self._pinned and name not in self.schema:
                self.schema[name] = "null"
                self.since[name] = {"null": self._records + next(n for n, text in enumerate(texts) if text)}
        if self._forms != before:
            self._parser, self._careful = Parser.of(self._forms), False
        elif not self._careful:  # nothing new, yet it was refused
            self._parser, self._careful = Parser.of(self._forms, careful=True), True
        return found

    def _form(self, name: str, types: set[str]) -> str:
        """How a column is read from now on: as what it held so far, or else as JSON text."""
        if self._pinned and name not in self._pinned:
            return "text"
        forms = {self._forms.get(name, "null"), *(_FORMS.get(kind, "text") for kind in types)} - {"null"}
        return "null" if not forms else forms.pop() if len(forms) == 1 else "text"

    def _noted(self, name: str, found: pa.Array) -> pa.Array:
        """One column as it is written, its type noted."""
        array, types = _plain(found)
        if (end := widest(self.schema[name], *types)) != self.schema[name]:
            self._note(name, found, end)
        return array

    def _note(self, name: str, found: pa.Array, end: str) -> None:
        """Find the records with which a column widens, up to the type that it has in the end."""
        kind = self.schema[name]
        for number, value in enumerate(found.to_pylist(), self._records):
            if (wider := widest(kind, _type(value))) != kind:
                self.since[name][wider] = number
                kind = wider
            if kind == end:
                break
        self.schema[name] = end


def _plain(found: pa.Array) -> tuple[pa.Array, set[str]]:
    """Values as they read, strings as they are and others as their JSON text or better, and the types of all."""
    if pa.types.is_binary(found.type):
        texts = without_nulls(found)
        types = types_of(texts)
        return _unquoted(texts, types), types
    if pa.types.is_integer(found.type):
        ends = pc.min_max(found).as_py().values()
        return found, {integer_type(end) for end in ends if end is not None}
    if found.null_count == len(found):
        return found.cast(pa.string()) if pa.types.is_null(found.type) else found, set()
    return found, {"boolean" if pa.types.is_boolean(found.type) else "string"}


def _unquoted(texts: pa.Array, types: set[str]) -> pa.Array:
    """JSON texts as they read: strings as they are, other values as their text."""
    if "string" not in types:
        return texts.cast(pa.string())
    values = texts.to_pylist()
    if types == {"string"}:
        return pa.array(_STRINGS.decode(b"[%s]" % b",".join([text or b"null" for text in values])), pa.string())
    plain = (text and (_STRING.decode(text).encode() if text[0] == ord('"') else text) for text in values)
    return pa.array(plain, pa.binary()).cast(pa.string())


def _objects(columns: dict[str, pa.Array]) -> pa.Array:
    """For each row a JSON object of the columns that it has; nothing where it has none."""
    keys = [msgspec.json.encode(name) + b":" for name in columns]
    rows = (
        [key + text for key, text in zip(keys, row, strict=True) if text]
        for row in zip(*(array.to_pylist() for array in columns.values()), strict=True)
    )
    return binary([b"{%s}" % b",".join(members) if members else b"" for members in rows])


def _type(value: Any) -> str:
    """The type of one value, or of its JSON text."""
    match value:
        case bytes():
            return type_of(value) if value else "null"
        case bool():
            return "boolean"
        case int():
            return integer_type(value)
        case str():
            return "string"
        case _:
            return "null"
