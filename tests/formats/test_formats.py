"""Whole runs in every format: what the API sent, over a socket, is what readers find."""

import base64
import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from prefect.client.schemas.objects import State

from seawall.clients.limits import CLAIM_ASKINGS
from seawall.clients.source import ApiSource
from seawall.dev.process import ROOT
from seawall.dev.seaweed import SeaweedFS
from seawall.flows.ingest import ingest
from seawall.formats.parquet import Parquet
from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest, Widening
from seawall.tests.wireserver import Request, WireServer, whole

DOCUMENT = (ROOT / "docs/formats.md").read_text()
LAKE = Path("data")


@contextmanager
def api(*pages: Sequence[bytes], pretty: bool = False, **limits: Any) -> Iterator[WireServer]:
    """A source `s` that serves these records, page by page."""

    def body(number: int) -> bytes:
        told = {"total_pages": len(pages), "total_records": sum(map(len, pages))}
        between = b",\r\n    " if pretty else b","
        return b'{"metadata":%s,"data":[%s]}' % (
            json.dumps(told).encode(),
            between.join(pages[number - 1] if number <= len(pages) else ()),
        )

    def route(request: Request) -> Any:
        return whole(body(request.page))

    with WireServer(route) as server:
        ApiSource(name="s", url=f"{server.url}/s", max_attempts=2, **limits).save("s", overwrite=True)
        yield server


def run(**parameters: Any) -> State[Manifest]:
    return ingest(source="s", **parameters, return_state=True)


def landed(**parameters: Any) -> Manifest:
    manifest = ingest(source="s", **parameters)
    assert isinstance(manifest, Manifest)
    return manifest


def files(manifest: Manifest) -> list[Path]:
    return [LAKE / part.key for part in manifest.parts]


def report() -> str:
    (path,) = LAKE.rglob("_report.md")
    return path.read_text()


pytestmark = pytest.mark.usefixtures("prefect_api", "short_backoffs")

PRETTY = [
    [json.dumps({"id": n, "price": n / 4, "tags": ["a b", {"n": n}]}, indent=2).encode() for n in page]
    for page in ((1, 2), (3,), (4, 5))
]

DRIFTING = [
    [b'{"id":1,"n":7,"s":"x,y"}'],
    [b'{"id":2,"n":8,"s":null}'],
    [b'{"id":3,"n":9,"s":"line\\nbreak","late":true}'],
    [b'{"id":4,"s":"z","n":"nine"}'],
]


def test_jsonl_lands_the_bytes_of_the_api_pretty_printed_ones_on_one_line() -> None:
    plain = [[json.dumps(json.loads(record)).encode() for record in page] for page in PRETTY]
    for pages, pretty in ((plain, False), (PRETTY, True)):
        with api(*pages, pretty=pretty):
            manifest = landed(format="jsonl", options={"pages_per_part": 2})
        sent = [record.replace(b"\n", b" ") for page in pages for record in page]
        assert b"".join(path.read_bytes() for path in files(manifest)) == b"\n".join(sent) + b"\n"
        assert [path.suffix for path in files(manifest)] == [".jsonl"] * 2


def test_json_lands_arrays_of_the_records_as_they_came() -> None:
    with api(*PRETTY, pretty=True):
        manifest = landed(format="json", options={"pages_per_part": 2})
    first, second = (path.read_bytes() for path in files(manifest))
    assert first == b"[\n" + b",\n".join([*PRETTY[0], *PRETTY[1]]) + b"\n]\n"
    assert second == b"[\n" + b",\n".join(PRETTY[2]) + b"\n]\n"


def test_drift_over_four_parts_is_one_schema_that_readers_take_without_options() -> None:
    with api(*DRIFTING):
        manifest = landed(format="parquet", options={"pages_per_part": 1})
    expected = [
        {"id": 1, "n": "7", "s": "x,y", "late": None},
        {"id": 2, "n": "8", "s": None, "late": None},
        {"id": 3, "n": "9", "s": "line\nbreak", "late": True},
        {"id": 4, "n": "nine", "s": "z", "late": None},
    ]
    folder = files(manifest)[0].parent
    dataset = pa.dataset.dataset(folder, format="parquet")
    assert dataset.to_table().sort_by("id").to_pylist() == expected
    rows = duckdb.execute(f"SELECT * FROM '{folder}/*.parquet' ORDER BY id").fetchall()
    assert [dict(zip(("id", "n", "s", "late"), row, strict=True)) for row in rows] == expected
    assert len(list(folder.glob("*.parquet"))) == 4, "the narrow originals are swept"
    assert [(column.name, column.type) for column in manifest.columns] == [
        ("id", "integer"), ("n", "string"), ("s", "string"), ("late", "boolean"),
    ]  # fmt: skip
    assert manifest.widened == (
        Widening(column="late", before="", after="boolean", page=3),
        Widening(column="n", before="integer", after="string", page=4),
    )
    assert "| `late` | new | boolean | 3 |\n| `n` | integer | string | 4 |" in report()


