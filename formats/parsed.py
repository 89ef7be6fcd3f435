"""Records whose columns are known, parsed by Arrow: no Python object for a value, while other threads go on.

Arrow refuses whatever is not of the type that is expected (a fraction or an exponent in an integer, 64 bits and more,
a key that comes twice), so what it reads is what was written, but for the sign of `-0`.
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

_TYPES: Final = {"null": pa.null(), "boolean": pa.bool_(), "integer": pa.int64(), "string": pa.string()}
_MISSING: Final = msgspec.Raw(b"")
_MINUS_ZERO: Final = re.compile(rb"-0[\s,}]")
_UNNAMEABLE: Final = re.compile(r'[\x00-\x1f"\\]')  # msgspec takes these in no name of a field


class Parser:
    """Reads records whose keys have the given forms: `null`, `boolean`, `integer`, `string`, or `text` for any JSON.

    Arrow tells of other keys while it looks into all values, and gives up where nested ones have no type in common;
    a `careful` parser gets by without that, and takes longer.
    """

    @classmethod
    def of(cls, forms: Mapping[str, str], *, careful: bool = False) -> Self | None:
        """A parser, if there can be one for such keys."""
        return None if any(map(_UNNAMEABLE.search, forms)) else cls(forms, careful=careful)

    def __init__(self, forms: Mapping[str, str], *, careful: bool) -> None:
        self._known = frozenset(forms)
        self._typed = pa.schema({name: _TYPES[form] for name, form in forms.items() if form != "text"})
        others = "ignore" if careful else "infer"
        self._options = json.ParseOptions(explicit_schema=self._typed, unexpected_field_behavior=others)
        decoded = [name for name, form in forms.items() if careful or form == "text"]
        names = {f"f{number}": name for number, name in enumerate(decoded)}
        self._texts = {name: attrgetter(field) for field, name in names.items() if forms[name] == "text"}
        fields: list[Any] = [(field, msgspec.Raw, _MISSING) for field in names]
        row = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=careful, gc=False)
        self._decoder = msgspec.json.Decoder(row)

    def read(self, lines: bytes) -> dict[str, pa.Array] | None:
        """The columns of some JSON Lines, texts as binary; None where a record has other keys, or other values."""
        reading = json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
        try:
            table = json.read_json(pa.BufferReader(lines), read_options=reading, parse_options=self._options)
            rows = self._decoder.decode_lines(lines)
        except (msgspec.ValidationError, pa.ArrowException):
            return None
        if not self._known.issuperset(table.column_names):
            return None
        typed = {name: table[name].combine_chunks() for name in self._typed.names}
        integers = (array for array in typed.values() if pa.types.is_integer(array.type))
        if any(pc.any(pc.equal(array, 0)).as_py() for array in integers) and _MINUS_ZERO.search(lines):
            return None
        return typed | {name: binary(list(map(text, rows))) for name, text in self._texts.items()}
