"""The judge: a dataset as a reader finds it by its manifest, compared with its source; and what is left behind."""

import base64
import csv
import hashlib
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from seawall.tests.kills.places import Place
from seawall.tests.kills.stock import SIZE, Stock

Manifest = dict[str, Any]

_INNER: Final = ("_rejected", "_keys", "_widened", "_preflight", ".seawall-")
LEFTOVERS: Final = ("objects", "uploads", *_INNER, "staging", "no report")
_CONTRACT: Final = re.compile(r"_plan\.json|_manifest(\.\d+)?\.json|_report\.md|_receipts/\d{8}(\.\d+)?\.json")


def manifests_in(place: Place) -> list[Manifest]:
    """The manifests of the only landing of a place, the first generation first."""
    keys = [key for key in place.names() if re.search(r"/_manifest(\.\d+)?\.json$", key)]
    return sorted((json.loads(place.get(key)) for key in keys), key=lambda manifest: manifest["generation"])


def plan_in(place: Place) -> str | None:
    """The run id that is planned in a place, if any is."""
    keys = [key for key in place.names() if key.endswith("/_plan.json")]
    assert len(keys) <= 1, f"planned twice: {keys}"
    return str(json.loads(place.get(keys[0]))["run_id"]) if keys else None


def compare(place: Place, manifest: Manifest, stock: Stock) -> Counter[str]:
    """How many records are `lost`, come `doubled` or `changed`, and how many objects are not what was published.

    A manifest with gaps is compared with what is on the other pages.
    """
    missing = {page["page"] for page in manifest["failed_pages"]}
    truth = [record for at, record in enumerate(stock.truth) if at // SIZE + stock.first_page not in missing]
    found: Counter[str] = Counter()
    rows: list[tuple[str, ...]] = []
    names = [column["name"] for column in manifest["columns"]]
    for part in manifest["parts"]:
        try:
            content = place.get(part["key"])
        except Exception:  # noqa: BLE001  # whatever the store says of an object that is gone
            found["objects gone"] += 1
            continue
        found["objects changed"] += hashlib.sha256(content).hexdigest() != part["sha256"]
        rows += [_row(record, names) for record in _records(content, manifest["format"])]
    wanted = [_row(record, names) for record in truth if isinstance(record, dict)]
    rejected = {str(record).encode() for record in truth if not isinstance(record, dict)}
    return found + _differences(rows, wanted) + _rejected(place, manifest, rejected)


def _row(record: dict[str, Any], names: list[str]) -> tuple[str, ...]:
    return tuple(_text_of(record.get(name)) for name in names)


def _text_of(value: Any) -> str:
    """A value in a cell, as docs/formats.md has it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _differences(rows: list[tuple[str, ...]], truth: list[tuple[str, ...]]) -> Counter[str]:
    """Records compared by their first column, the id, then by all others, then by their order."""
    ids, wanted = Counter(row[0] for row in rows), {row[0] for row in truth}
    found = Counter(lost=len(wanted - ids.keys()), doubled=ids.total() - len(ids))
    found["changed"] = len(set(rows) - set(truth))
    found["out of order"] = not +found and rows != truth
    return +found


def _rejected(place: Place, manifest: Manifest, wanted: set[bytes]) -> Counter[str]:
    lines = [line for key in manifest["rejected_keys"] for line in place.get(key).splitlines()]
    landed = Counter(base64.b64decode(json.loads(line)["record"]) for line in lines)
    return +Counter(lost=len(wanted - landed.keys()), doubled=landed.total() - len(landed))


def _records(content: bytes, format: str) -> list[dict[str, Any]]:
    match format:
        case "csv":
            return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
        case "jsonl":
            return [json.loads(line) for line in content.splitlines()]
        case "json":
            return list(json.loads(content))
    return list(pq.read_table(io.BytesIO(content)).to_pylist())


def left_behind(place: Place, staging: Path) -> Counter[str]:
    """What neither a manifest nor the contract names, by its sort; for a dataset that may be filled, receipts count."""
    manifests = manifests_in(place)
    named = {part["key"] for manifest in manifests for part in manifest["parts"]}
    named |= {key for manifest in manifests for key in manifest["rejected_keys"]}
    is_fillable = bool(manifests) and manifests[-1]["verdict"] in ("gaps", "short")
    named |= {key for receipt in _receipts(place) for key in (receipt["key"], receipt["rejected_key"]) if is_fillable}
    left = Counter(_sort_of(key) for key in place.names() if key not in named)
    if is_fillable:
        del left["_keys"], left["_widened"]
    left["staging"] = sum(path.name.startswith("seawall-") for path in staging.iterdir())
    for key in place.uploads():
        left["_preflight" if "/_preflight" in key else "uploads"] += 1
    left["no report"] = bool(manifests) and not any(key.endswith("/_report.md") for key in place.names())
    del left["contract"]
    return +left


def _receipts(place: Place) -> list[Manifest]:
    return [json.loads(place.get(key)) for key in place.names() if re.search(r"/_receipts/\d", key)]


def _sort_of(key: str) -> str:
    for sort in _INNER:
        if f"/{sort}" in f"/{key}":
            return sort
    folder_and_name = key.split("/", 3)
    return "contract" if _CONTRACT.fullmatch(folder_and_name[-1]) else "objects"
