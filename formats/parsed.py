"""Records whose columns are known, parsed by Arrow: no Python object for each value, and other threads go on.

Arrow refuses whatever is not of the type that is expected (a fraction or an exponent in an integer, 64 bits and more,
a key that comes twice), so its values are those of the text, but for the sign of `-0`.
"""

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final, Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from seawall.formats.texts import binary

_TYPES: Final = {
    "null": pa.null(), "boolean": pa.bool_(), "integer": pa.int64(), "string": pa.string(), "number": pa.float64()
}  # fmt: skip
_TEXTS: Final = ("number", "text")  # the readings of which the text is kept
MISSING: Final = msgspec.Raw(b"")  # in place of a value, where a record lacks the key

_MINUS_ZERO: Final = re.compile(rb"-0[\s,}]")
_UNNAMEABLE: Final = re.compile(r'[\x00-\x1f"\\]')  # msgspec takes none of these in a field's name


class Parser:
    """Reads records by a reading for each key: `null`, `boolean`, `integer`, `number`, `string`, `text` for any JSON.

    Arrow refuses other keys as long as it has a type for every value. For nested ones it would make a column of each
    key inside, and there may be as many as there are records; a `careful` parser has msgspec look at all keys instead.
    """

    @classmethod
    def of(cls, readings: Mapping[str, str], *, careful: bool = False) -> Self | None:
        """A parser, if there can be one for such keys."""
        return None if any(map(_UNNAMEABLE.search, readings)) else cls(readings, careful=careful)

    def __init__(self, readings: Mapping[str, str], *, careful: bool) -> None:
        careful = careful or "text" in readings.values()
        typed = {name: _TYPES[reading] for name, reading in readings.items() if reading not in _TEXTS or not careful}
        self._schema = pa.schema(typed)
        others = "ignore" if careful else "error"
        self._parse_options = json.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior=others)
        raw_names = [name for name, reading in readings.items() if careful or reading in _TEXTS]
        names = {f"f{number}": name for number, name in enumerate(raw_names)}
        self._texts = {name: attrgetter(field) for field, name in names.items() if readings[name] in _TEXTS}
        fields: list[Any] = [(field, msgspec.Raw, MISSING) for field in names]
        row = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=careful, gc=False)
        self._decoder = msgspec.json.Decoder(row)

    def read(self, lines: bytes) -> dict[str, pa.Array] | None:
        """The columns of some JSON Lines, texts as binary; None where a record has other keys, or other values."""
        options = json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
        try:
            table = json.read_json(pa.BufferReader(lines), read_options=options, parse_options=self._parse_options)
            rows = self._decoder.decode_lines(lines)
        except (msgspec.ValidationError, pa.ArrowException):
            return None
        arrays = {name: table[name].combine_chunks() for name in self._schema.names}
        integers = (array for array in arrays.values() if pa.types.is_integer(array.type))
        if any(pc.any(pc.equal(array, 0)).as_py() for array in integers) and _MINUS_ZERO.search(lines):
            return None
        return arrays | {name: binary(list(map(text, rows))) for name, text in self._texts.items()}
