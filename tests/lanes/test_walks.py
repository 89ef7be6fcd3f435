"""Whole walks through every kind of pagination, as flows, on a socket: all records, once, and resumable."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State

from seawall.clients.source import ApiSource
from seawall.flows.ingest import ingest
from seawall.storage.errors import UploadError
from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest
from seawall.tasks.publishing.sweep import sweep
from seawall.tests.events import payloads
from seawall.tests.shelf import BY_KEY, EVERY, TOKENS, Shelf
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, whole

pytestmark = [pytest.mark.walks, pytest.mark.usefixtures("prefect_api", "short_backoffs")]


def saved(server: WireServer, pagination: dict[str, Any], **changes: Any) -> str:
    settings = {"name": "items", "url": f"{server.url}/items", "page_size": 5, "max_attempts": 3}
    ApiSource(**settings | {"pagination": pagination} | changes).save("items", overwrite=True)
    return "items"


def run(**parameters: Any) -> State[Manifest]:
    return ingest(source="items", **parameters, return_state=True)


def rows_of(text: str) -> list[int]:
    return [int(cell.strip('"')) for cell in text.split()[1:]]


def landed(manifest: Manifest) -> list[int]:
    return [number for part in manifest.parts for number in rows_of(Path("data", part.key).read_text())]


@pytest.mark.parametrize(
    ("kind", "total"), [*((kind, 64) for kind in EVERY), ("pages", 0), ("offset until empty", 0), ("cursor", 0)]
)
def test_every_kind_lands_every_record_once_and_in_order(
    kind: str, total: int, served: Callable[..., WireServer]
) -> None:
    shelf = Shelf(kind, total)
    saved(served(shelf.route), shelf.pagination)
    state = run(options={"pages_per_part": 3})
    manifest = state.result()
    assert (landed(manifest), manifest.verdict, state.name) == (list(range(total)), "complete", "Completed")
    assert manifest.pages.last - manifest.pages.first + 1 in (max(-(-total // 5), 1), max(-(-total // 5), 1) + 1)


@pytest.mark.parametrize("kind", EVERY)
def test_a_page_size_that_the_server_reduces_in_silence_loses_nothing(
    kind: str, served: Callable[..., WireServer]
) -> None:
    shelf = Shelf(kind, 23, cap=2)
    saved(served(shelf.route), shelf.pagination)
    manifest = run(options={"pages_per_part": 3}).result()
    assert (landed(manifest), manifest.verdict) == (list(range(23)), "complete")


@pytest.mark.parametrize("kind", TOKENS)
def test_a_page_that_fails_for_good_stops_a_walk_by_tokens_and_a_resume_goes_on_from_there(
    kind: str, served: Callable[..., WireServer]
) -> None:
    shelf, broken = Shelf(kind, 40), True

    def route(request: Request) -> Answer:
        if broken and shelf._begin(request.query, 5) == 20:
            return whole(b"", 500)
        return shelf.route(request)

    server = served(route)
    saved(server, shelf.pagination)
    state = run(options={"pages_per_part": 2})
    assert state.is_failed()
    assert "PageFailedError: page 5 failed 3 times" in str(state.message)
    assert not list(Path("data").rglob("_manifest.json"))
    receipts = sorted(Path("data").rglob("_receipts/*.json"))
    assert [path.stem for path in receipts] == ["00000001", "00000003"]
    assert ("19" if kind in BY_KEY else "20") in json.loads(receipts[-1].read_text())["next"]

    broken = False
    shelf.asked.clear()
    manifest = run(options={"pages_per_part": 2}, resume=str(state.state_details.flow_run_id)).result()
    assert (landed(manifest), manifest.verdict) == (list(range(40)), "complete")
    ends = [40] * 3 if kind == "keyset" else [35] * 2
    assert shelf.asked == [20, 25, 30, 35, *ends, 0], (
        "the end is said three times, and page 1 is seen not to have moved"
    )


@pytest.mark.parametrize("status", [400, 410])
def test_an_expired_cursor_ends_the_run_and_says_to_begin_anew(status: int, served: Callable[..., WireServer]) -> None:
    shelf = Shelf("cursor", 40)

    def route(request: Request) -> Answer:
        if request.query.get("cursor") == "c10":
            return as_json({"error": "cursor expired"}, status)
        return shelf.route(request)

    server = served(route)
    saved(server, shelf.pagination)
    state = run()
    assert f"CursorExpiredError: {server.url}/items answers {status} for page 3: " in str(state.message)
    assert "begin a new run" in str(state.message)
    assert "resume" not in str(state.message)
    (event,) = payloads("seawall.dataset.incomplete", str(state.state_details.flow_run_id))
    assert event["resume"] == "", "nothing for an automation to go on with"
    assert len([r for r in server.requests if r.query.get("cursor") == "c10"]) == (2 if status == 400 else 1)


def test_pages_of_a_walk_by_tokens_can_only_be_the_first_ones(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("cursor", 40)
    server = served(shelf.route)
    saved(server, shelf.pagination)
    assert "page after page; begin with page 1" in str(run(options={"pages": "3-5"}).message)
    assert server.requests == []
    state = run(options={"pages": "1-3", "pages_per_part": 2})
    assert (landed(state.result()), state.result().verdict, state.name) == (
        list(range(15)), "partial", "CompletedPartial",
    )  # fmt: skip


def test_pages_that_are_away_when_a_run_is_resumed_stay_gaps(served: Callable[..., WireServer]) -> None:
    shelf, away = Shelf("pages", 40), True

    def route(request: Request) -> Answer:
        return whole(b"", 404) if away and request.page >= 7 else shelf.route(request)

    saved(served(route), shelf.pagination)
    state = run(options={"pages_per_part": 3})
    assert "gaps: 2 pages missing" in str(state.message)
    run_id = str(state.state_details.flow_run_id)
    again = run(options={"pages_per_part": 3}, resume=run_id)
    assert "gaps: 2 pages missing" in str(again.message)
    assert not list(Path("data").rglob("_manifest.json"))
    away = False
    manifest = run(options={"pages_per_part": 3}, resume=run_id).result()
    assert (manifest.verdict, landed(manifest)) == ("complete", list(range(40)))


@pytest.mark.parametrize("beyond", [whole(b"", 404), whole(b"", 500)], ids=["404", "500"])
def test_a_source_that_becomes_shorter_ends_where_it_says(beyond: Answer, served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 50)

    def route(request: Request) -> Answer:
        if request.page >= 9:
            shelf.total = 40
            return beyond
        return shelf.route(request)

    saved(served(route), shelf.pagination)
    manifest = run(options={"max_in_flight": 1}).result()
    assert (landed(manifest), manifest.failed_pages) == (list(range(40)), ())
    assert (manifest.advertised_at_start.pages, manifest.advertised_at_end.pages) == (10, 8)


def test_a_first_page_that_says_less_than_was_landed_takes_no_gap_away(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 50)

    def route(request: Request) -> Answer:
        if request.page >= 9:
            return whole(b"", 404)
        _, body = shelf.answer(request.query, "")
        glitch = request.page == 1 and 0 < shelf.asked.count(0) - ASKED_BEFORE_THE_END <= 2
        return as_json(body | {"metadata": {"total_pages": 0 if glitch else 10}})

    saved(served(route), shelf.pagination)
    assert "gaps: 2 pages missing" in str(run().message)


def test_a_resume_that_fails_at_the_login_says_how_to_go_on(served: Callable[..., WireServer]) -> None:
    shelf, mended = Shelf("pages", 40), True

    def route(request: Request) -> Answer:
        if request.path == "/login":
            return as_json({"access_token": "token-one"}) if mended else as_json({}, 403)
        return whole(b"", 500) if request.page == 7 else shelf.route(request)

    server = served(route)
    login = {"kind": "login", "login_url": f"{server.url}/login", "username": "me", "password": "hunter2!"}
    saved(server, shelf.pagination, auth=login)
    run_id = str(run().state_details.flow_run_id)
    mended = False
    assert f"resume='{run_id}'" in str(run(resume=run_id).message)
    assert "resume" not in str(run().message), "there is nothing to go on with"


# The verdict

ASKED_BEFORE_THE_END = 1  # so often a run asks for the first page: the walk takes what the plan was made from


def test_a_record_key_that_comes_twice_is_counted_and_the_digests_are_swept(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 23)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        if request.page == 4:
            body["data"][1] = {"id": 3, "again": True}
        return as_json(body)

    saved(served(route), shelf.pagination)
    state = run(options={"record_key": "id", "pages_per_part": 2})
    manifest = state.result()
    assert (state.name, manifest.verdict, manifest.duplicates) == ("CompletedWithWarnings", "duplicated", 1)
    assert "23 of 23 advertised records; 1 record with a key that came before" in str(state.message)
    assert "1 record with a key that came before" in next(Path("data").rglob("_report.md")).read_text()
    assert not list(Path("data").rglob("_keys/*"))
    assert run(options={"record_key": "id", "strict": True}).is_failed()


def test_a_record_key_that_no_record_has_is_refused(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 23)
    saved(served(shelf.route), shelf.pagination)
    assert "options.record_key 'idd': none of the 5 records of page 1 has it" in str(
        run(options={"record_key": "idd"}).message
    )


@pytest.mark.parametrize("record_key", [None, "id"])
def test_a_first_page_that_moved_by_the_end_is_a_shift(
    record_key: str | None, served: Callable[..., WireServer]
) -> None:
    shelf = Shelf("pages", 23)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        if request.page == 1 and shelf.asked.count(0) > ASKED_BEFORE_THE_END:
            body["data"][0] = {"id": 99}
        return as_json(body)

    saved(served(route), shelf.pagination)
    state = run(options={"record_key": record_key} if record_key else {})
    assert (state.name, state.result().verdict, state.result().shifted) == ("CompletedWithWarnings", "shifted", True)
    assert "the first page was another one at the end" in str(state.message)


def test_a_field_that_changes_is_no_shift_where_a_record_key_is_named(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 23)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        for record in body["data"]:
            record["seen"] = len(shelf.asked)
        return as_json(body)

    saved(served(route), shelf.pagination)
    assert run(options={"record_key": "id"}).result().verdict == "complete"


def test_pages_that_repeat_across_a_resume_are_found_before_anything_is_published(
    served: Callable[..., WireServer],
) -> None:
    shelf, broken = Shelf("pages", 40), True

    def route(request: Request) -> Answer:
        if broken and request.page >= 5:
            return whole(b"", 500)
        query = request.query | ({"page": "2"} if request.page == 7 else {})
        return as_json(shelf.answer(query, "")[1])

    saved(served(route), shelf.pagination)
    state = run(options={"pages_per_part": 2})
    broken = False
    again = run(options={"pages_per_part": 2}, resume=str(state.state_details.flow_run_id))
    assert "LandedTwiceError: page 7 holds the very records of page 2" in str(again.message)
    assert "begin a new run" in str(again.message)
    assert "go on with" not in str(again.message)
    assert "## Resume" not in next(Path("data").rglob("_report.md")).read_text()
    assert not list(Path("data").rglob("_manifest.json"))


def test_a_first_page_that_moved_by_a_whole_page_is_a_shift(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 23)

    def route(request: Request) -> Answer:
        moved = request.page == 1 and shelf.asked.count(0) == ASKED_BEFORE_THE_END
        return as_json(shelf.answer(request.query | ({"page": "2"} if moved else {}), "")[1])

    saved(served(route), shelf.pagination)
    manifest = run().result()
    assert (manifest.verdict, manifest.shifted, landed(manifest)) == ("shifted", True, list(range(23)))


def test_a_first_page_without_records_at_the_end_is_a_shift_by_its_keys_too(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages until empty", 23)

    def route(request: Request) -> Answer:
        gone = request.page == 1 and shelf.asked.count(0) == ASKED_BEFORE_THE_END
        return as_json({"data": [] if gone else shelf.answer(request.query, "")[1]["data"]})

    saved(served(route), shelf.pagination)
    manifest = run(options={"record_key": "id"}).result()
    assert (manifest.verdict, landed(manifest)) == ("shifted", list(range(23)))


def test_a_retry_of_a_run_that_died_after_its_commit_asks_for_no_gap_again(
    served: Callable[..., WireServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, deaths, broken = Shelf("pages", 20), iter([True]), [True]

    def route(request: Request) -> Answer:
        return whole(b"", 500) if broken and request.page == 3 else shelf.route(request)

    def dying(*arguments: Any) -> None:
        if next(deaths, False):
            broken.clear()
            shelf.asked.clear()
            raise MemoryError("killed between commit and sweep")
        sweep(*arguments)

    monkeypatch.setattr("seawall.tasks.publish.sweep", dying)
    saved(served(route), shelf.pagination)
    options = {"max_failed_pages": 1, "pages_per_part": 1}
    state = ingest.with_options(retries=1)(source="items", options=options, return_state=True)
    assert (state.name, [gap.page for gap in state.result().failed_pages]) == ("CompletedWithGaps", [3])
    assert shelf.asked == []
    assert len(list(Path("data").rglob("_receipts/*.json"))) == 3, "each names an object that stands"


# Rejected records


def of_pages(*pages: list[Any], **totals: int) -> Route:
    def route(request: Request) -> Answer:
        return as_json({"metadata": totals, "data": pages[request.page - 1] if request.page <= len(pages) else []})

    return route


UNTIL_EMPTY = {"kind": "page_number", "total_pages_path": "", "total_records_path": ""}


def test_a_page_of_nothing_but_rejected_records_after_an_empty_one_is_no_end(served: Callable[..., WireServer]) -> None:
    saved(served(of_pages([{"id": 0}], [], ["bad", None], [{"id": 1}])), UNTIL_EMPTY)
    state = run(options={"max_rejected_records": 2})
    assert (landed(state.result()), state.result().rejected) == ([0, 1], 2)
    assert "2 records, 2 set aside; every page asked for is there" in str(state.message)


def test_rejected_records_of_a_first_page_count_where_the_pages_are_guessed(served: Callable[..., WireServer]) -> None:
    route = of_pages([{"id": 0}, "a", "b", "c", "d"], [{"id": number} for number in range(1, 6)], total_records=10)
    saved(served(route), {"kind": "page_number", "total_pages_path": ""}, max_pages=4)
    manifest = run(options={"max_rejected_records": 4}).result()
    assert (manifest.verdict, landed(manifest)) == ("complete", list(range(6)))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"], ids=["the part itself", "its rejected records"])
def test_a_part_of_which_something_cannot_be_stored_has_no_receipt(
    suffix: str, served: Callable[..., WireServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LocalStore.put_file

    def full(store: LocalStore, path: Path, key: str, *, content_type: str) -> None:
        if key.endswith(suffix):
            raise UploadError("no space left")
        real(store, path, key, content_type=content_type)

    monkeypatch.setattr(LocalStore, "put_file", full)
    saved(served(of_pages([{"id": 0}, "bad"])), UNTIL_EMPTY)
    state = run(options={"max_rejected_records": 1})
    assert "UploadError: no space left" in str(state.message)
    assert not list(Path("data").rglob("_receipts/*.json"))


@pytest.mark.parametrize("kind", ["pages", "cursor"])
def test_parts_that_together_hold_too_many_rejected_records_stop_the_walk(
    kind: str, served: Callable[..., WireServer]
) -> None:
    shelf = Shelf(kind, 100)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        return as_json(body | {"data": ["bad", *body["data"][1:]] if body["data"] else []})

    saved(served(route), shelf.pagination)
    options = {"pages_per_part": 1, "parallel_parts": 1}
    state = run(options=options | {"max_rejected_records": 2})
    assert "3 rejected records, max_rejected_records is 2: with a larger one" in str(state.message)
    assert len(list(Path("data").rglob("_receipts/*.json"))) == 3

    shelf.asked.clear()
    run_id = str(state.state_details.flow_run_id)
    assert run(options=options | {"max_rejected_records": 2}, resume=run_id).is_failed()
    assert shelf.asked == [], "what is landed already is too much"
    manifest = run(options=options | {"max_rejected_records": 20}, resume=run_id).result()
    assert (manifest.verdict, manifest.records, manifest.rejected) == ("complete", 80, 20)


# Claims, fills and what the verdict says


@pytest.mark.parametrize("kind", ["pages", "offset", "cursor", "next_url"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_page_that_came_short_or_empty_is_healed_within_the_run(
    kind: str, times: int, served: Callable[..., WireServer]
) -> None:
    shelf, glitches = Shelf(kind, 40), iter([True] * times)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        if shelf._begin(request.query, 5) == 15 and next(glitches, False):
            body["data"] = []
        return as_json(body)

    saved(served(route), shelf.pagination)
    manifest = run(options={"strict": True, "pages_per_part": 3}).result()
    assert (landed(manifest), manifest.verdict) == (list(range(40)), "complete")


@pytest.mark.parametrize("left", [0, 2], ids=["an empty page", "a short page"])
def test_a_run_that_was_published_short_is_filled_by_a_resume(left: int, served: Callable[..., WireServer]) -> None:
    shelf, sick = Shelf("pages", 40), True

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        if sick and request.page == 4:
            body["data"] = body["data"][:left]
        return as_json(body)

    saved(served(route), shelf.pagination)
    options = {"pages_per_part": 3}
    state = run(options=options)
    first = state.result()
    assert (state.name, first.verdict, first.generation) == ("CompletedWithWarnings", "short", 1)
    again = run(options=options, resume=first.run_id)
    assert "nothing new came" in str(again.message)
    assert again.result() == first

    sick = False
    manifest = run(options=options, resume=first.run_id).result()
    assert (landed(manifest), manifest.verdict) == (list(range(40)), "complete")
    assert (manifest.generation, manifest.previous) == (2, first.location)
    assert sorted(path.name for path in Path("data").rglob("_manifest*")) == ["_manifest.2.json", "_manifest.json"]
    assert sorted(path.name for path in Path("data").rglob("_receipts/00000004*")) == [
        "00000004.2.json",
        "00000004.json",
    ]
    assert landed(first) == [number for number in range(40) if not 15 + left <= number < 20], (
        "readers may still hold it"
    )
    assert "nothing to fill" in str(run(options=options, resume=first.run_id).message)


def test_gaps_that_were_published_are_filled_by_a_resume(served: Callable[..., WireServer]) -> None:
    shelf, broken = Shelf("pages", 40), True

    def route(request: Request) -> Answer:
        return whole(b"", 500) if broken and request.page == 4 else shelf.route(request)

    saved(served(route), shelf.pagination)
    options = {"pages_per_part": 3, "max_failed_pages": 1, "record_key": "id"}
    first = run(options=options).result()
    assert first.verdict == "gaps"
    broken = False
    manifest = run(options=options, resume=first.run_id).result()
    assert (landed(manifest), manifest.verdict, manifest.generation) == (list(range(40)), "complete", 2)
    assert (manifest.failed_pages, manifest.duplicates) == ((), 0)


def test_a_walk_whose_last_page_lacks_the_key_is_resumed_once_that_is_declared(
    served: Callable[..., WireServer],
) -> None:
    shelf = Shelf("cursor", 40)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        return as_json(body if body["metadata"]["next"] else {"data": body["data"], "metadata": {}})

    server = served(route)
    saved(server, shelf.pagination)
    state = run(options={"pages_per_part": 3})
    assert "no next page at 'metadata.next'" in str(state.message)
    assert "set missing_next_ends" in str(state.message)
    saved(server, shelf.pagination | {"missing_next_ends": True})
    run_id = str(state.state_details.flow_run_id)
    manifest = run(options={"pages_per_part": 3, "strict": True}, resume=run_id).result()
    assert (landed(manifest), manifest.verdict) == (list(range(40)), "complete")


def test_one_full_page_that_names_no_other_proves_nothing(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("link_header", 5)
    saved(served(shelf.route), shelf.pagination)
    state = run()
    assert (state.name, state.result().verdict) == ("CompletedWithWarnings", "unproven")
    assert "names no next page (the Link header)" in str(state.message)
    assert run(options={"strict": True}).is_failed()
    shelf.total = 4
    assert run(options={"strict": True}).result().verdict == "complete"


def test_a_row_that_goes_while_we_walk_is_a_shift(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 60)
    rows = list(range(60))

    def route(request: Request) -> Answer:
        if request.page == 7 and len(rows) == 60:
            del rows[8]
        begin = (request.page - 1) * 5
        metadata = {"total_pages": -(-len(rows) // 5), "total_records": len(rows)}
        return as_json({"metadata": metadata, "data": [{"id": row} for row in rows[begin : begin + 5]]})

    saved(served(route), shelf.pagination)
    manifest = run(options={"max_in_flight": 1}).result()
    assert manifest.verdict in ("shifted", "duplicated"), "as pages overtake one another"
    assert "totals fell during the walk" in manifest.figures
    twice = run(options={"max_in_flight": 1, "passes": 2, "strict": True}).result()
    assert (landed(twice), twice.verdict) == (rows, "complete")
    (walks,) = (check for check in twice.evidence if check.check == "second walk")
    assert (walks.outcome, walks.detail) == ("passed", "walks 1 and 2 brought the same pages: a snapshot")


def test_two_walks_find_a_row_that_went_while_another_came(served: Callable[..., WireServer]) -> None:
    rows = list(range(60))

    def route(request: Request) -> Answer:
        if request.page == 9 and rows[-1] == 59:
            del rows[8]
            rows.append(60)
        begin = (request.page - 1) * 5
        metadata = {"total_pages": 12, "total_records": 60}
        return as_json({"metadata": metadata, "data": [{"id": row} for row in rows[begin : begin + 5]]})

    saved(served(route), {"kind": "page_number"})
    manifest = run(options={"max_in_flight": 1, "pages_per_part": 3, "passes": 2}).result()
    assert (landed(manifest), manifest.verdict) == (rows, "complete")
    (walks,) = (check for check in manifest.evidence if check.check == "second walk")
    assert walks.detail == "walks 2 and 3 brought the same pages: a snapshot"


def test_offsets_that_count_from_one_lose_nothing_and_name_the_pages(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("offset", 40)

    def route(request: Request) -> Answer:
        begin = max(int(request.query["offset"]), 1) - 1
        return as_json({"metadata": {"total_records": 40}, "data": shelf.truth[begin : begin + 5]})

    saved(served(route), shelf.pagination)
    manifest = run().result()
    assert (manifest.verdict, sorted(set(landed(manifest)))) == ("excess", list(range(40)))
    assert manifest.figures.startswith("41 records, 40 advertised")
    assert "page 2 with a record of the page before" in manifest.figures
    assert run(options={"record_key": "id", "pages": "1-8"}).result().verdict == "duplicated"


def test_pages_of_records_that_are_alike_may_repeat_where_totals_agree(served: Callable[..., WireServer]) -> None:
    def route(request: Request) -> Answer:
        return as_json({"data": [{"v": 0}] * 5 if request.page <= 4 else [], "metadata": {"total_pages": 4}})

    saved(served(route), {"kind": "page_number", "total_records_path": ""})
    manifest = run(options={"strict": True}).result()
    assert (manifest.verdict, manifest.records) == ("complete", 20)


def test_volatile_fields_neither_shift_a_source_nor_hide_a_page_that_repeats(served: Callable[..., WireServer]) -> None:
    shelf, stamps, ignores_numbers = Shelf("pages", 23), iter(range(10**6)), False

    def route(request: Request) -> Answer:
        query = request.query | ({"page": "1"} if ignores_numbers else {})
        _, body = shelf.answer(query, "")
        return as_json(body | {"data": [record | {"url": f"s{next(stamps)}"} for record in body["data"]]})

    saved(served(route), shelf.pagination, volatile=["url"])
    manifest = run(format="jsonl", options={"strict": True}).result()
    assert (manifest.verdict, manifest.records) == ("complete", 23)
    ignores_numbers = True
    assert "PageRepeatedError" in str(run(format="jsonl").message)


def test_a_total_that_is_too_small_is_no_end(served: Callable[..., WireServer]) -> None:
    shelf, total = Shelf("pages", 40), 20

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        return as_json(body | {"metadata": {"total_pages": -(-total // 5), "total_records": total}})

    saved(served(route), shelf.pagination)
    manifest = run(options={"pages_per_part": 2}).result()
    assert (landed(manifest), manifest.verdict) == (list(range(40)), "excess")


def test_the_manifest_tells_its_scope(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 40)
    saved(served(shelf.route), shelf.pagination, secret_params={"tenant": "a-secret-tenant"})
    manifest = run(params={"since": "2026-01-01", "who": "a-secret-tenant"}).result()
    assert manifest.scope.params == {"since": "2026-01-01", "who": None}
    assert not manifest.is_whole


def test_pages_that_stay_short_are_told_though_few_are_left_to_compare_them_with(
    served: Callable[..., WireServer],
) -> None:
    shelf = Shelf("cursor", 23)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        if shelf._begin(request.query, 5) in (5, 10):
            body["data"] = body["data"][:2]
        return as_json(body)

    saved(served(route), shelf.pagination)
    manifest = run().result()
    assert (manifest.verdict, manifest.records) == ("unproven", 17)
    assert "pages 2, 3 empty or shorter than others" in manifest.figures
