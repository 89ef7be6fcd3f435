"""Files as DataFrames and back, in each format, checked by readers that are not ours."""

import csv
import gzip
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seawall.dev.process import ROOT
from seawall.formats import frames
from seawall.formats.writer import FormatError

BIG = 2**80
RECORDS: list[dict[str, Any]] = [
    {"id": 1, "name": 'Zoë, "quoted"\r\nline', "big": BIG, "ok": True, "rate": 0.1, "tags": ["a", {"b": None}]},
    {"id": None, "name": "", "big": 2, "ok": None, "rate": 7, "tags": None, "late": "x"},
    {"id": 2**53 + 1, "name": "null", "big": 3, "ok": False, "rate": None, "tags": {}},
]
COLUMNS = {
    "id": "integer", "name": "string", "big": "integer", "ok": "boolean", "rate": "number", "tags": "array",
    "late": "string",
}  # fmt: skip


def lines(path: Path) -> Path:
    path.write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in RECORDS))
    return path


def array(path: Path) -> Path:
    path.write_text(json.dumps(RECORDS, indent=1))
    return path


def read(format: str, path: Path, columns: dict[str, str] | None = None, records: int = 1_000) -> Any:
    found = list(frames.find(format).read(path, columns or {}, records))
    return pd.concat(found, ignore_index=True)


def listed(frame: Any) -> list[dict[str, Any]]:
    """The rows, without what is missing."""
    rows = frame.astype("object").to_dict("records")
    return [{name: value for name, value in row.items() if not (value is None or value is pd.NA)} for row in rows]


def given() -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if value is not None} for record in RECORDS]


@pytest.mark.parametrize("format", ["jsonl", "json"])
@pytest.mark.parametrize("records", [1, 2, 1_000])
def test_json_keeps_every_value_and_the_types_of_the_dataset(tmp_path: Path, format: str, records: int) -> None:
    path = {"jsonl": lines, "json": array}[format](tmp_path / f"part.{format}")
    frame = read(format, path, COLUMNS, records)
    assert listed(frame) == given()
    assert list(frame) == list(COLUMNS)
    dtypes = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert dtypes == {
        "id": "Int64", "name": "string", "big": "object", "ok": "boolean", "rate": "Float64", "tags": "object",
        "late": "string",
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst"])
def test_a_compressed_file_is_read_by_its_name(tmp_path: Path, suffix: str) -> None:
    content = lines(tmp_path / "plain").read_bytes()
    path = tmp_path / f"part.{suffix}"
    with pa.output_stream(str(path), compression="detect") as file:
        file.write(content)
    assert listed(read("jsonl", path)) == given()


def test_csv_is_text_cell_by_cell(tmp_path: Path) -> None:
    rows = [["", "a", "A", "\ufeffb"], ["007", "", "NA", "1.10"], ["x\r\ny", 'say "hi"', " ", "tru\0e"]]
    path = tmp_path / "part.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\r\n").writerows(rows)
    frame = read("csv", path, records=1)
    assert [list(frame), *frame.to_numpy().tolist()] == rows
    assert {str(dtype) for dtype in frame.dtypes} == {"string"}
    zipped = tmp_path / "part.csv.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert read("csv", zipped).equals(frame)


@pytest.mark.parametrize(("content", "rows"), [("", 0), ("a,b\r\n", 0), ('""\r\n""\r\n""\r\n', 2)])
def test_csv_without_cells_has_the_rows_that_it_has(tmp_path: Path, content: str, rows: int) -> None:
    path = tmp_path / "part.csv"
    path.write_bytes(content.encode())
    assert len(read("csv", path)) == rows


def test_parquet_keeps_its_types_and_integers_stay_integers_beside_nulls(tmp_path: Path) -> None:
    times = pd.to_datetime(["2026-01-01", None])
    table = pa.table({
        "id": pa.array([2**53 + 1, None]), "rate": [0.1, None], "ok": [True, None], "name": ["null", None],
        "exact": pa.array([Decimal("1.10"), None]), "at": pa.array(times),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "part.parquet")
    frame = read("parquet", tmp_path / "part.parquet", records=1)
    assert listed(frame)[0] == dict(
        zip(table.column_names, [2**53 + 1, 0.1, True, "null", Decimal("1.10"), times[0]], strict=True)
    )
    assert frame.iloc[1].isna().all()
    assert [str(dtype) for dtype in frame.dtypes][:4] == ["Int64", "Float64", "boolean", "string"]


def test_an_empty_parquet_file_is_a_frame_with_its_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "part.parquet")
    frame = read("parquet", tmp_path / "part.parquet")
    assert (len(frame), dict(frame.dtypes.astype(str))) == (0, {"a": "Int64"})


