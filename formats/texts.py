"""Arrays of text: what Arrow finds in the JSON texts of a column without a Python object for each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.formats.schema import BY_FIRST_BYTE, EXACT_DIGITS, number_type

if TYPE_CHECKING:
    import numpy.typing as npt

_NOTHING: Final = ("", "null")
_NO_NUMBERS: Final = tuple(map(chr, BY_FIRST_BYTE))  # how other values begin


def binary(values: Sequence[bytes | msgspec.Raw]) -> pa.Array:
    """An array of texts, which are joined rather than taken one by one."""
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=offsets[1:])
    text = pa.py_buffer(b"".join(values))
    return pa.Array.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(offsets), text])


def without_nulls(texts: pa.Array) -> pa.Array:
    """JSON texts with null in the place of `null` and of nothing."""
    nothing = pc.is_in(texts, value_set=pa.array(_NOTHING, pa.binary()))
    return pc.if_else(nothing, None, texts) if nothing.true_count else texts


def types_of(texts: pa.Array) -> set[str]:
    """The types of JSON values, from their texts; a byte or the length is enough for most."""
    first = pc.binary_slice(texts, 0, 1)
    first_bytes = {byte[0] for byte in pc.unique(first).drop_null().to_pylist()}
    types = {BY_FIRST_BYTE[byte] for byte in first_bytes if byte in BY_FIRST_BYTE}
    if first_bytes.issubset(BY_FIRST_BYTE):
        return types
    numbers = texts.filter(pc.invert(pc.is_in(first, value_set=pa.array(_NO_NUMBERS, pa.binary())))) if types else texts
    whole = bytes(content(numbers))
    if pc.max(pc.binary_length(numbers)).as_py() > EXACT_DIGITS or b"e" in whole or b"E" in whole:
        return types | set(map(number_type, numbers.drop_null().to_pylist()))
    return types | {"number" if b"." in whole else "integer"}


def content(texts: pa.Array) -> memoryview:
    """All texts, one after another, as they lie in memory (Arrow columnar format, variable-size binary)."""
    text = texts.buffers()[2]
    if text is None:
        return memoryview(b"")
    ends = _ends(texts)
    return memoryview(text)[ends[0] : ends[-1]]


def offsets(texts: pa.Array) -> "npt.NDArray[np.int32]":
    """Where in its content each text begins, and where the last one ends."""
    ends = _ends(texts)
    begins: npt.NDArray[np.int32] = ends - ends[0]
    return begins


def _ends(texts: pa.Array) -> "npt.NDArray[np.int32]":
    ends: npt.NDArray[np.int32] = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, 4 * texts.offset)
    return ends
