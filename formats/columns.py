"""Records as columns: a batch of JSON texts becomes one Arrow array for each key.

What the columns hold is learned. A parser that expects just that reads the next batch at the speed of C. A batch
that it refuses, for a new key or another type, is read value by value, and the next parser expects that, too.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.formats.batches import Batch
from seawall.formats.parsed import MISSING, Parser
from seawall.formats.schema import Schema, integer_type, type_of, widest
from seawall.formats.texts import binary, types_of, without_nulls
from seawall.formats.writer import MAX_COLUMNS, ColumnsError

EXTRA: Final = "_extra"  # the column of the keys that are not pinned

_ROW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING: Final = msgspec.json.Decoder(str)
_STRINGS: Final = msgspec.json.Decoder(list[str | None])

_READINGS: Final = {  # of types; the others are read as JSON text
    "boolean": "boolean", "integer": "integer", "long": "integer", "string": "string",
    "big-integer": "number", "number": "number", "decimal": "number",
}  # fmt: skip
_NUMBERS: Final = frozenset(("integer", "number"))


class Columns:
    """What is known of the columns of a part, and how to read the next batch.

    `schema` has their types so far, `since` the number of the record (from 0) with which a column came to each type.
    With `pinned_names` the columns are these and `_extra`, which holds a record's other keys as a JSON object; nothing
    is kept of those keys. Without, every key is a column, of which there may be `max_columns`.
    """

    def __init__(self, pinned_names: Sequence[str] = (), max_columns: int = MAX_COLUMNS) -> None:
        self.schema: Schema = dict.fromkeys([*pinned_names, EXTRA] if pinned_names else (), "null")
        self.since: dict[str, dict[str, int]] = {name: {"null": 0} for name in self.schema}
        self._pinned_names = frozenset(pinned_names)
        self._max_columns = max_columns
        self._readings = dict.fromkeys(pinned_names, "null")
        self._parser: Parser | None = None
        self._careful = False
        self._has_extra = False  # no parser reads what it does not know
        self._records = 0

    def read(self, batch: Batch) -> dict[str, pa.Array]:
        """The columns of some more records, every known one among them.

        An array holds booleans, integers of 64 bits, or text: strings as they are, of other values their JSON text.
        What is null or missing is null.

        Raises:
            ColumnsError: there would be more than `max_columns`; it costs no more than the records with the first ones.
        """
        columns = self._parse(batch) or self._learn(batch)
        arrays = {name: self._plain(name, values) for name, values in columns.items()}
        self._records += batch.records
        return arrays

    def _parse(self, batch: Batch) -> dict[str, pa.Array]:
        """The values as the parser expects them, in the order of the columns; nothing where they are not."""
        arrays = self._parser.read(batch.text) if self._parser and batch.lines else None
        if not arrays:
            return {}
        nothing = {EXTRA: pa.nulls(batch.records, pa.binary())} if self._pinned_names else {}
        return {name: arrays[name] for name in self._readings} | nothing

    def _learn(self, batch: Batch) -> dict[str, pa.Array]:
        """The values as JSON texts, whatever they are; the next batch has a parser for values like these."""
        readings_before = dict(self._readings)
        rows = self._rows(batch)
        columns = {name: binary([row.get(name, MISSING) for row in rows]) for name in self.schema}
        for name in self._readings:
            self._readings[name] = self._reading(name, types_of(without_nulls(columns[name])))
        if self._has_extra:
            self._parser = None
        elif self._readings != readings_before:
            self._parser, self._careful = Parser.of(self._readings), False
        elif not self._careful:  # nothing is new, yet it was refused
            self._parser, self._careful = Parser.of(self._readings, careful=True), True
        return columns

    def _rows(self, batch: Batch) -> list[dict[str, msgspec.Raw]]:
        """The records by column, as JSON texts; keys that are new become columns, or go into `_extra`."""
        rows = []
        for number, text in enumerate(batch.texts(), self._records):
            row = _ROW.decode(text)
            if self._pinned_names:
                self._move_others(row)
            elif not row.keys() <= self.schema.keys():
                self._add(row, number)
            rows.append(row)
        return rows

    def _move_others(self, row: dict[str, msgspec.Raw]) -> None:
        """Move what is not pinned into `_extra`."""
        if others := [name for name in row if name not in self._pinned_names]:
            members = b",".join([msgspec.json.encode(name) + b":" + row.pop(name) for name in others])
            row[EXTRA] = msgspec.Raw(b"{%s}" % members)
            self._has_extra = True

    def _add(self, row: dict[str, msgspec.Raw], number: int) -> None:
        """Make columns of the keys of record `number` that are none yet."""
        for name in row:
            if name not in self.schema:
                if len(self.schema) >= self._max_columns:
                    raise ColumnsError(self._max_columns, name, number)
                self.schema[name] = self._readings[name] = "null"
                self.since[name] = {"null": number}

    def _reading(self, name: str, types: set[str]) -> str:
        """How a column is read from now on: as what all its values are, or else as JSON text."""
        readings = {self._readings[name], *(_READINGS.get(kind, "text") for kind in types)} - {"null"}
        if len(readings) < 2:
            return readings.pop() if readings else "null"
        return "number" if readings == _NUMBERS else "text"

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