def test_drift_over_four_parts_is_one_csv_of_text() -> None:
    with api(*DRIFTING):
        manifest = landed(format="csv", options={"pages_per_part": 1})
    expected = [("1", "7", "x,y", ""), ("2", "8", "", ""), ("3", "9", "line\nbreak", "true"), ("4", "nine", "z", "")]
    folder = files(manifest)[0].parent
    rows = duckdb.execute(f"SELECT * FROM read_csv('{folder}/*.csv', all_varchar=true) ORDER BY id").fetchall()
    assert [tuple(cell or "" for cell in row) for row in rows] == expected
    text = pa.csv.ConvertOptions(column_types={name: pa.string() for name in ("id", "n", "s", "late")})
    multiline = pa.csv.ParseOptions(newlines_in_values=True)
    format = pa.dataset.CsvFileFormat(parse_options=multiline, convert_options=text)
    table = pa.dataset.dataset(folder, format=format).to_table().sort_by("id")
    assert [tuple(row.values()) for row in table.to_pylist()] == expected


def test_a_drift_inside_a_part_names_its_page() -> None:
    with api(*DRIFTING):
        manifest = landed(format="csv")
    assert [(each.column, each.page) for each in manifest.widened] == [("late", 3), ("n", 4)]


def test_a_crash_in_the_middle_of_publishing_leaves_a_run_that_resumes(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Parquet.widen, []

    def dying(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise MemoryError("the second widened copy")
        return real(*args)

    with api(*DRIFTING) as server:
        monkeypatch.setattr(Parquet, "widen", dying)
        state = run(format="parquet", options={"pages_per_part": 1})
        assert state.is_failed()
        assert "the second widened copy" in str(state.message)
        assert not list(LAKE.rglob("_manifest.json"))
        asked = len(server.requests)
        options = {"pages_per_part": 1}
        manifest = landed(format="parquet", options=options, resume=str(state.state_details.flow_run_id))
        assert len(server.requests) == asked + 1 + CLAIM_ASKINGS, "the first page, and the one behind the last"
    assert manifest.records == 4
    assert pq.read_table([str(path) for path in files(manifest)]).column("n").to_pylist() == ["7", "8", "9", "nine"]
    kept = {path.name for path in files(manifest)[0].parent.iterdir() if not path.name.startswith("_")}
    assert kept == {path.name for path in files(manifest)}


@pytest.mark.parametrize(("compression", "suffix"), [("gzip", ".csv.gz"), ("zstd", ".csv.zst")])
def test_compressed_csv_is_widened_and_read_by_its_suffix(compression: str, suffix: str) -> None:
    with api(*DRIFTING):
        manifest = landed(options={"pages_per_part": 1, "compression": compression})
    assert all(path.name.endswith(suffix) for path in files(manifest))
    paths = list(map(str, files(manifest)))
    rows = duckdb.execute("SELECT id, n, late FROM read_csv($1, all_varchar=true) ORDER BY id", [paths]).fetchall()
    assert rows == [("1", "7", None), ("2", "8", None), ("3", "9", "true"), ("4", "nine", None)]


def test_a_compressed_object_in_a_bucket_is_what_its_suffix_says(bucket: str, seaweed: SeaweedFS) -> None:
    with api(*DRIFTING):
        manifest = landed(storage="s3-bucket/judge", options={"compression": "gzip"})
    found = seaweed.client().get_object(Bucket=bucket, Key=manifest.parts[0].key)
    assert (found["ContentType"], found.get("ContentEncoding")) == ("application/gzip", None)
    assert gzip.decompress(found["Body"].read()).startswith(b"id,n,s,late\r\n1,7,")


def test_pinned_columns_null_text_and_formulas() -> None:
    options = {"columns": ["n", "s"], "null_text": "NULL", "escape_formulas": True, "pages_per_part": 1}
    pages = [[b'{"s":"=1+1","n":-5,"x":1.50}'], [b'{"n":null,"s":"-5"}', b'{"s":""}'], [b'{"n":"@x","s":"+a"}']]
    with api(*pages):
        manifest = landed(options=options)
    assert [path.read_bytes() for path in files(manifest)] == [
        b'n,s,_extra\r\n-5,\'=1+1,"{""x"":1.50}"\r\n',
        b"n,s,_extra\r\nNULL,-5,NULL\r\nNULL,,NULL\r\n",
        b"n,s,_extra\r\n'@x,'+a,NULL\r\n",
    ]
    assert [column.name for column in manifest.columns] == ["n", "s", "_extra"]


WIDE = [[b'{"id":%d,"k%d":1,"l%d":2}' % (n, n, n) for n in (page * 2, page * 2 + 1)] for page in range(4)]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_parts_with_too_many_columns_together_are_not_published_until_more_are_allowed(format: str) -> None:
    with api(*WIDE):
        options = {"pages_per_part": 1, "parallel_parts": 1, "max_columns": 10}
        state = run(format=format, options=options)
        assert "the parts have 13 columns together, max_columns is 10: go on with a larger one" in str(state.message)
        assert not list(LAKE.rglob("_manifest.json"))
        assert len(list(LAKE.rglob(f"*.{format}"))) == 3, "no more are landed"
        again = {"resume": str(state.state_details.flow_run_id), "options": options | {"max_columns": 17}}
        manifest = landed(format=format, **again)
    assert (manifest.verdict, manifest.records, len(manifest.columns)) == ("complete", 8, 17)


def test_a_page_with_too_many_columns_is_named_and_pinned_columns_or_lines_land_it() -> None:
    with api(*WIDE):
        message = str(run(options={"max_columns": 10}).message)
        assert "page 3, key 'l4': more than 10 columns, which is max_columns" in message
        assert "name those to keep in the option columns" in message
        pinned = landed(options={"max_columns": 1, "columns": ["id"]})
        assert [column.name for column in pinned.columns] == ["id", "_extra"]
        assert landed(format="jsonl").records == pinned.records == 8


def test_a_run_is_not_resumed_with_other_columns() -> None:
    with api([b"{}"], [b"[]"]):
        run_id = str(run(options={"columns": ["a"]}).state_details.flow_run_id)
        state = run(options={"columns": ["b"]}, resume=run_id)
    assert "options.columns (['a'] then, ['b'] now)" in str(state.message)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"format": "xlsx"}, "unknown format 'xlsx'; choose one of: csv, jsonl, json, parquet"),
        ({"format": "parquet", "options": {"compression": "gzip"}}, "takes no compression 'gzip'; choose one of: none"),
        ({"options": {"compression": "lzma"}}, "Input should be 'none', 'gzip' or 'zstd'"),
        ({"format": "jsonl", "options": {"columns": ["a"]}}, "does not take 'columns'"),
        ({"options": {"columns": ["a", "a"]}}, "column 'a' is named twice"),
        ({"options": {"columns": ["_extra"]}}, "column '_extra' is named twice"),
        ({"options": {"columns": []}}, "at least 1 item"),
    ],
)
def test_what_a_format_does_not_take_is_refused_before_any_request(parameters: dict[str, Any], told: str) -> None:
    with api([b"{}"]) as server:
        state = run(**parameters)
        assert told in str(state.message)
        assert server.requests == []


