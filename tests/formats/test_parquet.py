"""Parquet: the narrowest types that hold everything, in row groups; text in the last resort."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seawall.formats.parquet import Parquet, ParquetWriter
from seawall.formats.records import RecordError
from seawall.formats.writer import Settings, WrittenFile
from seawall.tests.disk import file_limit


def write(path: Path, *pages: list[bytes], **settings: Any) -> WrittenFile:
    """A file of these pages, each of them a batch and a row group of its own."""
    with (
        mock.patch("seawall.formats.batches.BATCH_BYTES", 1),
        mock.patch("seawall.formats.parquet.ROW_GROUP_BYTES", 1),
        ParquetWriter(path, Settings(**settings)) as writer,
    ):
        for page in pages:
            writer.write(page)
        return writer.close()


def column(path: Path, *values: str) -> tuple[str, list[Any]]:
    """The type of a column and what it holds of values that came one page after another."""
    file = write(path / "part.parquet", *([f'{{"a":{value}}}'.encode()] for value in values))
    table = pq.read_table(file.path)
    assert [each.name for each in path.iterdir()] == ["part.parquet"], "nothing on the way is left"
    return str(table.schema.field("a").type), table.column("a").to_pylist()


@pytest.mark.parametrize(
    ("values", "kind", "held"),
    [
        (["1", "null", "-3"], "int64", [1, None, -3]),
        (["-9223372036854775808", "9223372036854775807"], "int64", [-(2**63), 2**63 - 1]),
        (["1", "0.5"], "double", [1.0, 0.5]),
        (["9007199254740992", "0.5"], "double", [9007199254740992.0, 0.5]),
        (["9007199254740993", "0.5"], "string", ["9007199254740993", "0.5"]),
        (["9223372036854775807", "9223372036854775808"], "string", ["9223372036854775807", "9223372036854775808"]),
        (["0.1", "0.1000000000000000055"], "string", ["0.1", "0.1000000000000000055"]),
        (["0.1", "1e400"], "string", ["0.1", "1e400"]),
        (["1", '"x"'], "string", ["1", "x"]),
        (["true", "null", "false"], "bool", [True, None, False]),
        (["true", "1"], "string", ["true", "1"]),
        (["null", "null", "1"], "int64", [None, None, 1]),
        (["null", "null"], "string", [None, None]),
        (['"2024-02-30"', '"12:00"'], "string", ["2024-02-30", "12:00"]),
        (['{"b": [1.50]}', "[]"], "string", ['{"b": [1.50]}', "[]"]),
        (['"\\u0000\\u2028"', '""'], "string", ["\0\u2028", ""]),
        (["1.10", "-0.0"], "double", [1.1, -0.0]),
        (["-0", "5"], "int64", [0, 5]),
    ],
)
def test_a_column_has_the_narrowest_type_that_holds_every_value(
    tmp_path: Path, values: list[str], kind: str, held: list[Any]
) -> None:
    assert column(tmp_path, *values) == (kind, held)
    again = tmp_path / "again"
    again.mkdir()
    with ParquetWriter(again / "part") as writer:
        writer.write([f'{{"a":{value}}}'.encode() for value in values])
        file = writer.close()
    assert str(pq.read_schema(file.path).field("a").type) == kind, "in one page, too"


def test_rows_come_in_groups_of_the_size_that_was_asked_for(tmp_path: Path) -> None:
    pages = [[b'{"n":%d}' % (page * 700 + n) for n in range(700)] for page in range(10)]
    with (
        mock.patch("seawall.formats.batches.BATCH_RECORDS", 500),
        Parquet(Settings(row_group_size=1_000)).open(tmp_path / "part") as writer,
    ):
        for page in pages:
            writer.write(page)
        file = writer.close()
    read = pq.ParquetFile(file.path)
    assert [read.metadata.row_group(n).num_rows for n in range(read.num_row_groups)] == [1_000] * 7
    assert read.read().column("n").to_pylist() == list(range(7_000))


def test_a_file_is_compressed_has_statistics_and_says_whose_it_is(tmp_path: Path) -> None:
    file = write(tmp_path / "part", [b'{"n":4}', b'{"n":7}'], metadata={"seawall.source": "customers"})
    read = pq.ParquetFile(file.path)
    chunk = read.metadata.row_group(0).column(0)
    assert (chunk.compression, chunk.statistics.min, chunk.statistics.max) == ("ZSTD", 4, 7)
    assert read.metadata.metadata[b"seawall.source"] == b"customers"


def test_no_records_make_a_valid_file(tmp_path: Path) -> None:
    file = write(tmp_path / "part")
    assert (file.records, pq.read_table(file.path).num_rows) == (0, 0)


def test_rows_without_keys_are_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "part", [b"{}", b"{}"], [b"{}"])
    assert (file.columns, pq.read_table(file.path).num_rows) == ({}, 3)


def test_widening_copies_row_group_by_row_group(tmp_path: Path) -> None:
    file = write(tmp_path / "part", [b'{"a":1}'], [b'{"a":2}'])
    schema = {"b": "string", "a": "string", "c": "boolean"}
    wide = Parquet(Settings(metadata={"seawall.run_id": "r"})).widen(file.path, file.columns, tmp_path / "wide", schema)
    table = pq.read_table(wide.path)
    assert table.to_pylist() == [{"b": None, "a": "1", "c": None}, {"b": None, "a": "2", "c": None}]
    assert pq.ParquetFile(wide.path).num_row_groups == 2
    assert table.schema.metadata[b"seawall.run_id"] == b"r"
    assert (wide.records, wide.columns) == (2, schema)


def test_a_file_fits_where_names_order_and_arrow_types_are_the_datasets() -> None:
    fits = Parquet().fits
    assert fits({"a": "integer", "b": "null"}, {"a": "long", "b": "object"})
    assert not fits({"a": "integer"}, {"a": "number"})
    assert not fits({"a": "null"}, {"a": "boolean"})
    assert not fits({"b": "string", "a": "string"}, {"a": "string", "b": "string"})


def test_a_record_that_is_no_object_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="record 1: "):
        write(tmp_path / "part", [b'{"a":1}'], [b'{"a":0.5}'], [b"null"])
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_file(tmp_path: Path) -> None:
    pages = [[json.dumps({"a": str(page**40) * 200}).encode()] for page in range(2, 80)]
    with pytest.raises((OSError, pa.ArrowException), match="File too large"), file_limit(20_000):
        write(tmp_path / "part", *pages)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_stands_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "part").write_text("mine")
    with pytest.raises(FileExistsError):
        ParquetWriter(tmp_path / "part")
    assert (tmp_path / "part").read_text() == "mine"
