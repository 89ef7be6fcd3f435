"""The client of a source against real sockets that misbehave: what is retried, given up, or the end."""

import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import (
    AttemptError,
    AuthenticationError,
    CertificateError,
    MalformedPageError,
    PageFailedError,
    RequestRefusedError,
    RetryAfterTooLongError,
    SourceDownError,
    SourceError,
    UnreachableError,
)
from seawall.clients.limits import CLAIM_ASKINGS, LOGIN_ATTEMPTS, MALFORMED_ATTEMPTS, READ_AHEAD
from seawall.clients.pages.page import Page
from seawall.clients.redact import SECRETS, redact
from seawall.clients.source import ApiSource
from seawall.dev.unstable_api import Server
from seawall.tests.simulator import source_of
from seawall.tests.walks import client_of, first_page_of, gap_of, page_of, shape, walk
from seawall.tests.wireserver import (
    Answer,
    Request,
    Route,
    WireServer,
    after,
    as_json,
    broken_gzip,
    by_page,
    cut_chunked,
    cut_content_length,
    cut_gzip,
    cut_gzip_until_close,
    cut_until_close,
    drip,
    hang_up,
    head,
    in_turn,
    late,
    page,
    raw,
    reset,
    short_content_length,
    silence,
    whole,
)

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

# Sound pages


def test_all_pages_come_in_order_with_their_records() -> None:
    outcomes, server = walk(by_page(20), 20)
    assert [outcome.number for outcome in outcomes] == list(range(1, 21))
    records = [
        json.loads(record)["id"] for outcome in outcomes if isinstance(outcome, Page) for record in outcome.records
    ]
    assert records == list(range(40))
    assert server.asked() == {1: 2} | dict.fromkeys(range(2, 21), 1)


def test_a_request_asks_for_the_page_with_everything_that_was_configured() -> None:
    with WireServer(by_page(1)) as server:
        source = ApiSource(
            name="items", url=f"{server.url}/items?fields=all", params={"tenant": "a b"}, headers={"X-Key": "k1234"}
        )
        with ApiClient(source, page_size=7, params={"since": "2024", "tenant": "c"}) as client:
            client.first_page(1)
    request = server.requests[0]
    assert request.query == {"fields": "all", "tenant": "c", "since": "2024", "page": "1", "limit": "7"}
    assert (request.headers["x-key"], request.headers["user-agent"]) == ("k1234", "seawall")
    assert request.headers["accept-encoding"] == "gzip, deflate"


def test_plain_values_and_lists_and_secrets_are_on_the_wire_as_they_were_declared() -> None:
    with WireServer(by_page(1)) as server:
        source = ApiSource(
            name="items",
            url=f"{server.url}/items",
            params={"active": True, "id": [1, 2]},
            headers={"X-Scope": ["a", "b"]},
            secret_params={"pin": "1234"},
            secret_headers={"X-Key": "k1234"},
        )
        with ApiClient(source) as client:
            client.first_page()
    request = server.requests[0]
    assert source.query()["id"] == ("1", "2")
    assert request.query == {"active": "true", "id": "2", "pin": "1234", "page": "1", "limit": "1000"}
    assert request.headers["x-key"] == "k1234"


def test_what_a_client_added_to_the_secrets_goes_with_it() -> None:
    before = repr(SECRETS)
    source = ApiSource(name="items", url="https://api.example.com/items", secret_params={"pin": "unmistakable-pin"})
    with ApiClient(source):
        assert redact("unmistakable-pin") == "***"
    assert redact("unmistakable-pin") == "unmistakable-pin"
    assert repr(SECRETS) == before


def test_a_param_that_was_configured_never_stands_in_for_the_number_of_a_page() -> None:
    outcomes, server = walk(by_page(3), 3, params={"page": "9"})
    assert shape(outcomes) == "ppp"
    assert server.asked() == {1: 2, 2: 1, 3: 1}