BAD = [[b'{"a":1}', b'{"a":"\\ud800"}'], [b"null", b'{"a":2}'], [b'{"a":"%s"}' % (b"x" * 200), b'{"a":3}']]


def set_aside() -> list[dict[str, Any]]:
    lines = (line for path in sorted(LAKE.rglob("_rejected/*.jsonl")) for line in path.read_text().splitlines())
    return list(map(json.loads, lines))


def test_records_that_no_format_can_hold_are_set_aside_and_counted() -> None:
    with api(*BAD, max_record_bytes=100):
        state = run(options={"max_rejected_records": 3, "pages_per_part": 2})
    manifest = state.result()
    assert (state.name, manifest.verdict, manifest.records, manifest.rejected) == ("Completed", "complete", 3, 3)
    assert manifest.figures == "3 of 6 advertised records, 3 set aside"
    assert b"".join(path.read_bytes() for path in files(manifest)) == b'"a"\r\n"1"\r\n"2"\r\n"a"\r\n"3"\r\n'
    assert [(line["page"], line["position"], line["reason"]) for line in set_aside()] == [
        (1, 2, "holds a lone surrogate"),
        (2, 1, "not a JSON object"),
        (3, 1, "larger than 100 bytes (max_record_bytes)"),
    ]
    assert [base64.b64decode(line["record"]) for line in set_aside()] == [BAD[0][1], BAD[1][0], BAD[2][0]]
    assert {LAKE / key for key in manifest.rejected_keys} == set(LAKE.rglob("_rejected/*.jsonl"))
    assert "| Records Rejected | 3, set aside in `_rejected/` |" in report()


