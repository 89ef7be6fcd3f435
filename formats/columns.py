"""Records as columns: a batch of JSON texts becomes one Arrow array for each key.

What the columns hold is learned. A parser that expects just that reads the next batch at the speed of C. A batch
that it refuses, for a new key or another type, is read value by value, and the next parser expects that, too.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.formats.batches import Batch
from seawall.formats.parsed import MISSING, Parser
from seawall.formats.schema import Schema, integer_type, type_of, widest
from seawall.formats.texts import binary, types_of, without_nulls

EXTRA: Final = "_extra"  # the column of the keys that are not pinned

_ROW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_STRING: Final = msgspec.json.Decoder(str)
_STRINGS: Final = msgspec.json.Decoder(list[str | None])

_READINGS: Final = {"boolean": "boolean", "integer": "integer", "long": "integer", "string": "string"}  # of types


class Columns:
    """What is known of the columns of a part, and how to read the next batch.

    `schema` has their types so far, `since` the number of the record (from 0) with which a column came to each type.
    With `pinned_names` the columns are these and `_extra`, which holds a record's other keys as a JSON object.
    """

    def __init__(self, pinned_names: Sequence[str] = ()) -> None:
        self.schema: Schema = dict.fromkeys([*pinned_names, EXTRA] if pinned_names else (), "null")
        self.since: dict[str, dict[str, int]] = {name: {"null": 0} for name in self.schema}
        self._pinned_names = frozenset(pinned_names)
        self._readings = dict.fromkeys(pinned_names, "null")  # of all keys, those in `_extra` included
        self._parser: Parser | None = None
        self._careful = False
        self._records = 0

    def read(self, batch: Batch) -> dict[str, pa.Array]:
        """The columns of some more records, every known one among them.

        An array holds booleans, integers of 64 bits, or text: strings as they are, of other values their JSON text.
        What is null or missing is null.
        """
        columns = self._parse(batch) or self._learn(batch)
        if self._pinned_names:
            others = {name: values for name, values in columns.items() if name not in self._pinned_names}
            extra = _objects(others) if others else pa.nulls(batch.records, pa.binary())
            columns = {name: values for name, values in columns.items() if name in self._pinned_names} | {EXTRA: extra}
        arrays = {name: self._plain(name, values) for name, values in columns.items()}
        self._records += batch.records
        return arrays

    def _parse(self, batch: Batch) -> dict[str, pa.Array]:
        """The values as the parser expects them, in the order of the columns; nothing where they are not."""
        arrays = self._parser.read(batch.text) if self._parser and batch.lines else None
        return {name: arrays[name] for name in self._readings} if arrays else {}

    def _learn(self, batch: Batch) -> dict[str, pa.Array]:
        """The values as JSON texts, whatever they are; the next batch has a parser for values like these."""
        rows = _ROW.decode_lines(batch.text) if batch.lines else _ROWS.decode(b"[%s]" % batch.text)
        columns, readings_before = {}, dict(self._readings)
        for name in dict.fromkeys(chain(self._readings, chain.from_iterable(rows))):
            texts = [row.get(name, MISSING) for row in rows]
            columns[name] = binary(texts)
            self._readings[name] = self._reading(name, types_of(without_nulls(columns[name])))
            if not self._pinned_names and name not in self.schema:
                self.schema[name] = "null"
                self.since[name] = {"null": self._records + next(n for n, text in enumerate(texts) if text)}
        if self._readings != readings_before:
            self._parser, self._careful = Parser.of(self._readings), False
        elif not self._careful:  # nothing is new, yet it was refused
            self._parser, self._careful = Parser.of(self._readings, careful=True), True
        return columns

    def _reading(self, name: str, types: set[str]) -> str:
        """How a column is read from now on: as what all its values are, or else as JSON text."""
        if self._pinned_names and name not in self._pinned_names:
            return "text"
        readings = {self._readings.get(name, "null"), *(_READINGS.get(kind, "text") for kind in types)} - {"null"}
        if not readings:
            return "null"
        return readings.pop() if len(readings) == 1 else "text"

    def _plain(self, name: str, values: pa.Array) -> pa.Array:
        """The values of one column as they read; its type and `since` are brought up to date."""
        array, types = _plain_values(values)
        if (end := widest(self.schema[name], *types)) != self.schema[name]:
            self._widen(name, values, end)
        return array

    def _widen(self, name: str, values: pa.Array, end: str) -> None:
        """Find the records with which a column widens, up to the type that it has in the end."""
        kind = self.schema[name]
        for number, value in enumerate(values.to_pylist(), self._records):
            if (wider := widest(kind, _type(value))) != kind:
                self.since[name][wider] = number
                kind = wider
            if kind == end:
                break
        self.schema[name] = end


def _plain_values(values: pa.Array) -> tuple[pa.Array, set[str]]:
    """Values as they read, strings as they are and others as their JSON text or better, and the types of all."""
    if pa.types.is_binary(values.type):
        texts = without_nulls(values)
        types = types_of(texts)
        return _unquoted(texts, types), types
    if pa.types.is_integer(values.type):
        ends = pc.min_max(values).as_py().values()
        return values, {integer_type(end) for end in ends if end is not None}
    if values.null_count == len(values):
        return values.cast(pa.string()) if pa.types.is_null(values.type) else values, set()
    return values, {"boolean" if pa.types.is_boolean(values.type) else "string"}


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