@pytest.mark.parametrize(
    "answer",
    [
        whole(gzip.compress(page()), content_encoding="gzip"),
        whole(b"\xef\xbb\xbf" + page()),
        raw(head(200, transfer_encoding="chunked") + f"{len(page()):x}\r\n".encode() + page() + b"\r\n0\r\n\r\n"),
        raw(head(200) + page()),
        drip(head(200, content_length=len(page())) + page(), at_once=150),
    ],
    ids=["gzip", "byte order mark", "chunked", "until close", "slow, but within the deadline"],
)
def test_a_page_is_read_however_it_is_framed(answer: Answer) -> None:
    got, server = first_page_of(in_turn(answer))
    assert isinstance(got, Page)
    assert got.records == [b'{"id": 0}', b'{"id": 1}']
    assert len(server.requests) == 1


def test_totals_as_text_are_understood() -> None:
    body = as_json({"metadata": {"total_pages": "12", "total_records": "117"}, "data": []})
    got, _ = first_page_of(in_turn(body))
    assert isinstance(got, Page)
    assert (got.totals.pages, got.totals.records) == (12, 117)


# What is retried

SOUND = page(2, 3, size=50)
PASSING: dict[str, Answer] = {
    **{str(status): whole(b"oops", status) for status in (408, 500, 502, 503, 504)},
    "reset": reset,
    "no answer": hang_up,
    "Content-Length too long": cut_content_length(SOUND),
    "Content-Length too short": short_content_length(SOUND),
    "chunked, cut": cut_chunked(SOUND),
    "until close, cut": cut_until_close(SOUND),
    "gzip, cut": cut_gzip(SOUND),
    "gzip until close, cut": cut_gzip_until_close(SOUND),
    "not gzip": broken_gzip(SOUND),
    "half a status line": raw(b"HTTP/1.1 2"),
    "half the headers": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "trailing data": whole(SOUND + b"{}"),
    "NaN": whole(SOUND.replace(b"150", b"NaN")),
    "invalid UTF-8": whole(SOUND.replace(b"150", b'"\xff"')),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING.keys())
def test_a_passing_fault_is_retried_with_all_attempts_and_nothing_of_it_is_used(answer: Answer) -> None:
    outcomes, server = walk(by_page(3, {2: [answer] * 5 + [whole(SOUND)]}), 3)
    assert shape(outcomes) == "ppp"
    assert page_of(outcomes, 2).records == json_records(SOUND)
    assert server.asked()[2] == 6
    assert len(page_of(outcomes, 2).retries) == 5


def json_records(body: bytes) -> list[bytes]:
    return [json.dumps(record).encode() for record in json.loads(body)["data"]]


@pytest.mark.parametrize("answer", [PASSING["500"], reset, PASSING["until close, cut"]], ids=["500", "reset", "cut"])
def test_a_page_that_uses_up_its_attempts_is_a_gap_and_the_run_goes_on(answer: Answer) -> None:
    outcomes, server = walk(by_page(4, {2: [answer] * 99}), 4)
    assert shape(outcomes) == "pgpp"
    assert server.asked() == {1: 2, 2: 6, 3: 1, 4: 1}
    assert gap_of(outcomes, 2).error.startswith("page 2 failed 6 times; the last: ")


def test_an_idle_connection_that_the_server_closed_costs_nothing() -> None:
    closing = raw(head(200, content_length=len(page())) + page())  # says keep-alive, then closes
    with WireServer(in_turn(closing)) as server, client_of(server) as client:
        for _ in range(3):
            assert client.first_page(1).retries in ((), ("reset",))
    assert server.connections >= 3


@pytest.mark.parametrize(
    "slow",
    [
        drip(head(200, content_length=9000) + b" " * 9000, at_once=60),
        drip(head(200, x="y" * 9000), at_once=20),
        silence,
    ],
    ids=["in the body", "in the headers", "before anything"],
)
def test_a_drip_ends_at_the_deadline_of_the_page_and_is_retried(slow: Answer) -> None:
    begin = time.monotonic()
    got, _ = first_page_of(in_turn(slow, whole(page())), page_deadline=0.3, read_timeout=60)
    assert isinstance(got, Page)
    assert got.retries == ("timeout",)
    assert time.monotonic() - begin < 5


