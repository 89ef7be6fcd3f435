"""Whole walks over bodies that are no JSON list of objects in UTF-8, as flows, on a socket: all records, once."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seawall.clients.source import ApiSource
from seawall.flows.ingest import ingest
from seawall.flows.probe import probe
from seawall.storage.manifest import Manifest
from seawall.tasks.options import IngestOptions
from seawall.tests.wireserver import Answer, Request, WireServer, whole

pytestmark = [pytest.mark.walks, pytest.mark.usefixtures("prefect_api", "short_backoffs")]

TOTAL, SIZE = 32, 5


def lines(numbers: range) -> bytes:
    return b"".join(b'{"id": %d, "name": "n, \\u00fc"}\n' % number for number in numbers)


def rows(numbers: range) -> bytes:
    return b"id,name\r\n" + b"".join(b'%d,"n, \xc3\xbc"\r\n' % number for number in numbers)


def by_id(numbers: range) -> bytes:
    return json.dumps({"data": {str(number): {"name": "n, ü"} for number in numbers}}).encode()


def one_or_many(numbers: range) -> bytes:
    records = [{"id": number, "name": "n, ü"} for number in numbers]
    return json.dumps({"data": records if len(records) != 1 else records[0]}).encode()


def in_latin_1(numbers: range) -> bytes:
    records = [{"id": number, "name": "n, ü"} for number in numbers]
    return json.dumps({"data": records}, ensure_ascii=False).encode("latin-1")


BODIES: dict[str, tuple[Callable[[range], bytes], dict[str, str], dict[str, str]]] = {
    "lines": (lines, {"decode": "jsonl"}, {}),
    "lines by their Content-Type": (lines, {"records_path": ""}, {"content_type": "application/x-ndjson"}),
    "rows": (rows, {"decode": "csv"}, {"content_type": "text/csv"}),
    "rows in gzip": (lambda numbers: gzip.compress(rows(numbers)), {"decode": "csv"}, {}),
    "records by id": (by_id, {"records_as": "by_id"}, {}),
    "a single record": (one_or_many, {"records_as": "one"}, {}),
    "Latin-1": (in_latin_1, {}, {"content_type": "application/json; charset=ISO-8859-1"}),
}
PAGINATIONS = {
    "offset": {"kind": "offset", "total_records_path": "header:X-Total"},
    "cursor": {"kind": "cursor", "cursor_param": "offset", "next_path": "header:X-Next", "missing_next_ends": True},
}


def served_as(body: Callable[[range], bytes], **headers: str) -> Callable[[Request], Answer]:
    def route(request: Request) -> Answer:
        begin = int(request.query.get("offset", "0"))
        end = min(begin + int(request.query.get("limit", SIZE)), TOTAL)
        following = {"x_next": end} if end < TOTAL else {}
        return whole(body(range(begin, max(end, begin))), x_total=TOTAL, **following, **headers)

    return route


def saved(server: WireServer, **fields: Any) -> None:
    settings = {"name": "items", "url": f"{server.url}/items", "page_size": SIZE, "max_attempts": 3}
    ApiSource(**settings | fields).save("items", overwrite=True)


def landed(manifest: Manifest) -> list[dict[str, Any]]:
    texts = [Path("data", part.key).read_text() for part in manifest.parts]
    return [json.loads(line) for text in texts for line in text.splitlines()]


@pytest.mark.parametrize("kind", PAGINATIONS)
@pytest.mark.parametrize(("body", "fields", "headers"), BODIES.values(), ids=BODIES.keys())
def test_every_record_lands_once_and_in_order(
    body: Callable[[range], bytes],
    fields: dict[str, str],
    headers: dict[str, str],
    kind: str,
    served: Callable[..., WireServer],
) -> None:
    saved(served(served_as(body, **headers)), pagination=PAGINATIONS[kind], **fields)
    manifest = ingest(source="items", format="jsonl", options=IngestOptions(pages_per_part=3))
    records = landed(manifest)
    assert [int(record.get("id", record.get("_key", -1))) for record in records] == list(range(TOTAL))
    assert {record["name"] for record in records} == {"n, ü"}
    assert manifest.verdict == "complete"


@pytest.mark.parametrize("kind", PAGINATIONS)
@pytest.mark.parametrize("name", ["lines", "rows", "records by id"])
def test_a_probe_reads_them_as_the_source_says(name: str, kind: str, served: Callable[..., WireServer]) -> None:
    body, fields, headers = BODIES[name]
    saved(served(served_as(body, **headers)), pagination=PAGINATIONS[kind], **fields)
    findings = probe("items")
    assert (findings.works_as_saved, findings.records) == (True, TOTAL if kind == "offset" else None)
    assert findings.records_path == ("data" if name == "records by id" else "")