@pytest.mark.parametrize("format", ["jsonl", "json"])
def test_what_json_is_written_is_read_again_value_for_value(tmp_path: Path, format: str) -> None:
    frame = read("json", array(tmp_path / "source"), COLUMNS)
    path = tmp_path / f"copy.{format}"
    frames.find(format).write(frame, path)
    text = path.read_text()
    plain = json.loads(text) if format == "json" else [json.loads(line) for line in text.splitlines()]
    assert [{name: value for name, value in row.items() if value is not None} for row in plain] == given()
    assert read(format, path, COLUMNS).equals(frame)


def test_csv_is_written_as_the_format_has_it(tmp_path: Path) -> None:
    frames.find("csv").write(read("json", array(tmp_path / "source"), COLUMNS), tmp_path / "copy.csv")
    with (tmp_path / "copy.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["ok"] for row in rows] == ["true", "", "false"]
    assert [row["big"] for row in rows] == [str(BIG), "2", "3"]
    assert [row["tags"] for row in rows] == ['["a",{"b":null}]', "", "{}"]
    assert rows[0]["name"] == RECORDS[0]["name"]


def test_parquet_is_written_typed_and_what_has_no_type_as_json_text(tmp_path: Path) -> None:
    frame = read("json", array(tmp_path / "source"), COLUMNS).assign(at=pd.to_datetime(["2026-01-01"] * 3))
    frame["mixed"] = pd.Series([1, "null", None], dtype="object")
    frames.find("parquet").write(frame, tmp_path / "copy.parquet")
    table = pq.read_table(tmp_path / "copy.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["id"], types["ok"], types["rate"]) == ("int64", "bool", "double")
    assert types["at"].startswith("timestamp")
    assert table["tags"].to_pylist() == ['["a",{"b":null}]', None, "{}"]
    assert table["mixed"].to_pylist() == ["1", "null", None]
    assert table["big"].to_pylist() == [str(BIG), "2", "3"]
    again = read("parquet", tmp_path / "copy.parquet")
    assert again["id"].equals(frame["id"])


def test_a_frame_without_columns_keeps_its_rows_where_the_format_can(tmp_path: Path) -> None:
    bare = pd.DataFrame(index=pd.RangeIndex(2))
    for format in ("jsonl", "json"):
        path = tmp_path / f"bare.{format}"
        frames.find(format).write(bare, path)
        assert len(read(format, path)) == 2


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.DataFrame({1: [1]}), "as text"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "names of their own"),
        (pd.DataFrame({"a": [1]}, index=["x"]), "reset_index"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([1], name="id")), "reset_index"),
    ],
)
def test_a_frame_of_which_a_file_would_lose_something_is_refused(frame: Any, told: str) -> None:
    with pytest.raises(FormatError, match=told):
        frames.check(frame)


def test_row_numbers_that_a_filter_left_are_no_index_to_keep() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]})
    frames.check(frame[frame["a"] > 1])


@pytest.mark.parametrize(
    ("name", "format"),
    [("a/b.csv", "csv"), ("x.jsonl.gz", "jsonl"), ("x.json.zst", "json"), ("v1.2.parquet", "parquet")],
)
def test_the_end_of_a_name_tells_the_format(name: str, format: str) -> None:
    assert frames.format_of(name) == format


@pytest.mark.parametrize("name", ["scores", "scores.xlsx", "csv", "a.csv/b"])
def test_a_name_that_tells_no_format_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(FormatError, match=r"\.csv, \.jsonl, \.json, \.parquet"):
        frames.format_of(name)
    with pytest.raises(FormatError, match="choose one of: csv, jsonl, json, parquet"):
        frames.find("xlsx")


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of docs/formats.md with its format and its DataFrames, and their entry point."""
    document = Path(ROOT, "docs/formats.md").read_text()
    codes = re.findall(r"<!-- executed by tests/formats/test_f\w+.py -->\n```python\n(.*?)```", document, re.DOTALL)
    assert len(codes) == 2
    (tmp_path / "json_sequence.py").write_text("\n\n".join(codes))
    info = tmp_path / "json_sequence-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: json-sequence\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[seawall.formats]\njson-seq = json_sequence:JsonSequence\nbare = json_sequence:JsonSequenceWriter\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_format_of_the_document_has_dataframes_too(plug_in: Path) -> None:
    frame = read("json", array(plug_in / "source"), COLUMNS)
    assert frames.format_of("scores.json-seq") == "json-seq"
    frames.find("json-seq").write(frame, plug_in / "copy.json-seq")
    assert (plug_in / "copy.json-seq").read_bytes().count(b"\x1e{") == len(RECORDS)
    assert read("json-seq", plug_in / "copy.json-seq", COLUMNS, 1).equals(read("json", plug_in / "source", COLUMNS, 1))


@pytest.mark.usefixtures("plug_in")
def test_a_plug_in_without_dataframes_says_so() -> None:
    with pytest.raises(FormatError, match="format 'bare' has no DataFrames; formats that have them: csv, jsonl"):
        frames.find("bare")