def test_a_refused_connection_is_retried() -> None:
    with WireServer(in_turn(whole(page()))) as server:
        pass
    with (
        client_of(server) as client,
        pytest.raises(UnreachableError, match=r"ConnectError.* 6 attempts"),
    ):
        client.first_page(1)


def test_a_name_that_does_not_resolve_is_retried() -> None:
    source = ApiSource(name="items", url="http://nowhere.invalid/items", max_attempts=2)
    with ApiClient(source) as client, pytest.raises(UnreachableError, match=r"nowhere\.invalid.* 2 attempts"):
        client.first_page(1)


def test_what_was_met_is_counted() -> None:
    special = {2: [PASSING["500"], reset], 3: [whole(b"", 503)] * 6}
    with WireServer(by_page(3, special)) as server, client_of(server) as client:
        client.first_page(1)
        list(client.pages(1, 3))
        met = client.statistics
        assert (met.pages, met.records) == (2, 4)
        assert met.bytes == len(page(1, 3)) + len(page(2, 3))
        assert met.retries == {"500": 1, "reset": 1, "503": 5}
        assert list(met.failed_pages) == [3]
        list(client.pages(3, 3))
        assert met.failed_pages == {}


def test_retries_before_a_final_failure_are_counted_too() -> None:
    outcomes, _ = walk(by_page(3, {2: [whole(b"", 500), reset, whole(b"", 404)]}), 3)
    assert shape(outcomes) == "pgp"
    assert gap_of(outcomes, 2).retries == ("500", "reset")


# Answers that are no page

NO_PAGE: dict[str, Answer] = {
    "HTML": whole(b"<html><b>Maintenance</b></html>", content_type="text/html"),
    "empty": whole(b""),
    "204": whole(b"", 204),
    "206": whole(page(), 206),
    "304": whole(b"", 304),
    "a redirect to a login page": whole(b"", 302, location="https://login.example/login"),
    "a redirect to nowhere": whole(b"", 301, location="http://[bad"),
    "an error envelope": as_json({"error": {"code": 7}}),
    "no records path": as_json({"items": [], "metadata": {"total_pages": 3}}),
    "null for records": as_json({"data": None}),
    "text": whole(b"upstream connect error"),
    "a coding that nobody asked for": whole(page(), content_encoding="br"),
    "compressed three times": whole(page(), content_encoding="gzip, gzip, gzip"),
}


@pytest.mark.parametrize("answer", NO_PAGE.values(), ids=NO_PAGE.keys())
def test_what_is_no_page_is_asked_three_times_and_is_a_gap_later_on(answer: Answer) -> None:
    outcomes, server = walk(by_page(3, {2: [answer] * 99}), 3, max_attempts=12)
    assert shape(outcomes) == "pgp"
    assert server.asked()[2] == MALFORMED_ATTEMPTS
    assert gap_of(outcomes, 2).error.startswith("page 2 failed 3 times; the last: ")


@pytest.mark.parametrize("answer", NO_PAGE.values(), ids=NO_PAGE.keys())
def test_what_is_no_page_is_not_zero_records_on_the_first_page(answer: Answer) -> None:
    error, server = first_page_of(in_turn(answer))
    assert isinstance(error, MalformedPageError)
    assert len(server.requests) == MALFORMED_ATTEMPTS


def test_a_page_that_recovers_within_three_askings_is_a_page() -> None:
    outcomes, _ = walk(by_page(2, {2: [NO_PAGE["HTML"], NO_PAGE["204"], NO_PAGE["HTML"]]}), 2)
    assert shape(outcomes) == "pp"
    assert page_of(outcomes, 2).retries == ("malformed", "204", "malformed")


def test_a_first_page_without_records_names_path_keys_and_beginning_harmlessly() -> None:
    envelope = {"error": "<b>" + "x" * 300, "docs": "https://evil.example"}
    error, server = first_page_of(in_turn(as_json(envelope)), records_path="result.rows")
    assert isinstance(error, MalformedPageError)
    beginning = '{"error": "‹b›' + "x" * (200 - 14) + "…"
    assert (
        str(error)
        == f"no list of records at 'result.rows'; the keys there are: 'error', 'docs'; the body begins: {beginning}"
    )
    assert len(server.requests) == MALFORMED_ATTEMPTS


