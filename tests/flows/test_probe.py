"""The probe: what it learns about APIs of every kind, and what it says where it learns nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from seawall.clients.errors import AuthenticationError, MalformedPageError, PageFailedError, RequestRefusedError
from seawall.clients.limits import PROBE_REQUESTS
from seawall.clients.source import ApiSource
from seawall.dev.unstable_api import Server
from seawall.flows.ingest import ingest
from seawall.flows.probe import probe
from seawall.tasks.errors import SettingsError
from seawall.tasks.options import IngestOptions
from seawall.tasks.probe.findings import Findings
from seawall.tests.artifacts import newest
from seawall.tests.shelf import KINDS, Shelf
from seawall.tests.simulator import source_of
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, drip, head, whole

pytestmark = pytest.mark.usefixtures("prefect_api", "short_backoffs")


def probed(server: WireServer, **changes: Any) -> Findings:
    settings: dict[str, Any] = {"name": "items", "url": f"{server.url}/items", "max_attempts": 3}
    ApiSource(**settings | changes).save("items", overwrite=True)
    return probe("items")


def strict(shelf: Shelf) -> Route:
    """A shelf that knows the parameters of its own kind alone, as APIs do."""
    known = {"page_number": {"page"}, "offset": {"offset"}, "cursor": {"cursor"}}
    names = {"limit", *known.get(shelf.pagination["kind"], {"at"})}

    def route(request: Request) -> Answer:
        query = {name: text for name, text in request.query.items() if name in names}
        return shelf.route(replace(request, query=query))

    return route


def report() -> str:
    """What the newest probe found, as Prefect shows it."""
    return str(newest("probe").data)


def test_the_simulator_works_as_it_is_saved(serve: Callable[..., Server], save_source: Callable[..., str]) -> None:
    found = probe(save_source(serve(total=25_000, http_500=0.1, http_429=0.1, retry_after=0)))
    assert (found.kind, found.works_as_saved, found.records_path, found.stable) == ("page_number", True, "data", True)
    assert found.records == 25_000
    assert found.totals.startswith("agree: 25,000 records, the last page 25 of 1,000 records holds 1,000")
    assert found.beyond == "page 26 of 25 answers 200, without records"
    assert [(each.page_size, each.records) for each in found.sizes] == [(100, 100), (1000, 1000), (10_000, 10_000)]
    assert found.estimate is not None
    assert found.estimate.pages == -(-25_000 // found.page_size)
    assert found.estimate.in_flight == 8
    text = report()
    assert text.startswith("# page_number: `customers`\n\nThe source works as it is saved.")
    assert "Fields to save" not in text


def test_a_field_that_differs_on_a_short_page_alone_is_no_record_key(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 6_400)

    def route(request: Request) -> Answer:
        body = shelf.answer(request.query, "")[1]
        return as_json(body | {"data": [each | {"shelf": each["id"] % 800} for each in body["data"]]})

    assert probed(served(route)).record_keys == ("id",)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found_from_a_block_with_nothing_but_a_url(kind: str, served: Callable[..., WireServer]) -> None:
    found = probed(served(strict(Shelf(kind, 640))))
    expected = "next_url" if kind == "relative next_url" else KINDS[kind]["kind"]
    assert (found.kind, found.stable, found.record_keys) == (expected, True, ("id",)), found.trials
    assert found.requests <= PROBE_REQUESTS
    assert found.pagination.get("first_page", 1) == KINDS[kind].get("first_page", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_lands_every_record_once_it_is_saved(kind: str, served: Callable[..., WireServer]) -> None:
    found = probed(served(strict(Shelf(kind, 640))))
    exec(compile(found.as_python, "artifact", "exec"), {})
    manifest = ingest("items", format="jsonl", options=IngestOptions(page_size=64, record_key="id"))
    assert (manifest.records, manifest.verdict) == (640, "complete")


def test_the_saved_fields_keep_what_else_the_block_holds(served: Callable[..., WireServer]) -> None:
    server = served(strict(Shelf("cursor", 640)))
    found = probed(
        server, auth={"kind": "bearer", "token": "a-bearer-token"}, secret_params={"q": "secret-param"}, max_rate=99
    )
    exec(compile(found.as_python, "artifact", "exec"), {})
    saved = ApiSource.load("items")
    assert isinstance(saved, ApiSource)
    assert (saved.max_rate, saved.query(), saved.pagination.kind) == (99, {"q": "secret-param"}, "cursor")
    assert "a-bearer-token" in saved.secrets()
    assert found.as_json in report()
    assert "a-bearer-token" not in report()
    assert "secret-param" not in report()
    assert json.loads(found.as_json)["pagination"]["next_path"] == "metadata.next"


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
    assert "at `result.items`, not at `data`; lists of objects in the body: `facets` 1, `result.items`" in report()


def test_a_page_size_that_the_server_caps_is_proposed_as_it_comes(served: Callable[..., WireServer]) -> None:
    found = probed(served(Shelf("pages", 6_400, cap=500).route))
    assert {each.page_size: each.records for each in found.sizes} == {100: 100, 1000: 500, 10_000: 500}
    assert found.page_size in (100, 500)


def test_another_name_of_the_page_size_is_found(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)

    def route(request: Request) -> Answer:
        query = {"page": request.query.get("page", "1"), "limit": request.query.get("per_page", "20")}
        return as_json(shelf.answer(query, "")[1])

    found = probed(served(route))
    assert found.pagination["size_param"] == "per_page"
    assert "| Largest page | 640 records came when 1,000 were asked for, all there are |" in report()


def test_pages_in_another_order_each_time_are_not_stable(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 6_400)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        return as_json(body | {"data": body["data"][:: 1 - 2 * (len(shelf.asked) % 2)]})

    found = probed(served(route))
    assert found.stable is False
    assert "| Order | page 2 changed at once |" in report()


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
    assert "`x-ratelimit-remaining` `59`" in report()
    assert "<script>" not in report()


def test_an_api_that_leads_to_no_second_page_is_told_with_all_that_was_tried(served: Callable[..., WireServer]) -> None:
    server = served(lambda request: as_json({"data": [{"id": number} for number in range(50)]}))
    found = probed(server)
    assert (found.kind, found.works_as_saved) == (None, False)
    assert any("50 of 50 records of page 2 are those of page 1" in each for each in found.trials)
    assert report().startswith("# Pagination unknown: `items`\n\nNo kind of pagination led to a second page")


def test_a_next_page_at_another_origin_is_not_asked_for(served: Callable[..., WireServer]) -> None:
    elsewhere = served(lambda request: as_json({"data": [{"id": 99}]}))
    body = {"data": [{"id": number} for number in range(50)], "next": f"{elsewhere.url}/items?cursor=x"}
    found = probed(served(lambda request: as_json(body)))
    assert elsewhere.requests == []
    assert any("the next page is said to be at another origin" in each for each in found.trials)


def test_hostile_text_stays_text(served: Callable[..., WireServer]) -> None:
    shelf = Shelf("pages", 640)
    hostile = "</td><script>alert(1)</script> [x](http://evil) | `\n# big"

    def route(request: Request) -> Answer:
        if request.query.get("page") not in (None, "1", "2", "3", "4"):
            return whole(hostile.encode(), 404)
        return as_json(shelf.answer(request.query, "")[1] | {hostile: [{"a": 1}], "next": hostile})

    probed(served(route))
    text = report()
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


def test_a_source_that_is_not_there_is_named_with_those_that_are(serve: Callable[..., Server]) -> None:
    source_of(serve()).save("customers", overwrite=True)
    with pytest.raises(SettingsError, match=r"no api-source block is called 'custmers'; there are: .*'customers'"):
        probe("custmers")
