"""How a source is asked, on a socket: what goes into the URL, the query and the body; what answers mean."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import (
    AuthenticationError,
    MalformedPageError,
    PageFailedError,
    RequestRefusedError,
    SourceError,
)
from seawall.clients.pages.page import Page
from seawall.clients.source import ApiSource
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, in_turn, whole

pytestmark = pytest.mark.usefixtures("short_backoffs")

Served = Callable[[Route], WireServer]
ROWS = [{"id": number} for number in range(7)]
UNTIL_EMPTY = {"kind": "page_number", "total_pages_path": "", "total_records_path": ""}


def client(server: WireServer, path: str = "/items", **fields: Any) -> ApiClient:
    settings: dict[str, Any] = {"name": "items", "url": server.url + path, "page_size": 3, "max_attempts": 3}
    return ApiClient(ApiSource(**settings | fields))


def ids(pages: Any) -> list[int]:
    return [json.loads(record)["id"] for page in pages if isinstance(page, Page) for record in page.records]


def test_what_asks_for_a_page_stands_in_the_body_as_json_and_the_rest_of_it_stays(served: Served) -> None:
    def route(request: Request) -> Answer:
        asked = json.loads(request.body)
        begin = asked["variables"].get("after", {"at": 0})["at"]
        end = begin + asked["variables"]["first"]
        told = {"endCursor": {"at": end}, "hasNextPage": end < len(ROWS)}
        return as_json({"data": {"x": {"nodes": ROWS[begin:end], "pageInfo": told}}})

    server = served(route)
    pagination = {
        "kind": "cursor", "cursor_param": "/variables/after", "size_param": "/variables/first",
        "next_path": "data.x.pageInfo.endCursor", "more_path": "data.x.pageInfo.hasNextPage",
    }  # fmt: skip
    body = {"query": "{ x { id } }", "variables": {"since": "2026-01-01"}}
    with client(server, method="POST", body=body, records_path="data.x.nodes", pagination=pagination) as api:
        assert ids(api.follow(1, 99)) == list(range(7))
    first, second = (json.loads(request.body) for request in server.requests[:2])
    assert first == {"query": "{ x { id } }", "variables": {"since": "2026-01-01", "first": 3}}
    assert second["variables"] == {"since": "2026-01-01", "first": 3, "after": {"at": 3}}
    assert {(r.method, r.headers["content-type"]) for r in server.requests} == {("POST", "application/json")}
    assert server.requests[1].query == {}


def test_errors_beside_the_data_of_a_graphql_answer_are_never_usual(served: Served) -> None:
    answer = as_json({"data": {"x": ROWS}, "errors": [{"message": "a resolver timed out"}]})
    server = served(lambda _: answer)
    form = {"kind": "link_header", "size_param": ""}
    source: dict[str, Any] = {
        "method": "POST",
        "body": {"query": "{ x }"},
        "records_path": "data.x",
        "pagination": form,
    }
    with client(server, **source) as api, pytest.raises(PageFailedError, match="errors beside the data"):
        api.first_page()
    assert len(server.requests) == 3


def test_the_number_of_a_page_stands_in_the_path(served: Served) -> None:
    def route(request: Request) -> Answer:
        number = int(request.path.rpartition("/")[2])
        return as_json({"data": ROWS[(number - 1) * 3 : number * 3]})

    server = served(route)
    with client(server, "/items/{page}?q=1", pagination=UNTIL_EMPTY) as api:
        assert ids(api.pages(1, 3)) == list(range(7))
    assert {(r.path, r.query.get("q")) for r in server.requests} >= {("/items/1", "1"), ("/items/3", "1")}


@pytest.mark.parametrize(
    ("keeps", "second"),
    [(False, {"page": "2", "limit": "3"}), (True, {"page": "2", "limit": "3", "status": "open"})],
)
def test_params_are_put_back_into_a_next_url_only_where_the_source_says_so(
    *, keeps: bool, second: dict[str, str], served: Served
) -> None:
    def route(request: Request) -> Answer:
        to = None if "page" in request.query else "/items?page=2"
        return as_json({"next": to, "data": ROWS[:3] if to else ROWS[3:6]})

    server = served(route)
    fields: dict[str, Any] = {"params": {"status": "open"}, "keep_params": keeps, "pagination": {"kind": "next_url"}}
    with client(server, secret_params={"key": "k-12345678"}, **fields) as api:
        list(api.follow(1, 9))
    assert server.requests[0].query == {"limit": "3", "status": "open", "key": "k-12345678"}
    assert server.requests[1].query == second | {"key": "k-12345678"}, "a credential is always sent"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_path_of_the_origin_is_followed(status: int, served: Served) -> None:
    def route(request: Request) -> Answer:
        if not request.path.endswith("/"):
            return whole(b"", status, location=f"{request.path}/?page={request.page}")
        return as_json({"metadata": {"total_pages": 1}, "data": ROWS[:3]})

    with client(served(route), auth={"kind": "bearer", "token": "a-bearer-token"}) as api:
        assert ids([api.first_page()]) == [0, 1, 2]


@pytest.mark.parametrize("location", ["http://localhost:1/items/", "/items?page=1", "", "/items/"])
def test_any_other_redirect_is_named_and_not_followed(location: str, served: Served) -> None:
    server = served(lambda _: whole(b"", 302, location=location))
    method: dict[str, Any] = {"method": "POST"} if location == "/items/" else {}
    with client(server, **method) as api, pytest.raises(MalformedPageError, match=r"answers 302 .* a redirect to"):
        api.first_page()
    assert {request.path for request in server.requests} == {"/items"}


def test_redirects_in_a_circle_end(served: Served) -> None:
    server = served(lambda request: whole(b"", 302, location="/b" if request.path != "/b" else "/c"))
    with client(server) as api, pytest.raises(MalformedPageError, match="a redirect to"):
        api.first_page()


def test_what_is_not_ready_yet_is_asked_for_until_it_is(served: Served) -> None:
    waits = [whole(b"{}", 202), whole(b"{}", 202, retry_after="1")] * 4
    server = served(in_turn(*waits, as_json({"metadata": {"total_pages": 1}, "data": ROWS})))
    with client(server) as api:
        assert len(api.first_page().records) == 7
    assert len(server.requests) == 9, "no attempt is used up"


def test_what_is_never_ready_ends_by_its_deadline(served: Served) -> None:
    server = served(lambda _: whole(b"{}", 202, retry_after="2"))
    with client(server, ready_deadline=7) as api, pytest.raises(PageFailedError, match="it is not ready yet"):
        api.first_page()
    assert len(server.requests) == 4


def test_a_206_that_names_its_range_is_a_page(served: Served) -> None:
    server = served(lambda _: as_json(ROWS, 206, content_range="items 0-6/7"))
    form = {"kind": "offset", "total_records_path": "header:Content-Range"}
    with client(server, records_path="", page_size=10, pagination=form) as api:
        assert (len(api.first_page().records), api.totals.records) == (7, 7)
    bare = served(lambda _: as_json(ROWS, 206))
    with client(bare, records_path="", pagination=form) as api, pytest.raises(MalformedPageError, match="answers 206"):
        api.first_page()


@pytest.mark.parametrize(
    ("status", "error"), [(400, RequestRefusedError), (403, RequestRefusedError), (401, AuthenticationError)]
)
def test_one_refusal_among_pages_is_asked_for_once_more(status: int, error: type[SourceError], served: Served) -> None:
    sound = as_json({"metadata": {"total_pages": 3}, "data": ROWS[:3]})

    def route(*second: Answer) -> Route:
        answers = {1: in_turn(sound), 2: in_turn(*second)}
        return lambda request: answers[request.page](request)

    refused = whole(b"{}", status)
    bearer: dict[str, Any] = {"auth": {"kind": "bearer", "token": "a-bearer-token"}}
    server = served(route(refused, as_json({"metadata": {"total_pages": 3}, "data": ROWS[3:6]})))
    with client(server, **bearer) as api:
        api.first_page()
        assert ids([api.page(2)]) == [3, 4, 5]
    server = served(route(refused, refused, sound))
    with client(server, **bearer) as api:
        api.first_page()
        with pytest.raises(error):
            api.page(2)
    assert len(server.requests) == 3
    server = served(lambda _: refused)
    with client(server, **bearer) as api, pytest.raises(error):
        api.first_page()
    assert len(server.requests) == 1, "before any page came, nobody knows that these credentials work"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"retry-after": "1"}), (420, {"retry-after": "1"}), (430, {"retry-after": "1"}),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": "1"}),
    ],
)  # fmt: skip
def test_a_named_wait_of_any_refusal_is_a_wish_to_slow_down(
    status: int, headers: dict[str, str], served: Served
) -> None:
    server = served(
        in_turn(*[whole(b"{}", status, **headers)] * 4, as_json({"metadata": {"total_pages": 1}, "data": ROWS}))
    )
    with client(server) as api:
        assert len(api.first_page().records) == 7
    assert len(server.requests) == 5, "no attempt is used up"


@pytest.mark.parametrize("status", [204, 400, 404, 410, 416, 422])
def test_a_status_beyond_the_last_page_is_the_end(status: int, served: Served) -> None:
    def route(request: Request) -> Answer:
        return (
            whole(b"", status)
            if request.page > 2
            else as_json({"data": ROWS[(request.page - 1) * 3 : request.page * 3]})
        )

    server = served(route)
    with client(server, pagination=UNTIL_EMPTY | {"end_statuses": [status]}) as api:
        outcomes = list(api.pages(1, 5))
    assert (ids(outcomes), outcomes[2].number, type(outcomes[2]).__name__) == ([0, 1, 2, 3, 4, 5], 3, "End")


@pytest.mark.parametrize("answer", [{"meta": {}}, {"data": None, "meta": {}}, None])
def test_missing_records_are_an_empty_page_where_the_source_says_so(answer: Any, served: Served) -> None:
    server = served(lambda _: whole(b"", 204) if answer is None else as_json(answer))
    with client(server, missing_records="empty", pagination=UNTIL_EMPTY) as api:
        assert api.first_page().records == []
    with client(server, pagination=UNTIL_EMPTY) as api, pytest.raises(MalformedPageError):
        api.first_page()


@pytest.mark.parametrize(
    "answer", [{"message": "internal error"}, {"error": "x"}, {"Code": 500}, [], {"data": "none"}, {"data": {"id": 1}}]
)
def test_what_tells_of_an_error_is_no_empty_page(answer: Any, served: Served) -> None:
    server = served(lambda _: as_json(answer))
    with client(server, missing_records="empty", pagination=UNTIL_EMPTY) as api, pytest.raises(MalformedPageError):
        api.first_page()


def test_rules_come_first_and_are_counted(served: Served) -> None:
    busy, sound = as_json({"state": "busy"}), as_json({"metadata": {"total_pages": 1}, "data": ROWS})
    rules = [
        {"when": {"path": "state", "equals": "busy"}, "then": "throttle"},
        {"when": {"status": 418}, "then": "page"},
        {"when": {"status": 500}, "then": "fail"},
    ]
    teapot = as_json({"metadata": {"total_pages": 1}, "data": ROWS}, 418)
    with client(served(in_turn(busy, busy, busy, busy, teapot)), rules=rules) as api:
        assert (len(api.first_page().records), dict(api.rule_hits)) == (7, {1: 4, 2: 1})
    broken, told = served(in_turn(whole(b"", 500), sound)), "which rule 3 of the source takes for 'fail'"
    with client(broken, rules=rules) as api, pytest.raises(RequestRefusedError, match=told):
        api.first_page()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"body": {"a": 1}}, "only a POST has one; set method to POST"),
        ({"pagination": {"kind": "cursor", "cursor_param": "/a"}}, "set method to POST"),
        ({"method": "POST", "body": {"a": 1}, "pagination": {"kind": "cursor", "cursor_param": "/a/b"}}, "nowhere"),
        ({"url": "https://x/{page}", "pagination": {"kind": "cursor"}}, "as {page}, where the kind is page_number"),
        ({"pagination": {"kind": "page_number", "page_param": ""}}, "as {page}, where the kind is page_number"),
        ({"method": "PUT"}, "'GET' or 'POST'"),
        ({"pagination": {"kind": "offset", "first_offset": 2}}, "less than or equal to 1"),
        ({"pagination": {"kind": "page_number", "end_statuses": [500]}}, "204, 400, 404, 410, 416 or 422"),
        ({"pagination": {"kind": "keyset", "more_path": "!jmespath:a["}}, "is no JMESPath"),
        ({"pagination": {"kind": "keyset", "key": "id"}}, "unknown field 'key'"),
        ({"records_path": "header:X"}, "records are found by a dotted path or a JSON Pointer"),
        ({"method": "POST", "body": {"a": {1, 2}}}, "this is not what JSON can hold"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_when_the_source_is_made(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="ApiSource") as refused:
        ApiSource(**{"name": "items", "url": "https://api.example.com/items"} | fields)
    assert told in str(refused.value)