def test_a_first_page_must_say_how_many_pages_there_are() -> None:
    error, server = first_page_of(in_turn(as_json({"data": [], "meta": {}})))
    assert isinstance(error, MalformedPageError)
    assert "no number of pages at 'metadata.total_pages'; the keys there are: 'data', 'meta'" in str(error)
    assert len(server.requests) == MALFORMED_ATTEMPTS


def test_redirects_are_not_followed_and_carry_nothing_elsewhere() -> None:
    elsewhere = WireServer(by_page(1))
    with elsewhere:
        error, server = first_page_of(in_turn(whole(b"", 307, location=f"{elsewhere.url}/items?page=1")))
    assert isinstance(error, MalformedPageError)
    assert f"{server.url}/items answers 307 for page 1" in str(error)
    assert elsewhere.requests == []


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 520, 522, 529])
def test_a_server_error_of_any_number_is_retried(status: int) -> None:
    outcomes, server = walk(by_page(3, {2: [as_json({}, status)] * 5}), 3)
    assert shape(outcomes) == "ppp"
    assert server.asked()[2] == 6


def test_a_401_without_credentials_ends_the_run_after_one_asking() -> None:
    error, server = first_page_of(by_page(3, {1: [as_json({}, 401)] * 9}))
    assert isinstance(error, AuthenticationError)
    assert "answers 401 for page 1" in str(error)
    assert "no way to get another token" in str(error)
    assert server.asked() == {1: 1}


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize("number", [1, 2])
def test_a_refused_request_ends_the_run_after_one_asking(status: int, number: int) -> None:
    answer = as_json({"error": "bad `limit`"}, status)
    with WireServer(by_page(3, {number: [answer] * 9})) as server, client_of(server) as client:
        with pytest.raises(RequestRefusedError, match=f"/items answers {status} for page {number}: .*bad 'limit'"):
            list(client.pages(number, number))
        with pytest.raises(RequestRefusedError) as caught:
            client.first_page(number)
    assert "?" not in str(caught.value)
    assert server.asked() == {number: 2}  # one for each of the two calls


def test_a_large_page_is_a_gap_at_the_first_asking() -> None:
    outcomes, server = walk(by_page(3, {2: [whole(b" " * 5000 + page(2, 3))]}), 3, max_page_bytes=4096)
    assert shape(outcomes) == "pgp"
    assert "page 2 is larger than 4,096 bytes (max_page_bytes)" in gap_of(outcomes, 2).error
    assert server.asked()[2] == 1


def test_a_decompression_bomb_is_a_gap_at_the_first_asking() -> None:
    bomb = gzip.compress(b" " * (64 * 2**20))
    outcomes, server = walk(by_page(3, {2: [whole(bomb, content_encoding="gzip")]}), 3, max_page_bytes=2**20)
    assert shape(outcomes) == "pgp"
    assert server.asked()[2] == 1


# The end of the walk


@pytest.mark.parametrize(
    "beyond",
    [whole(b"", 404), as_json({"metadata": {"total_pages": 3}, "data": []}), as_json({"data": []})],
    ids=["404", "empty", "empty and without totals"],
)
def test_nothing_beyond_the_last_page_is_the_end(beyond: Answer) -> None:
    outcomes, server = walk(by_page(3, {4: [beyond] * 9, 5: [beyond] * 9}), 5)
    assert shape(outcomes) == "pppee"
    assert server.asked()[4] == CLAIM_ASKINGS


def test_an_end_that_is_said_once_is_a_glitch() -> None:
    outcomes, _ = walk(by_page(9, {4: [as_json({"metadata": {"total_pages": 0}, "data": []})]}), 9)
    assert shape(outcomes) == "p" * 9


