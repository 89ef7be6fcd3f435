"""Arrays of text: what Arrow tells of the JSON texts of a column without a Python object for each."""

import struct
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from formats.schema import BY_FIRST_BYTE, EXACT_DIGITS, number_type

_NOTHING: Final = ("", "null")
_TELLING: Final = tuple(map(chr, BY_FIRST_BYTE))


def without_nulls(texts: pa.Array) -> pa.Array:
    """JSON texts with null in the place of `null` and of nothing."""
    nothing = pc.is_in(texts, value_set=pa.array(_NOTHING, pa.binary()))
    return pc.if_else(nothing, None, texts) if nothing.true_count else texts


def types_of(texts: pa.Array) -> set[str]:
    """The types of JSON values, from their texts; most tell by a byte or by their length."""
    first = pc.binary_slice(texts, 0, 1)
    found = {byte[0] for byte in pc.unique(first).drop_null().to_pylist()}
    types = {BY_FIRST_BYTE[byte] for byte in found if byte in BY_FIRST_BYTE}
    if found.issubset(BY_FIRST_BYTE):
        return types
    numbers = texts.filter(pc.invert(pc.is_in(first, value_set=pa.array(_TELLING, pa.binary())))) if types else texts
    whole = bytes(content(numbers))
    if pc.max(pc.binary_length(numbers)).as_py() > EXACT_DIGITS or b"e" in whole or b"E" in whole:
        return types | set(map(number_type, numbers.drop_null().to_pylist()))
    return types | {"number" if b"." in whole else "integer"}


def content(texts: pa.Array) -> memoryview:
    """All texts, one after another, as they lie in memory (Arrow columnar format, variable-size binary)."""
    _, offsets, text = texts.buffers()
    if text is None:
        return memoryview(b"")
    begin, end = (struct.unpack_from("<i", offsets, 4 * (texts.offset + row))[0] for row in (0, len(texts)))
    return memoryview(text)[begin:end]
