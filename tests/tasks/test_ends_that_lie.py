"""What could make `complete` a lie: an end that a mistyped path, a suppressed error or one glitch would give."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import MalformedPageError, PageFailedError
from seawall.clients.source import ApiSource
from seawall.formats import registry
from seawall.storage.manifest import Manifest
from seawall.tasks.context.resources import Resources
from seawall.testing.stand_ins import VirtualTime
from seawall.tests.inline import ingested
from seawall.tests.schedules import MemoryStore
from seawall.tests.small_runs import run_of

pytestmark = pytest.mark.usefixtures("inline_runs")

Route = Callable[[Mapping[str, str]], tuple[int, Any]]
ROWS = [{"id": number} for number in range(20)]


def landed(route: Route, **fields: Any) -> Manifest:
    source = ApiSource(**{"name": "items", "url": "http://127.0.0.1:9/items", "page_size": 5} | fields)
    run, time = run_of(), VirtualTime()

    def answer(request: httpx.Request) -> httpx.Response:
        status, body = route(dict(request.url.params))
        return httpx.Response(status, json=body)

    with ApiClient(source, transport=httpx.MockTransport(answer), clock=time.clock, sleep=time.sleep) as client:
        form = registry.build(run.format, run.format_settings)
        return ingested(run, Resources(source=source, client=client, store=MemoryStore(), format=form, parent="items"))


def by_cursor(query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    begin = int(query.get("cursor", 0))
    end = begin + 5
    return 200, {"data": ROWS[begin:end], "has_more": end < 20} | ({"next_cursor": str(end)} if end < 20 else {})


@pytest.mark.parametrize("path", ["has_mroe", "!has_mroe", "jmespath:has_mroe", "header:Has-More"])
def test_a_mistyped_flag_ends_no_walk_though_the_last_page_may_lack_its_key(path: str) -> None:
    form = {"kind": "cursor", "missing_next_ends": True, "more_path": path}
    with pytest.raises(MalformedPageError, match="no sign of more pages"):
        landed(by_cursor, pagination=form)


def test_a_flag_that_later_pages_leave_out_ends_no_walk_while_they_lead_on() -> None:
    def route(query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        status, body = by_cursor(query)
        return status, {name: value for name, value in body.items() if name != "has_more" or "cursor" not in query}

    form = {"kind": "cursor", "missing_next_ends": True, "more_path": "has_more"}
    manifest = landed(route, pagination=form)
    assert (manifest.records, manifest.verdict) == (20, "complete")


@pytest.mark.parametrize("kind", [{"kind": "keyset"}, {"kind": "cursor"}], ids=["keyset", "cursor"])
def test_a_rule_for_empty_pages_ends_no_walk_of_which_a_flag_says_that_it_goes_on(kind: dict[str, Any]) -> None:
    def route(query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        after = query.get("starting_after") or query.get("cursor")
        if after is None:
            return 200, {"data": ROWS[:5], "has_more": True, "next_cursor": "4"}
        return 200, {"state": "warming up", "has_more": True, "next_cursor": None}

    rules = [{"when": {"path": "state"}, "then": "empty"}]
    with pytest.raises(PageFailedError, match="'has_more' says that there is more"):
        landed(route, pagination=kind | {"more_path": "has_more"}, rules=rules)


def glitches(*answers: tuple[int, Any]) -> Iterator[tuple[int, Any]]:
    yield from answers


@pytest.mark.parametrize("glitch", [(200, {"data": []}), (404, {}), (400, {})], ids=["empty", "404", "400"])
@pytest.mark.parametrize("total", [5, 10, 13])
def test_the_rest_of_a_page_that_is_away_once_is_asked_for_again(glitch: tuple[int, Any], total: int) -> None:
    """A server that gives three at once, asked for five: what is missing of page 1 is away at the first asking."""
    once = glitches(glitch)

    def route(query: Mapping[str, str]) -> tuple[int, Any]:
        begin, size = int(query["offset"]), min(int(query["limit"]), 3)
        if begin == 3 and (answer := next(once, None)):
            return answer
        return 200, {"data": ROWS[:total][begin : begin + size]}

    form = {"kind": "offset", "total_records_path": "", "end_statuses": [400]}
    manifest = landed(route, pagination=form)
    assert (manifest.records, manifest.verdict) == (total, "complete")


def test_a_page_without_content_that_nobody_declared_the_last_ends_no_walk_by_cursor() -> None:
    def route(query: Mapping[str, str]) -> tuple[int, Any]:
        return (204, None) if query.get("cursor") == "10" else by_cursor(query)

    form = {"kind": "cursor", "more_path": "has_more"}
    with pytest.raises(PageFailedError, match="no next page at 'next_cursor'"):
        landed(route, pagination=form, missing_records="empty")


@pytest.mark.parametrize(
    "kind", [{"kind": "page_number", "total_pages_path": ""}, {"kind": "offset"}], ids=["page", "offset"]
)
def test_empty_pages_that_go_on_saying_that_there_is_more_prove_no_end(kind: dict[str, Any]) -> None:
    def route(query: Mapping[str, str]) -> tuple[int, Any]:
        begin = int(query["offset"]) if "offset" in query else (int(query["page"]) - 1) * 5
        return 200, {"data": ROWS[begin : begin + 5][: max(15 - begin, 0)], "has_more": True}

    manifest = landed(route, pagination=kind | {"total_records_path": "", "more_path": "has_more"})
    assert (manifest.records, manifest.verdict) == (15, "unproven"), manifest.figures
    assert "says that there is more" in manifest.figures


def test_an_empty_page_inside_that_says_that_there_is_more_ends_no_walk() -> None:
    def route(query: Mapping[str, str]) -> tuple[int, Any]:
        page = int(query["page"])
        held = [] if page in (2, 3, 4, 5) else ROWS[:5] if page == 1 else ROWS[5:10] if page == 6 else []
        return 200, {"data": held, "has_more": page < 6}

    form = {"kind": "page_number", "total_pages_path": "", "total_records_path": "", "more_path": "has_more"}
    manifest = landed(route, pagination=form)
    assert manifest.records == 10, "four empty pages are more than are looked beyond"