def test_a_404_on_the_first_page_ends_the_run() -> None:
    error, server = first_page_of(in_turn(as_json({"error": "no such thing"}, 404)))
    assert isinstance(error, RequestRefusedError)
    assert len(server.requests) == 1


def test_a_404_in_the_middle_is_a_gap() -> None:
    outcomes, server = walk(by_page(3, {2: [whole(b"", 404)]}), 3)
    assert shape(outcomes) == "pgp"
    assert server.asked()[2] == 1


@pytest.mark.parametrize("empty", [{"metadata": {"total_pages": 3}, "data": []}, {"data": []}])
def test_an_empty_page_in_the_middle_is_a_page(empty: dict[str, Any]) -> None:
    outcomes, server = walk(by_page(3, {2: [as_json(empty)] * 9}), 3)
    assert shape(outcomes) == "ppp"
    assert page_of(outcomes, 2).records == []
    assert server.asked()[2] == CLAIM_ASKINGS


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("left", [0, 1])
def test_a_page_that_came_empty_or_short_is_asked_for_again_and_the_longer_answer_counts(left: int, times: int) -> None:
    glitch = as_json({"metadata": {"total_pages": 3}, "data": [{"id": 2}][:left]})
    outcomes, server = walk(by_page(3, {2: [glitch] * times}), 3)
    assert shape(outcomes) == "ppp"
    healed = page_of(outcomes, 2)
    assert (len(healed.records), healed.askings, healed.differed) == (2, times + 1, True)
    assert server.asked()[2] == times + 1


def test_the_newest_totals_are_followed_when_the_source_shrinks_or_grows() -> None:
    with (
        WireServer(in_turn(whole(page(1, 9)), whole(page(1, 4)), whole(page(1, 6)))) as server,
        client_of(server) as client,
    ):
        seen = []
        for _ in range(3):
            client.first_page(1)
            seen.append(client.totals.pages)
    assert seen == [9, 4, 6]


def test_a_page_without_records_takes_no_totals_back() -> None:
    nothing = as_json({"metadata": {"total_pages": 0}, "data": []})
    with WireServer(by_page(3, {2: [nothing] * 2})) as server, client_of(server) as client:
        client.first_page(1)
        list(client.pages(2, 2))
        assert client.totals.pages == 3


# Rate limits


@pytest.mark.parametrize(
    "answer", [as_json({}, 429, retry_after=1), as_json({}, 503, retry_after=1)], ids=["429", "503"]
)
def test_one_throttled_page_pauses_every_fetcher(answer: Answer) -> None:
    told, times = threading.Event(), []

    def route(request: Request) -> Answer:
        sound = whole(page(request.page, 8))
        if told.is_set():
            times.append(time.monotonic())
        elif request.page == 2:
            times.append(time.monotonic())
            told.set()
            return answer
        return after(told, late(0.2, sound))

    with WireServer(route) as server, client_of(server, max_in_flight=2) as client:
        assert shape(list(client.pages(1, 8))) == "p" * 8
    early = [at for at in times[1:] if at - times[0] < 0.9]
    assert len(early) <= 2  # one may start before our answer is read; without a pause it would be all six


def test_an_http_date_is_obeyed_too() -> None:
    begin = time.time()
    answer = as_json({}, 429, retry_after=formatdate(begin + 2, usegmt=True))
    got, _ = first_page_of(in_turn(answer, whole(page())))
    assert isinstance(got, Page)
    assert time.time() >= int(begin + 2)


@pytest.mark.parametrize("off", [-3600, 3600])
@pytest.mark.parametrize("path", ["/items", "/login"])
def test_a_server_whose_clock_is_an_hour_off_is_waited_for_as_long_as_it_means(path: str, off: int) -> None:
    times = []

    def route(request: Request) -> Answer:
        if request.path == path:
            times.append(time.monotonic())
        if request.path == path and len(times) == 1:
            now = time.time() + off
            return as_json({}, 503, date=formatdate(now, usegmt=True), retry_after=formatdate(now + 1, usegmt=True))
        return whole(page()) if request.path == "/items" else as_json({"access_token": "token-1"})

    with WireServer(route) as server, client_of(server, auth=login_at(server)) as client:
        assert client.first_page(1).sent_records == 2
    assert 1 <= times[1] - times[0] < 10


