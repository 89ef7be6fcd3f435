"""Columns: what is learned of them, and with which record."""

import json
from typing import Any

import pytest

from formats.columns import Columns


def read(*batches: list[str], pinned: tuple[str, ...] = ()) -> tuple[Columns, list[dict[str, list[Any]]]]:
    columns = Columns(pinned)
    arrays = [columns.read(f"[{','.join(batch)}]".encode(), len(batch)) for batch in batches]
    return columns, [{name: array.to_pylist() for name, array in found.items()} for found in arrays]


def test_it_is_known_with_which_record_a_column_came_to_each_type() -> None:
    columns, _ = read(['{"a":null}', '{"a":1,"b":"x"}'], ['{"a":2}', '{"a":0.5}'], ["{}"], ['{"a":true}'])
    assert columns.schema == {"a": "string", "b": "string"}
    assert columns.since == {"a": {"null": 0, "integer": 1, "number": 3, "string": 5}, "b": {"null": 1, "string": 1}}


def test_an_integer_that_outgrows_its_type_is_noticed_where_it_stands() -> None:
    columns, found = read(['{"a":1}'], ['{"a":2}', '{"a":9007199254740993}', '{"a":18446744073709551616}'])
    assert columns.since["a"] == {"null": 0, "integer": 0, "long": 2, "big-integer": 3}
    assert found[1]["a"] == ["2", "9007199254740993", "18446744073709551616"]


def test_every_known_column_is_there_in_every_batch() -> None:
    _, found = read(['{"a":1}'], ['{"b":2}'], ["{}"], ['{"a":3,"b":4}'])
    assert found[1] == {"a": [None], "b": ["2"]}
    assert found[2:] == [{"a": [None], "b": [None]}, {"a": [3], "b": [4]}]


def test_other_keys_than_the_pinned_ones_are_one_object_of_their_exact_text() -> None:
    records = ['{"x":1.50,"b":1,"n":null}', '{"a":"t"}', '{"_extra":[ 1 ],"x":"é"}']
    for batches in ([records], [[record] for record in records]):
        columns, found = read(*batches, pinned=("a", "b"))
        extra = [value for batch in found for value in batch["_extra"]]
        assert extra == ['{"x":1.50,"n":null}', None, '{"x":"é","_extra":[ 1 ]}']
        assert [value for batch in found for value in batch["a"]] == [None, "t", None]
        assert list(columns.schema) == ["a", "b", "_extra"]


def test_pinned_columns_are_there_though_no_record_has_them() -> None:
    columns, found = read(["{}"], pinned=("a",))
    assert (list(columns.schema), found) == (["a", "_extra"], [{"a": [None], "_extra": [None]}])


@pytest.mark.parametrize("name", ['q"', "back\\slash", "nul\0", "line\n"])
def test_names_that_no_struct_can_have_are_columns_like_others(name: str) -> None:
    record = json.dumps({name: 1, "b": "x"})
    _, found = read([record], [record])
    assert [list(batch) for batch in found] == [[name, "b"]] * 2


def test_of_a_key_that_repeats_the_last_value_counts_on_every_path() -> None:
    _, found = read(['{"a":1,"a":2}'], ['{"a":3,"a":4}'])
    assert [batch["a"] for batch in found] == [["2"], [4]]
