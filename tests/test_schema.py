"""Schemas: types of JSON values, and what holds several of them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.schema import type_of, union, widest

TYPES = ("null", "boolean", "integer", "number", "string", "object", "array")
COLUMN_TYPES = st.sampled_from(TYPES)
SCHEMAS = st.lists(st.dictionaries(st.sampled_from("abcABC"), COLUMN_TYPES), max_size=6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("null", "null"), ("true", "boolean"), ("false", "boolean"), ('""', "string"), ('"1"', "string"),
        ("{}", "object"), ('{"a":1.5}', "object"), ("[]", "array"), ("[1e5]", "array"),
        ("0", "integer"), ("-0", "integer"), ("-12", "integer"), ("9" * 5_000, "integer"),
        ("1.0", "number"), ("-0.5", "number"), ("1e5", "number"), ("1E-5", "number"),
    ],
)  # fmt: skip
def test_the_type_of_a_value_shows_in_its_text(value: str, expected: str) -> None:
    assert type_of(value.encode()) == expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
@settings(max_examples=100, deadline=None)
def test_types_are_those_of_pythons_json(value: Any) -> None:
    names = {type(None): "null", bool: "boolean", int: "integer", str: "string", list: "array"}
    assert type_of(json.dumps(value).encode()) == names[type(value)]


@pytest.mark.parametrize("kind", TYPES)
def test_null_and_the_type_itself_change_nothing(kind: str) -> None:
    assert widest(kind) == widest(kind, kind) == widest("null", kind) == widest(kind, "null") == kind


def test_no_types_are_null() -> None:
    assert widest() == "null"


def test_integers_fit_into_numbers() -> None:
    assert widest("integer", "number") == widest("number", "null", "integer") == "number"


@pytest.mark.parametrize(
    "mixed",
    [("boolean", "integer"), ("string", "number"), ("object", "array"), ("integer", "number", "boolean")],
)
def test_whatever_else_mixes_becomes_text(mixed: tuple[str, ...]) -> None:
    assert widest(*mixed) == "string"


@given(st.lists(COLUMN_TYPES), st.lists(COLUMN_TYPES))
@settings(max_examples=100, deadline=None)
def test_types_may_be_widened_in_any_order_and_in_any_groups(one: list[str], other: list[str]) -> None:
    assert widest(*one, *other) == widest(*other, *one) == widest(widest(*one), widest(*other))


@given(SCHEMAS)
@settings(max_examples=100, deadline=None)
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
