"""The kit: a source against canned answers, landed for real, in milliseconds, in the same order each time."""

import json
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest

from seawall import ApiSource
from seawall.clients.errors import AuthenticationError, PageRepeatedError, UnreachableError
from seawall.storage.errors import CorruptObjectError
from seawall.tasks.errors import SettingsError
from seawall.testing import Api, Landed, cut, not_json, reset, status, timeout
from seawall.testing.faults import Answer

URL = "https://api.example.com/orders"
CURSOR = {"kind": "cursor", "next_path": "next"}
NUMBERS = {"kind": "page_number", "total_pages_path": "", "total_records_path": ""}
OFFSETS = {"kind": "offset", "total_records_path": ""}


def source(pagination: dict[str, Any], **fields: Any) -> ApiSource:
    return ApiSource(name="orders", url=URL, pagination=pagination, page_size=2, **fields)


def page(*ids: int, **envelope: Any) -> dict[str, Any]:
    return {"data": [{"id": number} for number in ids], **envelope}


def ids(landed: Landed) -> list[int]:
    return [record["id"] for record in landed.records]


def queries(landed: Landed) -> list[str]:
    return [request.url.query.decode() for request in landed.requests]


NUMBERED = [page(1, 2), page(3, 4), page(5)]
CHAINED = [page(1, 2, next="b"), page(3, 4, next="c"), page(5, next=None)]


@pytest.mark.parametrize(
    ("pagination", "pages"),
    [(CURSOR, CHAINED), (NUMBERS, NUMBERED), (NUMBERS | {"first_page": 0}, NUMBERED), (OFFSETS, NUMBERED)],
)
def test_canned_pages_land_whole(seawall_api: Api, pagination: dict[str, Any], pages: list[object]) -> None:
    seawall_api.pages(URL, pages)
    landed = seawall_api.land(source(pagination))
    assert (landed.verdict, ids(landed), landed.error) == ("complete", [1, 2, 3, 4, 5], None)


def test_pages_with_headers_are_whole_responses(seawall_api: Api) -> None:
    links = [f'<{URL}?at=2>; rel="next"', f'<{URL}?at=0>; rel="prev"']
    seawall_api.pages(
        URL, [httpx.Response(200, json=page(n), headers={"Link": link}) for n, link in enumerate(links, start=1)]
    )
    landed = seawall_api.land(source({"kind": "link_header"}))
    assert (landed.verdict, ids(landed)) == ("complete", [1, 2])


def test_routes_answer_with_functions(seawall_api: Api) -> None:
    def orders(request: httpx.Request) -> httpx.Response:
        begin = int(request.url.params.get("cursor", "0"))
        return httpx.Response(200, json=page(*range(begin, begin + 2), next=begin + 2 if begin < 8 else None))

    seawall_api.post("https://api.example.com/login").respond(json={"access_token": "a-token-of-ours"})
    route = seawall_api.get(URL).mock(side_effect=orders)
    login = {"kind": "login", "login_url": "https://api.example.com/login", "username": "me", "password": "s3cret-word"}
    landed = seawall_api.land(source(CURSOR, auth=login))
    assert (landed.verdict, ids(landed)) == ("complete", list(range(10)))
    assert route.calls.last.request.headers["Authorization"] == "Bearer a-token-of-ours"
    assert json.loads(landed.requests[0].content)["username"] == "me"


@pytest.mark.parametrize("pagination", [CURSOR, NUMBERS])
def test_faults_come_before_their_page_and_cost_no_time(seawall_api: Api, pagination: dict[str, Any]) -> None:
    pages = CHAINED if pagination == CURSOR else NUMBERED
    faults: list[Answer] = [status(503), reset(), timeout(), cut(pages[1]), not_json(), status(429, retry_after=120)]
    route = seawall_api.pages(URL, pages, faults={2: faults})
    began = time.monotonic()
    landed = seawall_api.land(source(pagination))
    assert (landed.verdict, ids(landed)) == ("complete", [1, 2, 3, 4, 5])
    assert landed.waited >= 120
    assert time.monotonic() - began < 60
    assert landed.published.retries == {"503": 1, "reset": 1, "timeout": 1, "truncated": 1, "malformed": 1, "429": 1}
    assert route.call_count == len(landed.requests)


@pytest.mark.parametrize("pagination", [CURSOR, NUMBERS])
def test_requests_come_in_the_same_order_each_time(seawall_api: Api, pagination: dict[str, Any]) -> None:
    seawall_api.pages(URL, CHAINED if pagination == CURSOR else NUMBERED)
    first, *others = [queries(seawall_api.land(source(pagination), options={"pages_per_part": 1})) for _ in range(5)]
    assert others == [first] * 4


def test_a_page_by_number_is_the_one_of_that_number(seawall_api: Api) -> None:
    seawall_api.pages(URL, NUMBERED)
    landed = seawall_api.land(source(NUMBERS), options={"pages": "2-3"}, params={"status": "open"})
    assert (landed.verdict, ids(landed)) == ("partial", [3, 4, 5])
    assert landed.requests[0].url.params["status"] == "open"


