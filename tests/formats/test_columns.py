"""Columns: what is learned of them, and with which record."""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.formats.batches import Batch
from seawall.formats.columns import Columns
from seawall.formats.writer import MAX_COLUMNS, ColumnsError


def read(*batches: list[str], pinned: tuple[str, ...] = ()) -> tuple[Columns, list[dict[str, list[Any]]]]:
    columns = Columns(pinned)
    arrays = [columns.read(Batch.of([record.encode() for record in batch])) for batch in batches]
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
        assert extra == ['{"x":1.50,"n":null}', None, '{"_extra":[ 1 ],"x":"é"}']
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
    assert [batch["a"] for batch in found] == [["2"], ["4"]]


KEYS = st.sampled_from(["a", "b", "A", "", "ключ"])
NUMBERS = st.integers(-3, 3) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)
SPELT = st.dictionaries(KEYS, VALUES.map(json.dumps) | st.sampled_from(["-0", "1.50", "1e2", "-0.0", "12" * 20]))
RECORDS = st.lists(SPELT.map(lambda record: f"{{{', '.join(f'{json.dumps(k)}:{v}' for k, v in record.items())}}}"))


@settings(max_examples=50)
@given(st.lists(RECORDS.filter(bool), min_size=2, max_size=4), st.sampled_from([(), ("a", "b")]))
def test_the_parser_reads_what_is_read_value_by_value(batches: list[list[str]], pinned: tuple[str, ...]) -> None:
    def slowly(batch: Batch) -> dict[str, pa.Array]:
        known._parser = None
        return known.read(batch)

    known, columns = Columns(pinned), Columns(pinned)
    for records in (*batches, batches[-1], batches[-1]):  # what is known by now is read by the parser
        batch = Batch.of([record.encode() for record in records])
        fast, slow = columns.read(batch), slowly(batch)
        assert _cells(fast) == _cells(slow)
        assert (columns.schema, columns.since) == (known.schema, known.since)


def _cells(arrays: dict[str, pa.Array]) -> dict[str, list[str | None]]:
    return {name: array.cast(pa.string()).to_pylist() for name, array in arrays.items()}


def test_nested_values_without_a_type_in_common_are_parsed_all_the_same() -> None:
    columns, _ = read(['{"n":1,"free":{"k":1}}'], ['{"n":2,"free":{"k":"x"}}', '{"n":3,"free":{"k":[]}}'])
    assert columns._parser is not None
    mixed = b'{"n":2,"free":{"k":"x"}}\n{"n":3,"free":{"k":[]}}'
    assert columns._parser.read(mixed) == {"n": pa.array([2, 3]), "free": pa.array([b'{"k":"x"}', b'{"k":[]}'])}
    assert columns._parser.read(b'{"n":2,"new":1}') is None


POOLS: list[pa.MemoryPool] = []  # what they gave out is given back to them later


@contextmanager
def at_most(mebibytes: int) -> Iterator[None]:
    """Neither Arrow nor Python takes more memory than this meanwhile."""
    pool, default = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    POOLS.append(pool)
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        yield
        taken = pool.max_memory() + tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(default)
    assert taken < mebibytes * 2**20, f"{taken / 2**20:.1f} MiB"


def own_keys(page: int, records: int, keys: int) -> dict[str, dict[str, int]]:
    """Keys of its own for each record of a page, such as ids."""
    return {str(n): {f"k{page}_{n}_{key}": key for key in range(keys)} for n in range(records)}


def batch_of(*records: object) -> Batch:
    return Batch.of([json.dumps(record).encode() for record in records])


@pytest.mark.parametrize("before", [[], [{"id": 1, "x": 1.5}], [{"id": 1, "map": {"a": 1}}]])
def test_keys_that_are_new_in_every_record_are_refused_before_they_cost_memory(before: list[object]) -> None:
    columns = Columns()
    for _ in range(2 if before else 0):
        columns.read(batch_of(*before))
    names = {name for record in before for name in record}  # type: ignore[attr-defined]
    with at_most(8), pytest.raises(ColumnsError, match="more than 2,000 columns, which is max_columns") as caught:
        columns.read(batch_of(*own_keys(1, 1_000, 10).values()))
    row, key = divmod(MAX_COLUMNS - len(names), 10)
    assert (caught.value.name, caught.value.record) == (f"k1_{row}_{key}", row + 2 * len(before))


def test_keys_that_are_new_on_every_page_are_refused_with_the_record_that_has_one_too_many() -> None:
    columns = Columns(max_columns=20)
    for page in range(4):
        columns.read(batch_of(*own_keys(page, 5, 1).values()))
    assert len(columns.schema) == 20
    with pytest.raises(ColumnsError, match="more than 20 columns") as caught:
        columns.read(batch_of({}, *own_keys(4, 5, 1).values()))
    assert caught.value.record == 21


def test_as_many_columns_as_there_may_be_are_read() -> None:
    columns, wide = Columns(), {f"c{number}": number for number in range(MAX_COLUMNS)}
    for _ in range(2):
        assert columns.read(batch_of(wide))["c7"].to_pylist() in (["7"], [7])
    with pytest.raises(ColumnsError):
        columns.read(batch_of(wide, wide | {"one": "more"}))


def test_a_map_whose_keys_are_ids_costs_no_more_than_its_text() -> None:
    columns = Columns()
    pages = [[{"id": int(n), "map": keys} for n, keys in own_keys(page, 2_000, 5).items()] for page in range(3)]
    columns.read(batch_of(*pages[0]))
    with at_most(8):
        arrays = columns.read(batch_of(*pages[1]))
    assert list(columns.schema) == ["id", "map"]
    assert list(map(json.loads, arrays["map"].to_pylist())) == [record["map"] for record in pages[1]]


def test_nothing_is_kept_of_keys_that_are_not_pinned() -> None:
    columns = Columns(("id",))
    pages = [[{"id": int(n)} | keys for n, keys in own_keys(page, 50, 5).items()] for page in range(60)]
    batches = [batch_of(*page) for page in pages]
    columns.read(batches[0])
    tracemalloc.start()
    try:
        read = [columns.read(batch)["_extra"].to_pylist() for batch in batches[1:6]]
        before, _ = tracemalloc.get_traced_memory()
        for batch in batches[6:]:
            columns.read(batch)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000
    assert columns.schema == {"id": "integer", "_extra": "object"}
    assert [[{"id": n} | json.loads(text) for n, text in enumerate(texts)] for texts in read] == pages[1:6]


def test_numbers_with_and_without_a_fraction_are_read_in_one_go_digit_for_digit() -> None:
    records = ['{"n":1}', '{"n":0.50}', '{"n":1e2}', '{"n":18446744073709551616}', '{"n":-0}', '{"n":null}', "{}"]
    columns, found = read(records, records)
    assert found[1]["n"] == ["1", "0.50", "1e2", "18446744073709551616", "-0", None, None]
    assert columns._parser is not None
    assert columns._parser.read("\n".join(records).encode()) is not None