def test_a_wish_over_the_cap_ends_the_run() -> None:
    error, server = first_page_of(in_turn(as_json({}, 429, retry_after=3600)))
    assert isinstance(error, RetryAfterTooLongError)
    assert "asks for 3600 s, cap is 300 s" in str(error)
    assert len(server.requests) == 1


def test_a_rate_of_ours_spaces_requests() -> None:
    begin = time.monotonic()
    walk(by_page(9), 9, max_rate=50)
    assert time.monotonic() - begin > 8 / 50


def test_a_wait_for_its_turn_spends_nothing_of_the_time_of_a_page() -> None:
    outcomes, _ = walk(by_page(1), 1, max_rate=1, page_deadline=0.5)
    assert isinstance(outcomes[0], Page)
    assert outcomes[0].retries == ()


# Windows


def test_no_more_than_max_in_flight_requests_are_on_the_wire() -> None:
    lock, waiting, enough = threading.Lock(), 0, threading.Event()

    def route(request: Request) -> Answer:
        nonlocal waiting
        with lock:
            waiting += 1
            if waiting >= 3:
                enough.set()
        return after(enough, whole(page(request.page, 40)))

    with WireServer(route) as server, client_of(server, max_in_flight=3) as client:
        assert shape(list(client.pages(1, 40))) == "p" * 40
    assert server.most_at_once == 3


def test_a_page_that_backs_off_blocks_no_other_and_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    others = threading.Event()
    last = READ_AHEAD  # the whole window of a client with one request in flight
    seen: set[int] = set()

    def route(request: Request) -> Answer:
        seen.add(request.page)
        if len(seen) == last:
            others.set()
        if request.page == 1 and not others.is_set():
            return whole(b"", 500)
        return whole(page(request.page, last))

    with (
        WireServer(route) as server,
        client_of(server, max_in_flight=1, max_attempts=100, give_up_after=10**6) as client,
    ):
        outcomes = list(client.pages(1, last))
    assert [outcome.number for outcome in outcomes] == list(range(1, last + 1))
    assert shape(outcomes) == "p" * last
    assert others.is_set()  # page 1 could succeed only once all others had been asked for


@pytest.mark.parametrize("sharing", [1, 2])
def test_no_page_beyond_the_window_is_fetched_ahead_of_its_consumer(sharing: int) -> None:
    window = READ_AHEAD * 2 // sharing
    with WireServer(by_page(100)) as server, client_of(server, max_in_flight=2) as client:
        pages = client.pages(1, 100, sharing=sharing)
        for taken in range(1, 30):
            assert next(pages).number == taken
            assert max(server.asked()) <= taken + window - 1
        pages.close()


# The API is down


def test_an_api_that_never_answers_is_declared_down() -> None:
    down = pytest.raises(SourceDownError, match=r"20 attempts in a row failed, none succeeded; the last: .*500")
    server = WireServer(in_turn(whole(b"", 500)))
    with server, client_of(server, max_attempts=100, give_up_after=20) as client, down:
        list(client.pages(1, 50))
    assert 20 <= len(server.requests) <= 20 + 2 * READ_AHEAD * 8


def test_a_third_of_all_requests_failing_is_a_normal_day() -> None:
    count, lock = 0, threading.Lock()

    def route(request: Request) -> Answer:
        nonlocal count
        with lock:
            count += 1
            return whole(b"", 503) if count % 3 == 0 else whole(page(request.page, 60))

    with WireServer(route) as server, client_of(server, give_up_after=20, max_attempts=12) as client:
        assert shape(list(client.pages(1, 60))) == "p" * 60


def test_throttling_alone_is_not_down() -> None:
    busy = as_json({}, 429)
    got, _ = first_page_of(in_turn(*[busy] * 20, whole(page())), max_attempts=50, give_up_after=3)
    assert isinstance(got, Page)
    assert got.retries == ("429",) * 20