def test_too_many_rejected_records_fail_the_run_which_a_larger_limit_resumes_without_doubling_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with api(*BAD, max_record_bytes=100) as server:
        state = run(options={"max_rejected_records": 1, "pages_per_part": 3})
        assert state.is_failed()
        assert "page 2, record 1: not a JSON object: null; 2 rejected records, max_rejected_records is 1" in str(
            state.message
        )
        assert not list(LAKE.rglob("_manifest.json"))
        assert [line["page"] for line in set_aside()] == [1]
        server.requests.clear()
        real = LocalStore.put_new
        monkeypatch.setattr(LocalStore, "put_new", _dies_at_receipts)
        again = {
            "options": {"max_rejected_records": 9, "pages_per_part": 3},
            "resume": str(state.state_details.flow_run_id),
        }
        assert "no receipt today" in str(run(**again).message), "set aside, and no receipt that counts it"
        monkeypatch.setattr(LocalStore, "put_new", real)
        manifest = landed(**again)
        assert server.asked()[1] == 1, "once, for the verdict"
    assert (manifest.records, manifest.rejected) == (3, 3)
    assert [line["page"] for line in set_aside()] == [1, 2, 3]


def _dies_at_receipts(store: LocalStore, key: str, content: bytes) -> None:
    raise OSError("no receipt today")


def test_rejected_records_of_many_parts_count_together() -> None:
    with api(*BAD, max_record_bytes=100):
        state = run(options={"max_rejected_records": 2, "pages_per_part": 1, "parallel_parts": 1})
    assert "3 rejected records, max_rejected_records is 2" in str(state.message)
    assert not list(LAKE.rglob("_manifest.json"))


def test_the_sweep_removes_rejected_records_that_no_receipt_counts() -> None:
    with api(*BAD, max_record_bytes=100):
        state = run(options={"max_rejected_records": 1, "pages_per_part": 3})
        (known,) = LAKE.rglob("_rejected/*.jsonl")
        orphan = known.with_name("00000002-deadbeef.jsonl")
        orphan.write_text("left by a process that died before its receipt")
        options = {"max_rejected_records": 9, "pages_per_part": 3}
        landed(options=options, resume=str(state.state_details.flow_run_id))
    assert known.exists()
    assert not orphan.exists()


def examples(language: str) -> list[str]:
    return re.findall(
        rf"<!-- executed by tests/formats/test_formats.py -->\n```{language}\n(.*?)```", DOCUMENT, re.DOTALL
    )


def test_the_sql_of_the_document_reads_a_dataset() -> None:
    with api(*DRIFTING):
        manifest = landed(format="parquet", options={"pages_per_part": 1})
    parquet, _ = examples("sql")
    *_, last = rows_of(parquet, manifest)
    assert last[0] == 4


def rows_of(sql: str, manifest: Manifest) -> list[tuple[Any, ...]]:
    """What DuckDB finds with SQL of the document."""
    sql = sql.replace("data/customers/RUN/_manifest.json", manifest.location)
    return duckdb.connect().execute(sql).fetchall()


AWKWARD = [
    'say "hi"',
    "a,b",
    "a\r\nb",
    "a\rb",
    "a\nb",
    "\\",
    '\\"x\\',
    "#",
    "'",
    " ",
    "",
    '{"k":1,"l":"x"}',
    "é\0\u2028",
]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("names", [("t",), ("t", "u")])
def test_the_sql_of_the_document_reads_csv_whose_first_quote_comes_after_30000_rows(
    compression: str, names: tuple[str, ...]
) -> None:
    texts = ["plain"] * 30_000 + AWKWARD
    records = [json.dumps(dict.fromkeys(names, text)).encode() for text in texts]
    with api(*(records[begin : begin + 5_000] for begin in range(0, len(records), 5_000))):
        manifest = landed(options={"pages_per_part": 5, "compression": compression})
    assert len(manifest.parts) == 2
    setup, csv = examples("sql")
    begin, _ = setup.split("SELECT * FROM read_parquet")
    assert rows_of(begin + csv, manifest) == [(text or None,) * len(names) for text in texts]


@pytest.fixture(scope="module")
def plug_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The format of the document, installed by pip as a distribution of its own."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (code,), (project,) = examples("python"), examples("toml")
    assert len(code.splitlines()) <= 40
    (source / "seawall_json_sequence.py").write_text(code)
    (source / "pyproject.toml").write_text(project)
    command = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target"]
    quiet = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([sys.executable, *command, str(target), str(source)], check=True, env=quiet)
    return target


def test_the_format_of_the_document_is_installed_and_used_by_its_name(
    plug_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api(*PRETTY):
        refused = run(format="json-seq")
        assert "unknown format 'json-seq'" in str(refused.message)
        monkeypatch.syspath_prepend(plug_in)
        manifest = landed(format="json-seq", options={"pages_per_part": 2})
    content = b"".join(path.read_bytes() for path in files(manifest))
    assert content == b"".join(b"\x1e%s\n" % record for page in PRETTY for record in page)
    assert all(path.suffix == ".json-seq" for path in files(manifest))
