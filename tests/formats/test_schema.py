"""Schemas: types of JSON values, and what holds several of them."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.formats.schema import type_of, union, widest
from seawall.tests.values import NUMBERS

TYPES = (
    "null", "boolean", "integer", "long", "big-integer", "number", "decimal", "string", "object", "array"
)  # fmt: skip
COLUMN_TYPES = st.sampled_from(TYPES)
SCHEMAS = st.lists(st.dictionaries(st.sampled_from("abcABC"), COLUMN_TYPES), max_size=6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("null", "null"), ("true", "boolean"), ("false", "boolean"), ('""', "string"), ('"1"', "string"),
        ("{}", "object"), ('{"a":1.5}', "object"), ("[]", "array"), ("[1e5]", "array"),
        ("0", "integer"), ("-0", "integer"), ("-12", "integer"), ("9" * 5_000, "big-integer"),
            (str(2**53), "integer"), (str(-(2**53)), "integer"), (str(2**53 + 1), "long"), (str(2**63 - 1), "long"),
            (str(-(2**63)), "long"), (str(2**63), "big-integer"), ("-" + "1" * 19, "long"),
        ("1.0", "number"), ("-0.5", "number"), ("1e5", "number"), ("1E-5", "number"),
            ("1.10", "number"), ("0.1", "number"), ("-0.0", "number"), ("1e22", "number"), ("0e999999999", "number"),
            ("0.1000000000000000055", "decimal"), ("1e400", "decimal"), ("1e-400", "decimal"),
            ("123456789.123456789", "decimal"), ("0." + "3" * 5_000, "decimal"),
    ],
)  # fmt: skip
def test_the_type_of_a_value_shows_in_its_text(value: str, expected: str) -> None:
    assert type_of(value.encode()) == expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
@settings(max_examples=100)
def test_types_are_those_of_pythons_json(value: Any) -> None:
    names = {type(None): "null", bool: "boolean", int: "integer", str: "string", list: "array"}
    found = type_of(json.dumps(value).encode())
    assert found == names[type(value)] or (type(value) is int and found in ("long", "big-integer"))


@pytest.mark.parametrize("text", ["1e-99999999999999999999", "1e99999999999999999999", "1." + "1" * 1_000_001])
def test_a_number_that_no_decimal_compares_is_no_double(text: str) -> None:
    assert type_of(text.encode()) == "decimal"


@given(NUMBERS)
@settings(max_examples=300)
def test_a_number_is_what_its_doubles_shortest_decimal_says(text: str) -> None:
    exact = Decimal(text) == Decimal(repr(float(text)))
    if type_of(text.encode()) in ("integer", "number"):
        assert exact
    elif not text.lstrip("-").isdigit():
        assert not exact


@pytest.mark.parametrize("kind", TYPES)
def test_null_and_the_type_itself_change_nothing(kind: str) -> None:
    assert widest(kind) == widest(kind, kind) == widest("null", kind) == widest(kind, "null") == kind


def test_no_types_are_null() -> None:
    assert widest() == "null"


def test_integers_fit_into_numbers() -> None:
    assert widest("integer", "number") == widest("number", "null", "integer") == "number"


@pytest.mark.parametrize(
    ("mixed", "common"),
    [
        (("integer", "long"), "long"), (("long", "big-integer", "integer"), "big-integer"),
        (("long", "number"), "decimal"), (("big-integer", "number"), "decimal"), (("integer", "decimal"), "decimal"),
    ],
)  # fmt: skip
def test_a_double_takes_no_integer_that_it_could_not_hold(mixed: tuple[str, ...], common: str) -> None:
    assert widest(*mixed) == common


@pytest.mark.parametrize(
    "mixed",
    [("boolean", "integer"), ("string", "number"), ("object", "array"), ("integer", "number", "boolean")],
)
def test_whatever_else_mixes_becomes_text(mixed: tuple[str, ...]) -> None:
    assert widest(*mixed) == "string"


@given(st.lists(COLUMN_TYPES), st.lists(COLUMN_TYPES))
@settings(max_examples=100)
def test_types_may_be_widened_in_any_order_and_in_any_groups(one: list[str], other: list[str]) -> None:
    assert widest(*one, *other) == widest(*other, *one) == widest(widest(*one), widest(*other))


@given(SCHEMAS)
@settings(max_examples=100)
def test_a_union_has_every_column_once_in_the_order_of_appearance(schemas: list[dict[str, str]]) -> None:
    whole = union(schemas)
    assert list(whole) == list(dict.fromkeys(name for schema in schemas for name in schema))
    for name, kind in whole.items():
        assert kind == widest(*(schema[name] for schema in schemas if name in schema))


def test_a_union_leaves_its_schemas_alone() -> None:
    narrow = {"a": "integer"}
    assert union([narrow, {"a": "string", "b": "null"}]) == {"a": "string", "b": "null"}
    assert narrow == {"a": "integer"}


def test_nothing_unites_to_no_columns() -> None:
    assert union([]) == {}
