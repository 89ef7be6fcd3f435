"""The plan: the first object of a landing, found again by its full run id."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.storage import documents
from seawall.storage.documents import Totals
from seawall.storage.errors import CorruptObjectError, ObjectExistsError
from seawall.storage.local import LocalStore
from seawall.storage.plan import Plan, check_same, locate_plan, write_plan
from seawall.storage.ranges import PageRange

RUN_ID = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
SAME_TAIL = "ffffffff-0000-4000-8000-ffff2e3f4a5b"
PARENT = "raw/customers"
FOLDER = f"{PARENT}/20260304T050607Z-2e3f4a5b"
OPTIONS: dict[str, Any] = {"page_size": 1000, "pages": None, "compression": "none", "parallel_parts": 2}


def _plan(**changes: Any) -> Plan:
    whole = Plan(
        run_id=RUN_ID, source="customers", fingerprint="f" * 64, format="csv", options=OPTIONS,
        totals=Totals(pages=100, records=100_000), ranges=(PageRange(1, 50), PageRange(51, 100)),
        started="2026-03-04T05:06:07+00:00",
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_a_plan_is_found_by_its_run_id(store: LocalStore) -> None:
    write_plan(store, FOLDER, _plan())
    assert locate_plan(store, PARENT, RUN_ID) == (FOLDER, _plan())


def test_nothing_is_found_where_nothing_was_planned(store: LocalStore) -> None:
    assert locate_plan(store, PARENT, RUN_ID) is None
    store.put(f"{FOLDER}/_receipts/00000001.json", b"{}", content_type="application/json")
    assert locate_plan(store, PARENT, RUN_ID) is None


def test_a_plan_whose_run_id_only_ends_alike_is_another_runs(store: LocalStore) -> None:
    write_plan(store, FOLDER, _plan(run_id=SAME_TAIL))
    assert locate_plan(store, PARENT, RUN_ID) is None
    mine = f"{PARENT}/20270101T000000Z-2e3f4a5b"
    write_plan(store, mine, _plan())
    assert locate_plan(store, PARENT, RUN_ID) == (mine, _plan())
    assert locate_plan(store, PARENT, SAME_TAIL) == (FOLDER, _plan(run_id=SAME_TAIL))


def test_another_source_with_a_run_of_the_same_id_is_not_looked_at(store: LocalStore) -> None:
    write_plan(store, FOLDER, _plan())
    assert locate_plan(store, "raw/customer", RUN_ID) is None
    assert locate_plan(store, "raw", RUN_ID) is None


def test_a_corrupt_plan_of_another_run_does_not_matter(store: LocalStore) -> None:
    store.put(f"{PARENT}/20260101T000000Z-00000000/_plan.json", b"junk", content_type="application/json")
    write_plan(store, FOLDER, _plan())
    assert locate_plan(store, PARENT, RUN_ID) == (FOLDER, _plan())


@pytest.mark.parametrize("content", [b"", b"{", b'{"seawall": 2}', b'{"seawall": 1}', b"[]"])
def test_a_corrupt_plan_that_could_be_the_runs_is_refused_by_name(store: LocalStore, content: bytes) -> None:
    store.put(f"{FOLDER}/_plan.json", content, content_type="application/json")
    with pytest.raises(CorruptObjectError, match=r"2e3f4a5b/_plan\.json"):
        locate_plan(store, PARENT, RUN_ID)


def test_a_plan_is_written_once(store: LocalStore) -> None:
    write_plan(store, FOLDER, _plan())
    write_plan(store, FOLDER, _plan())  # a repeat after a lost answer
    with pytest.raises(ObjectExistsError):
        write_plan(store, FOLDER, _plan(started="2026-03-04T05:06:08+00:00"))
    assert documents.read(store, f"{FOLDER}/_plan.json", Plan) == _plan()


def test_the_last_planned_page_is_that_of_all_ranges() -> None:
    assert _plan().last_page == 100


@pytest.mark.parametrize("ranges", [[], [[51, 100], [1, 50]], [[1, 50], [52, 100]], [[9, 1]], [[-1, 3]]])
def test_ranges_that_make_no_sense_are_refused(store: LocalStore, ranges: list[list[int]]) -> None:
    told = [{"first": first, "last": last} for first, last in ranges]
    foreign = json.loads(documents.encoded(_plan())) | {"ranges": told}
    store.put(f"{FOLDER}/_plan.json", json.dumps(foreign).encode(), content_type="application/json")
    with pytest.raises(CorruptObjectError, match=r"_plan\.json is not one of our documents"):
        locate_plan(store, PARENT, RUN_ID)


def test_a_document_without_a_version_is_not_ours(store: LocalStore) -> None:
    foreign = json.loads(documents.encoded(_plan()))
    del foreign["seawall"]
    store.put(f"{FOLDER}/_plan.json", json.dumps(foreign).encode(), content_type="application/json")
    with pytest.raises(CorruptObjectError, match="is of no version, we read 1"):
        locate_plan(store, PARENT, RUN_ID)


def _now(**changes: Any) -> dict[str, Any]:
    return {"where": "s3://raw/run", "fingerprint": "f" * 64, "format": "csv", "options": OPTIONS} | changes


def test_a_run_that_did_not_change_goes_on() -> None:
    check_same(_plan(), **_now())


@pytest.mark.parametrize("option", ["parallel_parts", "max_in_flight", "strict", "max_failed_pages"])
def test_an_option_that_does_not_shape_the_data_may_change(option: str) -> None:
    check_same(_plan(), **_now(options=OPTIONS | {option: 7}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fingerprint": "0" * 64}, "the source"),
        ({"format": "jsonl"}, "format ('csv' then, 'jsonl' now)"),
        ({"options": OPTIONS | {"page_size": 10}}, "options.page_size (1000 then, 10 now)"),
        ({"options": OPTIONS | {"pages": "1-5"}}, "options.pages (None then, '1-5' now)"),
        ({"options": OPTIONS | {"compression": "gzip"}}, "options.compression ('none' then, 'gzip' now)"),
    ],
)
def test_a_change_that_shapes_the_data_is_refused_and_named(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(CorruptObjectError) as caught:
        check_same(_plan(), **_now(**changes))
    assert told in str(caught.value)
    assert "s3://raw/run" in str(caught.value)


def test_everything_that_changed_is_named_at_once() -> None:
    options = {"page_size": 10, "pages": "2-3", "compression": "gzip"}
    with pytest.raises(CorruptObjectError) as caught:
        check_same(_plan(), **_now(fingerprint="0", format="jsonl", options=options))
    for told in ("the source", "format", "options.page_size", "options.pages", "options.compression"):
        assert told in str(caught.value)