def test_an_error_is_told_and_raised_by_who_asks_for_records(seawall_api: Api) -> None:
    seawall_api.pages(URL, [page(1, 2), page(1, 2), page(3)])
    landed = seawall_api.land(source(NUMBERS))
    assert isinstance(landed.error, PageRepeatedError)
    with pytest.raises(PageRepeatedError, match="page 2 holds the very records of page 1"):
        _ = landed.verdict
    with pytest.raises(PageRepeatedError):
        _ = landed.records


@pytest.mark.parametrize(("pagination", "asked_first"), [(NUMBERS, "page=2&limit=2"), (CURSOR, "cursor=b&limit=2")])
def test_a_landing_that_failed_is_resumed(seawall_api: Api, pagination: dict[str, Any], asked_first: str) -> None:
    seawall_api.pages(URL, CHAINED if pagination == CURSOR else NUMBERED, faults={2: [status(500)] * 4})
    failed = seawall_api.land(source(pagination, max_attempts=2))
    assert failed.error is not None
    resumed = seawall_api.land(source(pagination, max_attempts=4), resume=failed.run_id)
    assert (resumed.verdict, ids(resumed), queries(resumed)[0]) == ("complete", [1, 2, 3, 4, 5], asked_first)


def test_a_resume_of_another_source_is_refused_as_in_a_run(seawall_api: Api) -> None:
    seawall_api.pages(URL, NUMBERED, faults={2: [status(500)] * 4})
    failed = seawall_api.land(source(NUMBERS, max_attempts=2))
    other = seawall_api.land(source(NUMBERS, params={"status": "open"}), resume=failed.run_id)
    assert isinstance(other.error, CorruptObjectError)


def test_pages_that_no_run_can_ask_for_are_refused(seawall_api: Api) -> None:
    seawall_api.pages(URL, CHAINED)
    landed = seawall_api.land(source(CURSOR), options={"pages": "2-3"})
    assert isinstance(landed.error, SettingsError)
    assert landed.requests == ()


def test_a_source_is_a_form_or_its_fields(seawall_api: Api) -> None:
    seawall_api.pages(URL, CHAINED)
    landed = seawall_api.land({"name": "orders", "url": URL, "pagination": CURSOR, "page_size": 2})
    assert ids(landed) == [1, 2, 3, 4, 5]


def test_what_has_no_route_fails_the_test(seawall_api: Api) -> None:
    with pytest.raises(AssertionError, match=r"GET.*not mocked"):
        seawall_api.land(source(NUMBERS))


def test_an_error_in_a_side_effect_fails_the_test(seawall_api: Api) -> None:
    seawall_api.get(URL).mock(side_effect=lambda request: request.url.params["no such"])
    with pytest.raises(KeyError, match="no such"):
        seawall_api.land(source(NUMBERS))


def test_a_function_may_raise_what_the_network_raises(seawall_api: Api) -> None:
    """respx makes a circle of causes then."""

    def orders(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Name or service not known")

    seawall_api.get(URL).mock(side_effect=orders)
    landed = seawall_api.land(source(NUMBERS))
    assert isinstance(landed.error, UnreachableError)


def test_credentials_that_are_refused_end_it_with_one_request(seawall_api: Api) -> None:
    seawall_api.post("https://api.example.com/login").respond(401)
    login = {"kind": "login", "login_url": "https://api.example.com/login", "username": "me", "password": "s3cret-word"}
    landed = seawall_api.land(source(NUMBERS, auth=login))
    assert isinstance(landed.error, AuthenticationError)
    assert len(landed.requests) == 1


def test_a_refresh_token_is_exchanged_and_rotates_without_prefect(seawall_api: Api) -> None:
    def token(request: httpx.Request) -> httpx.Response:
        fresh = "refresh-token-2" if b"refresh-token-1" in request.content else "refresh-token-3"
        return httpx.Response(200, json={"access_token": f"access-for-{fresh}", "refresh_token": fresh})

    logins = seawall_api.post("https://api.example.com/token").mock(side_effect=token)
    seawall_api.pages(URL, CHAINED, faults={2: [status(401)]})
    auth = {
        "kind": "oauth2", "grant": "refresh_token", "token_url": "https://api.example.com/token",
        "client_id": "me", "refresh_token": "refresh-token-1",
    }  # fmt: skip
    landed = seawall_api.land(source(CURSOR, auth=auth))
    assert (landed.verdict, ids(landed)) == ("complete", [1, 2, 3, 4, 5])
    assert landed.requests[-1].headers["Authorization"] == "Bearer access-for-refresh-token-3"
    assert logins.call_count == 2


def test_without_respx_the_way_to_have_it_is_told() -> None:
    code = "import sys; sys.modules['respx'] = None; from seawall.testing import Api"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "seawall.testing needs respx; pip install 'seawall[testing]' brings it" in done.stderr


def test_the_plugin_costs_a_pytest_session_next_to_nothing() -> None:
    code = (
        "import sys, seawall.testing.plugin as it; print({'prefect', 'httpx', 'respx', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
