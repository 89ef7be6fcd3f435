"""When a landed dataset equals the records that a source sent, as docs/formats.md defines it; no code of the project.

A record is a dict of name to `(text, cell)`: the JSON text of a value, and what a cell of text shows for it.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

Value = tuple[str, str]
Record = dict[str, Value]
Table = list[list[Any]]

NOTHING: Value = ("null", "")


def names(records: Iterable[Record]) -> list[str]:
    """The columns of a dataset: every key, in the order of its first appearance."""
    return list(dict.fromkeys(name for record in records for name in record))


def cells(records: list[Record]) -> Table:
    """What CSV files hold, the header first: a row is never blank, and without columns it is one empty cell."""
    header = names(records)
    rows = [[record.get(name, NOTHING)[1] for name in header] for record in records]
    return [header or [""], *(row or [""] for row in rows)]


def csv_by_python(path: Path) -> Table:
    with pa.input_stream(path, compression="detect") as stream:
        return list(csv.reader(io.TextIOWrapper(stream, encoding="utf-8", newline=""), strict=True))


def csv_by_pandas(path: Path) -> Table:
    table: Table = pd.read_csv(path, header=None, dtype=str, keep_default_na=False).to_numpy().tolist()
    return table


def csv_by_pyarrow(path: Path) -> Table:
    width = len(csv_by_python(path)[0])
    table = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(autogenerate_column_names=True),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(column_types={f"f{number}": pa.string() for number in range(width)}),
    )
    return [list(row.values()) for row in table.to_pylist()]


def csv_by_duckdb(path: Path) -> Table:
    dialect = "auto_detect=false, header=false, delim=',', quote='\"', escape='\"', new_line='\\r\\n'"
    columns = {f"c{number}": "VARCHAR" for number in range(len(csv_by_python(path)[0]))}
    rows = duckdb.execute(f"SELECT * FROM read_csv(?, {dialect}, columns={columns})", [str(path)]).fetchall()
    return [[cell or "" for cell in row] for row in rows]


CSV_READERS: dict[str, Callable[[Path], Table]] = {
    "Python": csv_by_python,
    "pandas": csv_by_pandas,
    "pyarrow": csv_by_pyarrow,
    "DuckDB": csv_by_duckdb,
}


def parquet_by_pyarrow(path: Path) -> Table:
    table = pq.read_table(path)
    return _rows([column.to_pylist() for column in table.columns], table.num_rows)


def parquet_by_pandas(path: Path) -> Table:
    frame = pd.read_parquet(path, dtype_backend="pyarrow")
    columns = [frame.iloc[:, number].tolist() for number in range(frame.shape[1])]
    return [[None if cell is pd.NA else cell for cell in row] for row in _rows(columns, len(frame))]


def parquet_by_duckdb(path: Path) -> Table:
    return [list(row) for row in duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()]


def _rows(columns: list[list[Any]], count: int) -> Table:
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(count)]


PARQUET_READERS: dict[str, Callable[[Path], Table]] = {
    "pyarrow": parquet_by_pyarrow,
    "pandas": parquet_by_pandas,
    "DuckDB": parquet_by_duckdb,
}


def holds(found: Any, value: Value) -> bool:
    """Whether a typed cell holds a value: a number its exact value, text the value's text, null nothing."""
    text, shown = value
    if found is None or text == "null":
        return found is None and text == "null"
    if isinstance(found, bool):
        return text == ("true" if found else "false")
    if text[0] in "-0123456789":
        return Decimal(found if isinstance(found, str) else repr(found)) == Decimal(text)
    return bool(found == shown)


def table_differences(rows: Table, records: list[Record]) -> list[str]:
    """Where the rows of a dataset with typed columns differ from the records, in the order of `names`."""
    header = names(records)
    if len(rows) != len(records):
        return [f"{len(rows)} rows for {len(records)} records"]
    return (
        [
            f"row {number}, {name!r}: {cell!r} for {record.get(name, NOTHING)[0]!r}"
            for number, (row, record) in enumerate(zip(rows, records, strict=True))
            for name, cell in zip(header, row, strict=True)
            if not holds(cell, record.get(name, NOTHING))
        ]
        if header
        else []
    )


def parsed(text: str | bytes) -> Any:
    """A JSON text with its numbers as they are written."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def jsonl_by_python(path: Path) -> list[Any]:
    return [parsed(line) for line in path.read_bytes().split(b"\n")[:-1]]


def jsonl_by_duckdb(path: Path) -> list[Any]:
    query = "SELECT json FROM read_ndjson_objects(?)"
    return [parsed(text) for (text,) in duckdb.execute(query, [str(path)]).fetchall()]


def json_by_python(path: Path) -> list[Any]:
    array: list[Any] = parsed(path.read_bytes())
    return array


def json_by_duckdb(path: Path) -> list[Any]:
    query = "SELECT json FROM read_json_objects(?, format='array')"
    return [parsed(text) for (text,) in duckdb.execute(query, [str(path)]).fetchall()]
