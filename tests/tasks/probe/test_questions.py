"""Questions: what is learned of APIs of every kind, asked on sockets, and what is said where nothing is."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest

from seawall.clients.errors import AuthenticationError, MalformedPageError, PageFailedError, RequestRefusedError
from seawall.clients.limits import PROBE_REQUESTS
from seawall.clients.probe.scout import Scout
from seawall.clients.redact import redact
from seawall.clients.source import ApiSource
from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest
from seawall.tasks.context.resources import assembled
from seawall.tasks.options import IngestOptions
from seawall.tasks.probe.findings import Findings
from seawall.tasks.probe.questions import Questions
from seawall.tasks.probe.report import render
from seawall.tasks.run import Run
from seawall.tests.inline import ingested
from seawall.tests.shelf import EVERY, Shelf, strict
from seawall.tests.wireserver import Answer, Request, WireServer, as_json, drip, head, whole

pytestmark = pytest.mark.usefixtures("inline_runs", "short_backoffs")


def source_at(server: WireServer, **changes: Any) -> ApiSource:
    settings: dict[str, Any] = {"name": "items", "url": f"{server.url}/items", "max_attempts": 3}
    return ApiSource(**settings | changes)


def probed(server: WireServer, **changes: Any) -> Findings:
    """What a probe of a block with nothing but a URL finds, or with these changes."""
    with Scout(source_at(server, **changes)) as scout:
        scout.authenticate()
        return Questions(scout.source, scout).findings("items").without(redact)


def report(found: Findings) -> str:
    """What was found, as Prefect shows it."""
    return redact(render(found))


def landed(server: WireServer, found: Findings, *, page_size: int = 64, **changes: Any) -> Manifest:
    """What lands once the block holds what was found."""
    source = source_at(server, **changes | found.fields)
    options = IngestOptions(page_size=page_size, record_key="id")
    run = Run(run_id=str(uuid4()), source="items", format="jsonl", options=options)
    with TemporaryDirectory() as folder:
        resources = assembled(run, source, LocalStore(Path(folder)), clock=time.monotonic)
        with resources.client:
            return ingested(run, resources)


def test_a_field_that_differs_on_a_short_page_alone_is_no_record_key(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 6_400)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        return as_json(body | {"data": [each | {"shelf": each["id"] % 800} for each in body["data"]]})

    assert probed(served(route)).record_keys == ("id",)


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_is_found_from_a_block_with_nothing_but_a_url(kind: str, served: Callable[..., WireServer]) -> None:
    found = probed(served(strict(Shelf(kind, 640))))
    expected = "next_url" if kind == "relative next_url" else EVERY[kind]["kind"]
    assert (found.kind, found.stable, found.record_keys) == (expected, True, ("id",)), found.tried
    assert found.requests <= PROBE_REQUESTS
    for setting in ("first_page", "first_offset"):
        assert found.pagination.get(setting) == EVERY[kind].get(setting, found.pagination.get(setting))
    assert bool(found.pagination["more_path"]) >= ("more_path" in EVERY[kind])


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_found_lands_every_record_once_it_is_saved(kind: str, served: Callable[..., WireServer]) -> None:
    server = served(strict(Shelf(kind, 640)))
    found = probed(server)
    manifest = landed(server, found, page_size=64)
    assert (manifest.records, manifest.verdict) == (640, "complete")


def test_records_at_another_path_are_found_and_proposed(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        return as_json({"meta": body["metadata"], "facets": [{"a": 1}], "result": {"items": body["data"]}})

    found = probed(served(route))
    assert (found.works_as_saved, found.records_path, found.lists) == (
        False, "result.items", {"facets": 1, "result.items": found.lists["result.items"]},
    )  # fmt: skip
    assert (found.pagination["total_pages_path"], found.pagination["total_records_path"]) == (
        "meta.total_pages",
        "meta.total_records",
    )
    assert "at `result.items`, not at `data`; lists of objects in the body: `facets` 1, `result.items`" in report(found)


def test_a_page_size_that_the_server_caps_is_proposed_as_it_comes(served: Callable[..., WireServer]) -> None:
    found = probed(served(Shelf("pages", 6_400, cap=500).route))
    assert {each.page_size: each.records for each in found.sizes} == {100: 100, 500: 500, 1000: 500, 10_000: 500}
    assert found.page_size in (100, 500)


def test_another_name_of_the_page_size_is_found(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        query = {"page": request.query.get("page", "1"), "limit": request.query.get("per_page", "20")}
        return as_json(shelf.answer(query, "")[1])

    found = probed(served(route))
    assert found.pagination["size_param"] == "per_page"
    assert "| Largest page | 640 records came when 1,000 were asked for, all there are |" in report(found)


def test_pages_in_another_order_each_time_are_not_stable(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 6_400)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        return as_json(body | {"data": body["data"][:: 1 - 2 * (len(shelf.asked) % 2)]})

    found = probed(served(route))
    assert found.stable is False
    assert "| Order | page 2 changed at once |" in report(found)


def test_totals_that_do_not_fit_the_last_page_are_told(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 6_400)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        body["metadata"]["total_records"] = 6_390
        return as_json(body)

    found = probed(served(route))
    assert found.totals.startswith(
        "do not agree: 6,390 records, the last page 7 of 1,000 records holds 400, 390 are due"
    )


def test_the_headers_of_a_rate_limit_are_told(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 6_400)
    limits = {"x_ratelimit_remaining": "59", "RateLimit": '"default";r=50;t=30', "retry_after": "7<script>"}

    def route(request: Request) -> Answer:
        return as_json(shelf.answer(request.query, "")[1], **limits)

    found = probed(served(route))
    assert set(found.rate_limits) == {"x-ratelimit-remaining", "ratelimit", "retry-after"}
    assert "`x-ratelimit-remaining` `59`" in report(found)
    assert "| Quota | 50 requests left, anew in 30.0 seconds; a run keeps it, without `max_rate` |" in report(found)
    assert "<script>" not in report(found)


def test_an_api_that_leads_to_no_second_page_is_told_with_all_that_was_tried(served: Callable[..., WireServer]) -> None:
    server = served(lambda request: as_json({"data": [{"id": number} for number in range(50)]}))
    found = probed(server)
    assert (found.kind, found.works_as_saved) == (None, False)
    assert "| Quota | none is told; a run learns what is permitted" in report(found)
    assert any("50 of 50 records of page 2 are those of page 1" in each for each in found.tried)
    assert report(found).startswith("# Pagination unknown: `items`\n\nNo kind of pagination led to a second page")


def test_a_next_page_at_another_origin_is_not_asked_for(served: Callable[..., WireServer]) -> None:
    elsewhere = served(lambda request: as_json({"data": [{"id": 99}]}))
    body = {"data": [{"id": number} for number in range(50)], "next": f"{elsewhere.url}/items?cursor=x"}
    found = probed(served(lambda request: as_json(body)))
    assert elsewhere.requests == []
    assert any("the next page is said to be at another origin" in each for each in found.tried)


def test_hostile_text_stays_text(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)
    hostile = "</td><script>alert(1)</script> [x](http://evil) | `\n# big"

    def route(request: Request) -> Answer:
        if request.query.get("page") not in (None, "1", "2", "3", "4"):
            return whole(hostile.encode(), 404)
        return as_json(shelf.answer(request.query, "")[1] | {hostile: [{"a": 1}], "next": hostile})

    found = probed(served(route))
    text = report(found)
    for markup in ("<script>", "](http", "\n# big"):
        assert markup not in text


def test_records_that_no_format_can_hold_do_not_stop_a_probe(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 6_400)

    def route(request: Request) -> Answer:
        body = json.dumps(shelf.answer(request.query, "")[1])
        return whole(body.replace('{"id": 1}', '{"id": "\\ud800"}').replace('{"id": 1500}', "null").encode())

    found = probed(served(route))
    assert (found.kind, found.stable, found.record_keys) == ("page_number", True, ())


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (whole(b"", 401), AuthenticationError, "no way to get another token"),
        (whole(b"no such thing", 404), RequestRefusedError, "answers 404 for page 1: no such thing"),
        (whole(b"", 500), PageFailedError, "page 1 failed 3 times"),
        (whole(b"<html>"), MalformedPageError, "the body is not JSON"),
        (as_json({"error": "bad"}), MalformedPageError, "the keys there are: 'error'"),
        (as_json({"data": []}), MalformedPageError, "a probe has to see some records"),
        (as_json({"data": [[1], [2]]}), MalformedPageError, "no list of JSON objects at 'data'"),
    ],
)
def test_an_answer_that_teaches_nothing_is_an_error_that_says_why(
    answer: Answer, kind: type[Exception], told: str, served: Callable[..., WireServer]
) -> None:
    with pytest.raises(kind, match=told):
        probed(served(lambda request: answer))


def test_an_answer_that_drips_ends_at_the_deadline_of_the_page(served: Callable[..., WireServer]) -> None:
    begin, body = head(200, content_length=50), b'{"data": []}'.ljust(50)
    slow = drip(begin + body, at_once=len(begin))
    with pytest.raises(PageFailedError, match=r"page 1 failed 3 times; the last: ReadTimeout"):
        probed(served(lambda request: slow), page_deadline=0.2)


def refuse(text: str, status: int = 400) -> Answer:
    return whole(json.dumps({"message": text}).encode(), status)


def test_a_total_that_is_no_end_is_not_proposed(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("offset", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        return as_json({"total": 320, "data": body["data"]})

    server = served(route)
    found = probed(server)
    assert (found.pagination["total_records_path"], found.records) == ("", None)
    assert any("holds other records, so the total is no end" in each for each in found.tried), found.tried
    assert landed(server, found).records == 640


def test_a_page_total_that_is_no_end_leaves_the_number_of_records(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        return as_json(body | {"metadata": body["metadata"] | {"total_pages": 2}})

    found = probed(served(route))
    assert (found.pagination["total_pages_path"], found.records) == ("", 640)


@pytest.mark.parametrize("status", [400, 404, 410, 416, 422])
def test_the_status_right_behind_the_last_page_is_proposed_as_its_end(
    status: int, served: Callable[..., WireServer]
) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        return as_json(body) if body["data"] else refuse("invalid page number", status)

    server = served(route)
    found = probed(server)
    assert found.pagination["end_statuses"] == (status,)
    manifest = landed(server, found)
    assert (manifest.records, manifest.verdict) == (640, "complete")


@pytest.mark.parametrize(("total", "text"), [({}, "no such page"), ({"total": 640}, "result window is too large")])
def test_a_400_that_may_be_a_limit_is_no_end(
    total: dict[str, int], text: str, served: Callable[..., WireServer]
) -> None:
    shelf = Shelf("offset", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        return as_json(total | {"data": body["data"]}) if body["data"] else refuse(text)

    found = probed(served(route))
    assert found.pagination["end_statuses"] == ()
    assert text in found.beyond


def test_page_0_counts_only_where_it_is_what_the_bare_url_brings(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query | {"page": request.query.get("page", "1").replace("0", "4")}, "")[1]
        return as_json(body)

    assert probed(served(route)).pagination["first_page"] == 1


def test_a_block_that_begins_elsewhere_than_its_source_is_put_right(served: Callable[..., WireServer]) -> None:
    found = probed(served(strict(Shelf("pages from 0", 640))), pagination={"kind": "page_number", "first_page": 1})
    assert found.pagination["first_page"] == 0
    found = probed(served(strict(Shelf("offset", 640))), pagination={"kind": "offset", "first_offset": 1})
    assert found.pagination["first_offset"] == 0


def test_records_that_change_in_each_answer_are_compared_by_their_key(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer({"limit": request.query.get("limit", "5")}, "")[1]
        return as_json(body | {"data": [each | {"asked": len(shelf.asked)} for each in body["data"]]})

    assert probed(served(route)).kind is None


@pytest.mark.parametrize("text", ["limit cannot be higher than 20", "bad request"])
def test_a_page_size_that_was_accepted_is_proposed_where_100_is_refused(
    text: str, served: Callable[..., WireServer]
) -> None:
    shelf = Shelf("offset", 640)

    def route(request: Request) -> Answer:
        if int(request.query.get("limit", "20")) > 20 or "page" in request.query:
            return refuse(text)
        query = {"limit": "20", **request.query}
        return as_json({"meta": {"total_count": 640}, "items": shelf.answer(query, "")[1]["data"]})

    server = served(route)
    found = probed(server)
    assert (found.kind, found.page_size, found.records) == ("offset", 20, 640)
    assert landed(server, found, page_size=found.page_size).verdict == "complete"


def test_totals_in_headers_are_found(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        pages = str(body["metadata"]["total_pages"])
        return whole(json.dumps(body["data"]).encode(), **{"X-WP-Total": "640", "X-WP-TotalPages": pages})

    found = probed(served(route))
    assert (found.records_path, found.records) == ("", 640)
    assert found.pagination["total_pages_path"] == "header:X-WP-TotalPages"


@pytest.mark.parametrize("total", [{}, {"total": 640}])
def test_a_next_key_that_the_last_page_lacks_ends_the_walk_that_is_proposed(
    total: dict[str, int], served: Callable[..., WireServer]
) -> None:
    shelf = Shelf("cursor", 640, cap=100 if total else 1_000)

    def route(request: Request) -> Answer:
        query = {name: text for name, text in request.query.items() if name in ("limit", "cursor")}
        body = shelf.answer(query, "")[1]
        cursor = body["metadata"]["next"]
        return as_json({"data": body["data"], **total, **({"next_cursor": cursor} if cursor else {})})

    server = served(route)
    found = probed(server)
    assert (found.kind, found.pagination["missing_next_ends"]) == ("cursor", True)
    manifest = landed(server, found)
    assert (manifest.records, manifest.verdict) == (640, "complete")


def test_cursors_and_sizes_are_found_in_bodies(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("cursor", 640)

    def route(request: Request) -> Answer:
        asked = json.loads(request.body)["variables"]
        query = {"limit": str(asked.get("first", 5)), **({"cursor": asked["after"]} if asked.get("after") else {})}
        body = shelf.answer(query, "")[1]
        end = body["metadata"]["next"]
        info = {"endCursor": end or "the end", "hasNextPage": end is not None}
        return as_json({"data": {"items": {"nodes": body["data"], "pageInfo": info}}})

    body = {"query": "query($first: Int, $after: String) {…}", "variables": {"after": None}}
    server = served(route)
    found = probed(server, method="POST", body=body)
    assert (found.kind, found.records_path) == ("cursor", "data.items.nodes")
    assert (found.pagination["cursor_param"], found.pagination["size_param"]) == (
        "/variables/after",
        "/variables/first",
    )
    assert found.pagination["more_path"] == "data.items.pageInfo.hasNextPage"
    manifest = landed(server, found, method="POST", body=body)
    assert (manifest.records, manifest.verdict) == (640, "complete")


def test_three_records_are_shown_without_secrets_and_without_markup(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        return as_json(body | {"data": [each | {"<b>": "my-secret-word"} for each in body["data"]]})

    found = probed(served(route), secret_params={"q": "my-secret-word"})
    assert len(found.samples) == 3
    assert "my-secret-word" not in report(found)
    assert "<b>" not in report(found)
    assert report(found).count("‹b›") >= 3
