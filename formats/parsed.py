"""Typed columns parsed by Arrow: no Python object for a value, and no other thread waits meanwhile.

Arrow refuses whatever is not of the type that is expected (a fraction or an exponent in an integer, 64 bits and more,
a key that comes twice), so what it reads is what was written, but for the sign of `-0`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from formats.texts import binary

_TYPES: Final = {"null": pa.null(), "boolean": pa.bool_(), "integer": pa.int64(), "string": pa.string()}
_MINUS_ZERO: Final = re.compile(rb"-0[\s,}]")
_MISSING: Final = msgspec.Raw(b"")
_LAST_BYTES: Final = 2**31 - 1  # what Arrow's offsets reach


class Parser:
    """Reads records whose keys have the given forms: `null`, `boolean`, `integer`, `string`, or `text` for any JSON."""

    def __init__(self, forms: Mapping[str, str]) -> None:
        self._known = frozenset(forms)
        typed = {name: _TYPES[form] for name, form in forms.items() if form != "text"}
        self._options = json.ParseOptions(explicit_schema=pa.schema(typed), newlines_in_values=False)
        self._texts = [name for name, form in forms.items() if form == "text"]
        names = {f"f{number}": name for number, name in enumerate(self._texts)}
        fields = [(field, msgspec.Raw, _MISSING) for field in names]
        self._decoder = msgspec.json.Decoder(msgspec.defstruct("Texts", fields, rename=names, gc=False))

    def read(self, lines: bytes) -> dict[str, pa.Array] | None:
        """The columns of some JSON Lines, a text as binary; None where they are not of these forms."""
        reading = json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
        try:
            table = json.read_json(pa.BufferReader(lines), read_options=reading, parse_options=self._options)
        except pa.ArrowInvalid:
            return None
        if not self._known.issuperset(table.column_names):
            return None
        typed = {field.name: table[field.name].combine_chunks() for field in self._options.explicit_schema}
        integers = (array for array in typed.values() if pa.types.is_integer(array.type))
        if any(pc.any(pc.equal(array, 0)).as_py() for array in integers) and _MINUS_ZERO.search(lines):
            return None
        return typed | self._read_texts(lines)

    def _read_texts(self, lines: bytes) -> dict[str, pa.Array]:
        rows: Sequence[object] = self._decoder.decode_lines(lines) if self._texts else ()
        columns = ([getattr(row, f"f{number}") for row in rows] for number in range(len(self._texts)))
        return {name: binary(column) for name, column in zip(self._texts, columns, strict=True)}
