"""Between JSON values and columns of a DataFrame, exactly: pandas' nullable types where they hold every value.

What no such type holds, such as integers beyond 64 bits, nested values or a mix, is a column of Python objects.
pandas is imported by whoever has a DataFrame; it costs 40 MB.
"""

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from seawall.formats.schema import EXACT_DIGITS, EXACT_INTEGERS, INT64
from seawall.formats.writer import FormatError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own

_DTYPES: Final = {"boolean": "boolean", "integer": "Int64", "number": "Float64", "string": "string"}
_MISSING: Final = ("NAType", "NaTType")  # pandas' own; naming them does without importing it
_KINDS: Final = {bool: "boolean", int: "integer", float: "number", Decimal: "number", str: "string"}


def number(text: str) -> float | Decimal:
    """The value of a JSON number with a fraction or an exponent: a Decimal where a float would not be exact."""
    value = float(text)
    if len(text) <= EXACT_DIGITS and "e" not in text.lower():
        return value
    exact = Decimal(text)
    return value if math.isfinite(value) and Decimal(repr(value)) == exact else exact


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= 4_000 else Decimal(text)  # Python's int() refuses 4,301 digits


_RECORDS: Final = msgspec.json.Decoder(list[dict[str, Any]], float_hook=number)


def rows_of(records: Sequence[bytes | msgspec.Raw]) -> list[dict[str, Any]]:
    """The records of JSON texts, as Python values, without loss."""
    whole = b"[%s]" % b",".join(records)
    try:
        return _RECORDS.decode(whole)
    except msgspec.ValidationError:  # an integer that is too long for msgspec
        rows: list[dict[str, Any]] = json.loads(whole, parse_float=number, parse_int=_integer)
        return rows


def series(values: Sequence[Any], kind: str | None = None) -> "pd.Series[Any]":
    """One column; `kind` is its type in the schema of a dataset, by which batches of it are alike."""
    import pandas as pd  # noqa: PLC0415

    kind = "integer" if kind == "long" else kind
    types = {type(value) for value in values if value is not None}
    kinds = {_KINDS.get(each, "object") for each in types} or {kind or "null"}
    if kinds == {"integer", "number"} or (kinds == {"integer"} and kind == "number"):
        kinds = {"number"}
    common = kinds.pop() if len(kinds) == 1 else "object"
    if (kind or common) != common or not _holds(common, types, values):
        common = "object"
    return pd.Series(list(values), dtype=_DTYPES.get(common, "object"))


def _holds(kind: str, types: set[type], values: Sequence[Any]) -> bool:
    """Whether the nullable type of that kind holds every one of the values exactly."""
    if kind == "integer" or (kind == "number" and int in types):
        exact = INT64 if kind == "integer" else EXACT_INTEGERS
        return Decimal not in types and all(value in exact for value in values if type(value) is int)
    return Decimal not in types


def json_text(value: Any) -> bytes:
    """The JSON text of a cell or row of a DataFrame: every kind of missing is null, times are ISO 8601 text.

    Raises:
        FormatError: JSON has no such value.
    """
    return _ENCODER.encode(value)


def check_finite(column: "pd.Series[Any]") -> None:
    """Raise FormatError for the first infinity of a column, which JSON does not have (RFC 8259 §6)."""
    for value in column if column.dtype == "object" or column.dtype.kind == "f" else ():
        if isinstance(value, float | Decimal) and math.isinf(value):
            raise FormatError(f"column {column.name!r} holds {value}, which only parquet can store")


def arrow(column: "pd.Series[Any]") -> pa.Array:
    """A column for Parquet: typed where Arrow has one type for all its values, else text, or their JSON text."""
    is_nested = column.dtype == "object" and any(isinstance(value, dict | list) for value in column)
    if not is_nested:
        try:
            return pa.array(column, from_pandas=True)
        except (pa.ArrowException, OverflowError):
            pass
    check_finite(column)
    texts = (None if (text := json_text(value)) == b"null" else text.decode() for value in column)
    whole = (value if isinstance(value, str) else text for value, text in zip(column, texts, strict=True))
    return pa.array(whole, pa.string())


def nullable_types() -> dict[Any, Any]:
    """Pandas' nullable types for those of Arrow."""
    import pandas as pd  # noqa: PLC0415

    sizes = {pa.int8(): "Int8", pa.int16(): "Int16", pa.int32(): "Int32", pa.int64(): "Int64"}
    sizes |= {pa.uint8(): "UInt8", pa.uint16(): "UInt16", pa.uint32(): "UInt32", pa.uint64(): "UInt64"}
    others = {pa.bool_(): "boolean", pa.float32(): "Float32", pa.float64(): "Float64", pa.string(): "string"}
    return {arrow: pd.api.types.pandas_dtype(name) for arrow, name in (sizes | others).items()}


def _foreign(value: Any) -> Any:
    """A value that msgspec does not know as one that it does."""
    if type(value).__name__ in _MISSING:
        return None
    if hasattr(value, "tolist"):  # an array or a scalar of numpy
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise FormatError(f"JSON has no value for {value!r} ({type(value).__name__}); convert it, to text for example")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_foreign, decimal_format="number")
