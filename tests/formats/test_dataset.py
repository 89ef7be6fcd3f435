"""Whole datasets: arbitrary records in arbitrary pages and parts, landed in every format and read back by others.

The examples a format are 100, or what `SEAWALL_EXAMPLES` says.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pyarrow as pa
import pyarrow.json
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seawall.clients.pages.page import Page, Totals
from seawall.clients.pages.records import Records
from seawall.formats import registry, schema
from seawall.storage.documents import Totals as StoredTotals
from seawall.storage.local import LocalStore
from seawall.storage.plan import Plan
from seawall.storage.ranges import PageRange
from seawall.tasks.landing.staged import write_part
from seawall.tasks.landing.upload import upload_part
from seawall.tasks.options import IngestOptions
from seawall.tasks.publishing.drift import drift
from seawall.tasks.publishing.widened import published_parts
from seawall.tasks.run import Landing, Run
from seawall.tests import equality
from seawall.tests.equality import Record, Value
from seawall.tests.values import CONTAINERS, LONG_NUMBERS, SEPARATORS, TEXTS, same

Parts = list[list[list[Record]]]  # parts of pages of records

EXAMPLES = int(os.environ.get("SEAWALL_EXAMPLES", "100"))
MANY = settings(
    max_examples=EXAMPLES,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _string(text: str, *, escaped: bool = False) -> Value:
    return json.dumps(text, ensure_ascii=escaped), text


NULLS = st.just(("null", ""))
BOOLEANS = st.sampled_from(["true", "false"]).map(same)
INTEGERS = st.integers(-(2**66), 2**66).map(str) | st.integers(-5, 5).map(str) | st.just("-0")
DOUBLES = st.floats(allow_nan=False, allow_infinity=False).map(json.dumps)
STRINGS = st.builds(
    _string, TEXTS | st.sampled_from(["2024-02-30", "NaN", "null", "1", "-0", "true", "[]"]), escaped=st.booleans()
)
NESTS = st.builds(
    lambda value, escaped, marks: same(json.dumps(value, ensure_ascii=escaped, separators=marks)),
    CONTAINERS, st.booleans(), SEPARATORS,
)  # fmt: skip
KINDS = [NULLS, BOOLEANS, INTEGERS.map(same), DOUBLES.map(same), LONG_NUMBERS.map(same), STRINGS, NESTS]
NAMES = (
    st.sampled_from(["", "a", "A", "id", "Id", "ä", "\ufeffid", 'q"', "back\\slash", "nul\0", "a.b", "_extra"]) | TEXTS
)


@st.composite
def datasets(draw: st.DrawFn) -> Parts:
    """Columns of one type each, as APIs have them, until one of them drifts; cut into pages and parts."""
    columns = draw(st.dictionaries(NAMES, st.sampled_from(KINDS), max_size=4))
    records: list[Record] = []
    for _ in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(0, 4))):
            kept = [name for name in columns if draw(st.integers(0, 9))]
            kept = draw(st.permutations(kept)) if draw(st.booleans()) else kept
            records.append({name: draw(NULLS | columns[name]) for name in kept})
        columns = columns | draw(st.dictionaries(NAMES, st.sampled_from(KINDS), max_size=1))
        if draw(st.booleans()) and columns:
            columns[draw(st.sampled_from(list(columns)))] = draw(st.sampled_from(KINDS))
    return [_cut(draw, part) for part in _cut(draw, records)]


def _cut(draw: st.DrawFn, items: list[Any]) -> list[list[Any]]:
    cuts = sorted(draw(st.lists(st.integers(0, len(items)), max_size=3)))
    return [items[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(items)], strict=True)]


def text_of(record: Record, marks: tuple[str, str] = (",", ":")) -> bytes:
    between, colon = marks
    return f"{{{between.join(f'{json.dumps(name)}{colon}{text}' for name, (text, _) in record.items())}}}".encode()


@contextmanager
def landed(
    parts: Parts, name: str, batch: int = 10_000, marks: tuple[str, str] = (",", ":"), **options: Any
) -> Iterator[SimpleNamespace]:
    """The parts as tasks land and publish them: their files in order, their columns and what drifted."""
    run = Run(run_id="0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", source="s", format=name, options=IngestOptions(**options))
    plan: Any = Plan(run_id=run.run_id, source="s", fingerprint="f", format=name, options={}, totals=StoredTotals(),
                ranges=(PageRange(1, 1),), started=datetime.now(UTC).isoformat())  # fmt: skip
    landing = Landing(run=run, folder="s/run", plan=plan)
    with tempfile.TemporaryDirectory() as folder, mock.patch("seawall.formats.batches.BATCH_RECORDS", batch):
        store = LocalStore(Path(folder, "lake"))
        opened: Any = SimpleNamespace(format=registry.build(name, run.format_settings), store=store)
        written, number = [], 0
        for part in parts:
            pages = []
            for records in part:
                number += 1
                texts = [text_of(record, marks) for record in records]
                pages.append(
                    Page(number=number, records=Records(texts), totals=Totals(), body_bytes=1, read_at=float(number))
                )
            staged = write_part(pages, opened.format, Path(folder))
            written.append(upload_part(staged, landing, opened))
        columns = schema.union({column.name: column.type for column in receipt.columns} for receipt in written)
        whole = published_parts(landing, opened, [receipt for receipt in written if receipt.records], columns)
        files = [Path(store.uri(part.key)) for part in whole]
        assert sum(part.records for part in whole) == sum(len(page) for part in parts for page in part)
        yield SimpleNamespace(files=files, columns=columns, drift=drift(written), receipts=written, store=store)


def flat(parts: Parts) -> list[Record]:
    return [record for part in parts for page in part for record in page]


KEYLESS_FIRST: Parts = [[[{}], [{"a": _string("")}, {}]], [[{}], [{"b": ("null", "")}]]]
COMPRESSED = ["none", "gzip", "zstd"]
BATCHES = st.sampled_from([1, 2, 3, 10_000])
A_DRIFT: Parts = [
    [[{"a": same("1")}], [{"a": same("9007199254740993")}]],
    [[{"a": same("0.5")}]],
    [[{"b": same("true")}]],
]


@given(parts=datasets(), batch=BATCHES)
@example(parts=A_DRIFT, batch=1)
@example(parts=[[[{"n": same("1")}, {"n": same("-0")}]]], batch=1)
@example(parts=[[[{}, {}]], [[{}]]], batch=1)
@MANY
def test_csv_holds_what_was_sent_whoever_reads_it(parts: Parts, batch: int) -> None:
    header, *rows = equality.cells(flat(parts))
    with landed(parts, "csv", batch) as dataset:
        tables = {name: list(map(read, dataset.files)) for name, read in equality.CSV_READERS.items()}
        for name, files in tables.items():
            assert [table[0] for table in files] == [header] * len(files), name
            assert [row for table in files for row in table[1:]] == rows, name


@given(
    parts=datasets(),
    batch=BATCHES,
    null=st.sampled_from(["NULL", "", '"', " "]),
    compression=st.sampled_from(COMPRESSED),
)
@example(parts=KEYLESS_FIRST, batch=1, null="NULL", compression="gzip")
@MANY
def test_null_text_is_the_cell_of_every_null_and_of_every_missing_key(
    parts: Parts, batch: int, null: str, compression: str
) -> None:
    records = flat(parts)
    header = equality.names(records) or [""]
    rows = [[_shown(record.get(name, equality.NOTHING), null) for name in header] for record in records]
    with landed(parts, "csv", batch, null_text=null, compression=compression) as dataset:
        tables = list(map(equality.csv_by_python, dataset.files))
        assert [table[0] for table in tables] == [header] * len(tables)
        found = [row for table in tables for row in table[1:]]
        assert found == (rows if header != [""] or any(records) else [[""]] * len(records))


def _shown(value: Value, null: str) -> str:
    return null if value[0] == "null" else value[1]


@given(parts=datasets(), batch=BATCHES, size=st.sampled_from([1_000, 100_000]))
@example(parts=A_DRIFT, batch=1, size=1_000)
@example(parts=[[[{"x": same("0.5")}, {"x": same("0.1000000000000000055")}]]], batch=1, size=1_000)
@example(parts=[[[{}, {}]], [[{}]]], batch=1, size=1_000)
@MANY
def test_parquet_holds_what_was_sent_whoever_reads_it(parts: Parts, batch: int, size: int) -> None:
    records = flat(parts)
    with (
        mock.patch("seawall.formats.parquet.ROW_GROUP_BYTES", 1 if size == 1_000 else 2**27),
        landed(parts, "parquet", batch, row_group_size=size) as dataset,
    ):
        schemas = [pa.parquet.read_schema(path).remove_metadata() for path in dataset.files]
        assert all(each == schemas[0] for each in schemas)
        assert not schemas or schemas[0].names == (equality.names(records) or [""])
        for name, read in equality.PARQUET_READERS.items():
            rows = [row for path in dataset.files for row in read(path)]
            assert equality.table_differences(rows, records) == [], name


@given(parts=datasets(), marks=SEPARATORS)
@MANY
def test_jsonl_holds_the_bytes_that_were_sent(parts: Parts, marks: tuple[str, str]) -> None:
    texts = [text_of(record, marks) for record in flat(parts)]
    with landed(parts, "jsonl", marks=marks) as dataset:
        content = b"".join(path.read_bytes() for path in dataset.files)
        assert content == b"".join(text.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for text in texts)
        wanted = list(map(equality.parsed, texts))
        assert [each for path in dataset.files for each in equality.jsonl_by_python(path)] == wanted
        assert [each for path in dataset.files for each in equality.jsonl_by_duckdb(path)] == wanted


@given(parts=datasets(), marks=SEPARATORS)
@MANY
def test_json_holds_the_bytes_that_were_sent(parts: Parts, marks: tuple[str, str]) -> None:
    texts = [text_of(record, marks) for record in flat(parts)]
    with landed(parts, "json", marks=marks) as dataset:
        wanted = list(map(equality.parsed, texts))
        content = b",\n".join(path.read_bytes()[2:-3] for path in dataset.files)
        assert content == b",\n".join(texts)
        assert [each for path in dataset.files for each in equality.json_by_python(path)] == wanted
        assert [each for path in dataset.files for each in equality.json_by_duckdb(path)] == wanted


TAME = {
    "id": st.integers(-(2**53), 2**53),
    "name": st.text(st.characters(codec="utf-8"), max_size=6).map("t{}".format),
    "ok": st.booleans(),
    "x": st.floats(-1e6, 1e6).map(lambda x: round(x, 3) + 0.5),
}


@given(rows=st.lists(st.fixed_dictionaries(TAME), min_size=1, max_size=8), cut=st.integers(0, 8))
@MANY
def test_jsonl_is_what_pandas_and_pyarrow_read_by_themselves(rows: list[dict[str, Any]], cut: int) -> None:
    records = [{name: same(json.dumps(value)) for name, value in row.items()} for row in rows]
    with landed([[records[:cut]], [records[cut:]]], "jsonl") as dataset:
        read: list[Any] = []
        frames: list[Any] = []
        for path in dataset.files:
            read += pyarrow.json.read_json(path).to_pylist()
            frames += pd.read_json(path, lines=True, precise_float=True, dtype=False).to_dict("records")
        assert read == rows
        assert frames == rows