# Certificates and proxies


def test_a_certificate_that_does_not_verify_ends_the_run_at_once(tls: ssl.SSLContext) -> None:
    refusal = pytest.raises(CertificateError, match=r"certificate of 127\.0\.0\.1 does not verify: .*self-signed")
    with WireServer(by_page(1), tls) as server, client_of(server) as client, refusal:
        client.first_page(1)
    assert (server.connections, server.requests) == (1, [])


def test_a_login_behind_such_a_certificate_gets_no_password(tls: ssl.SSLContext) -> None:
    server = WireServer(in_turn(TOKEN), tls)
    with server, client_of(server, auth=login_at(server)) as client, pytest.raises(CertificateError):
        client.authenticate()
    assert (server.connections, server.requests) == (1, [])


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with WireServer(in_turn(whole(page()))) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        got, server = first_page_of(in_turn(whole(page())))
    assert isinstance(got, Page)
    assert (len(server.requests), proxy.requests) == (1, [])


# Authentication on the wire

TOKEN = as_json({"access_token": "access", "expires_in": 3600})


def login_at(server: WireServer) -> dict[str, str]:
    return {
        "kind": "login",
        "login_url": f"{server.url}/login",
        "refresh_url": f"{server.url}/refresh",
        "username": "me",
        "password": "correct-horse-battery",
    }


def desk(pages: int, admits: Callable[[Request], bool]) -> Route:
    """Logins and refreshes that hand out `token-1`, `token-2` …, and pages for whom `admits` lets in."""
    issued, lock = 0, threading.Lock()

    def route(request: Request) -> Answer:
        nonlocal issued
        if request.method == "POST":
            with lock:
                issued += 1
                return as_json({"access_token": f"token-{issued}", "refresh_token": f"refresh-{issued}"})
        return whole(page(request.page, pages)) if admits(request) else as_json({"error": "expired"}, 401)

    return route


def test_tokens_that_die_all_the_time_cost_no_page(serve: Callable[..., Server]) -> None:
    server = serve(total=3000, token_requests=20)
    with ApiClient(source_of(server, page_size=50, max_attempts=12)) as client:
        assert shape(list(client.pages(1, 60))) == "p" * 60
    stats = server.api.stats()
    assert stats["logins"] == 1
    assert stats["refreshes"] >= 2


def test_a_401_mid_run_refreshes_once_and_replays_the_page() -> None:
    dead = threading.Event()

    def admits(request: Request) -> bool:
        if request.page == 5:
            dead.set()
        return request.token == ("token-2" if dead.is_set() else "token-1")

    with WireServer(desk(20, admits)) as server, client_of(server, auth=login_at(server)) as client:
        assert shape(list(client.pages(1, 20))) == "p" * 20
    assert [path for path in server.paths() if path != "/items"] == ["/login", "/refresh"]


def test_a_token_that_never_works_ends_the_run_after_one_refresh() -> None:
    final = pytest.raises(AuthenticationError, match="/items answers 401 to tokens that are fresh from login")
    server = WireServer(desk(3, lambda request: False))
    with server, client_of(server, auth=login_at(server)) as client, final:
        client.first_page(1)
    assert server.paths() == ["/login", "/items", "/refresh", "/items"]


def test_wrong_credentials_cost_exactly_one_request_however_many_fetch() -> None:
    refusal = as_json({"error": "correct-horse-battery"}, 401)
    with WireServer(in_turn(refusal)) as server, client_of(server, auth=login_at(server)) as client:
        with pytest.raises(AuthenticationError) as caught:
            list(client.pages(1, 40))
        with pytest.raises(AuthenticationError):
            client.authenticate()
    assert server.paths() == ["/login"]
    assert str(caught.value) == f"{server.url}/login answers 401 to our credentials"


def test_a_login_that_drips_is_ended_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.clients.auth.desk.LOGIN_DEADLINE", 0.1)
    slow = drip(head(200, content_length=9000), at_once=10)
    with WireServer(in_turn(slow, TOKEN)) as server, client_of(server, auth=login_at(server)) as client:
        begin = time.monotonic()
        client.authenticate()
        assert time.monotonic() - begin < 5
    assert server.paths() == ["/login", "/login"]


