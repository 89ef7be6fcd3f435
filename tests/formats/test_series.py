"""JSON values as columns: nothing is rounded, whatever stands beside it."""

import json
from decimal import Decimal
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.formats.series import check_finite, json_text, number, rows_of, series
from seawall.formats.writer import FormatError

LONG = "9" * 5_000


def listed(column: Any) -> list[Any]:
    return [None if value is pd.NA else value for value in column.astype("object")]


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        ([1, None, 2**53 + 1], "integer", "Int64"),
        ([1, 2**63 - 1, -(2**63)], None, "Int64"),
        ([1, 2**63], "integer", "object"),
        ([None, None], "integer", "Int64"),
        ([None, None], "null", "object"),
        ([None, None], None, "object"),
        ([1, None], "number", "Float64"),
        ([1, 2.5], None, "Float64"),
        ([2**53 + 1, 0.5], "number", "object"),
        ([2**53 + 1], "number", "object"),
        ([Decimal("0.1234567890123456789"), 0.5], "number", "object"),
        ([True, None], "boolean", "boolean"),
        ([True, 1], None, "object"),
        (["a", "", None], "string", "string"),
        ([1, None], "string", "object"),
        ([{"a": 1}, None], "object", "object"),
        ([[1], "x"], "string", "object"),
        ([1, None], "long", "Int64"),
        ([1, None], "big-integer", "object"),
    ],
)
def test_a_column_has_the_nullable_type_that_holds_all_values_exactly(
    values: list[Any], kind: str | None, dtype: str
) -> None:
    column = series(values, kind)
    assert str(column.dtype) == dtype
    assert listed(column) == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("1e3", 1000.0),
        ("123456789012.125", 123456789012.125),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("1e999", Decimal("1e999")),
        ("1e-999", Decimal("1e-999")),
        ("9007199254740993.0", Decimal("9007199254740993.0")),
    ],
)
def test_a_number_is_a_float_only_where_that_is_its_value(text: str, value: object) -> None:
    assert (number(text), type(number(text))) == (value, type(value))


def test_an_integer_of_any_length_survives() -> None:
    (short, long) = rows_of([b'{"a": 1, "b": 0.5}', b'{"a": %s, "b": 1e999}' % LONG.encode()])
    assert short == {"a": 1, "b": 0.5}
    assert long == {"a": Decimal(LONG), "b": Decimal("1e999")}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b"null"),
        (pd.NA, b"null"),
        (pd.NaT, b"null"),
        (float("nan"), b"null"),
        (2**80, b"%d" % 2**80),
        (Decimal("1.10"), b"1.10"),
        (pd.Series([7]).iloc[0], b"7"),
        (pd.Timestamp("2026-01-02T03:04:05.000000006"), b'"2026-01-02T03:04:05.000000006"'),
        ({"a": [pd.NA, True]}, b'{"a":[null,true]}'),
    ],
)
def test_a_cell_becomes_the_json_text_of_its_value(value: Any, text: bytes) -> None:
    assert json_text(value) == text


def test_what_json_has_no_value_for_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match=r"JSON has no value for .*complex"):
        json_text(1 + 2j)
    for infinite in (float("-inf"), Decimal("Infinity")):
        with pytest.raises(FormatError, match=r"column 'rate' holds -?[Ii]nf"):
            check_finite(pd.Series([1.0, infinite], name="rate", dtype="object"))


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(values, min_size=1, max_size=6), st.sampled_from([None, "integer", "number", "string", "object"]))
def test_any_column_holds_what_json_says(column: list[Any], kind: str | None) -> None:
    rows = rows_of([json.dumps({"a": value}).encode() for value in column])
    found = listed(series([row["a"] for row in rows], kind))
    assert found == column
    assert all(isinstance(have, bool) == isinstance(want, bool) for have, want in zip(found, column, strict=True))