def test_a_login_on_the_way_to_a_page_does_not_spend_the_pages_time() -> None:
    busy = as_json({}, 503, retry_after=1)
    answers = {"/login": [busy, TOKEN]}

    def route(request: Request) -> Answer:
        return answers["/login"].pop(0) if request.path == "/login" else whole(page())

    with WireServer(route) as server, client_of(server, auth=login_at(server), page_deadline=0.5) as client:
        assert client.first_page(1).number == 1
    assert server.paths().count("/login") == 2


def test_a_dead_login_ends_the_run_after_attempts_of_its_own() -> None:
    server = WireServer(in_turn(whole(b"hidden", 500)))
    with server, client_of(server, auth=login_at(server)) as client, pytest.raises(AuthenticationError) as caught:
        client.authenticate()
    assert "hidden" not in str(caught.value)
    assert server.paths() == ["/login"] * LOGIN_ATTEMPTS


def test_a_secret_that_the_server_echoes_is_not_shown() -> None:
    key = "an-api-key-of-" + "1200-bytes" * 120
    echo = as_json({"error": f"key {key} is unknown"}, 403)
    error, _ = first_page_of(in_turn(echo), headers={"X-Api-Key": key})
    assert isinstance(error, RequestRefusedError)
    assert "an-api-key" not in str(error)
    assert "key *** is unknown" in str(error)


# Closing


@pytest.mark.parametrize(
    "answer",
    [silence, drip(head(200, content_length=9000), at_once=20), as_json({}, 429, retry_after=250), whole(b"", 500)],
    ids=["silence", "drip", "a long Retry-After", "failures"],
)
def test_close_ends_requests_waits_and_those_who_wait_for_a_slot(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.clients.http.retries.BACKOFF_BASE", 1000)
    monkeypatch.setattr("seawall.clients.http.retries.BACKOFF_CAP", 1000)
    enough, ended = threading.Event(), threading.Event()

    def route(request: Request) -> Answer:
        enough.set()
        return answer

    def consume() -> None:
        try:
            list(client.pages(1, 50))
        except SourceError:
            ended.set()

    with WireServer(route) as server:
        client = client_of(server, max_in_flight=2, give_up_after=10**6)
        consumer = threading.Thread(target=consume)
        consumer.start()
        assert enough.wait(10)
        begin = time.monotonic()
        client.close()
        assert time.monotonic() - begin < 5
        assert ended.wait(5)
        consumer.join(5)
        asked = len(server.requests)
        client.close()  # once more does no harm
    assert len(server.requests) <= max(asked, 2)  # of two on the wire, one may be read late


def test_a_walk_that_is_left_early_leaves_nothing_behind() -> None:
    with WireServer(by_page(1000)) as server:
        with client_of(server) as client:
            for outcome in client.pages(1, 1000):
                if outcome.number == 3:
                    break
        left = [thread for thread in threading.enumerate() if thread.name.startswith("fetch-items")]
    assert left == []
    assert len(server.requests) < 100


def test_an_error_in_the_middle_of_a_page_is_an_attempt() -> None:
    error, _ = first_page_of(in_turn(reset), max_attempts=2)
    assert isinstance(error, PageFailedError)
    assert isinstance(error.__cause__, AttemptError)
    assert (error.number, error.causes) == (1, ("reset", "reset"))


def test_a_page_of_nothing_but_rejected_records_is_no_end_of_the_walk() -> None:
    body = {"metadata": {"total_pages": 1, "total_records": 1}, "data": [{"id": 1}]}

    def route(request: Request) -> Answer:
        return as_json(body if request.page == 1 else body | {"data": [None]})

    outcomes, _ = walk(route, 2)
    assert [type(outcome) for outcome in outcomes] == [Page, Page]
    last = page_of(outcomes, 2)
    assert [each.record for each in last.rejected] == [b"null"]
    assert last.records == []
