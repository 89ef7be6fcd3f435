"""The simulator: faults that a seed decides, over real sockets and as a Lambda handler."""

import base64
import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from seawall.dev import unstable_api
from seawall.dev.customers import Customers
from seawall.dev.process import ROOT
from seawall.dev.unstable_api import Faults, Request, Server, UnstableApi, lambda_handler

LOGIN = {"username": "demo", "password": "demo-password"}
STORM: dict[str, Any] = {"http_500": 0.15, "http_503": 0.15, "http_429": 0.2, "reset": 0.1, "truncate": 0.1}
Start = Callable[..., Server]


class Client:
    """One connection to a simulator, with the token of a login."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
        self.token = ""

    def ask(self, method: str, path: str, value: object = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; raises what a broken connection makes http.client raise."""
        body = b"" if value is None else json.dumps(value).encode()
        try:
            self._connection.request(method, path, body, {"Authorization": f"Bearer {self.token}"})
            answer = self._connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise

    def json(self, method: str, path: str, value: object = None) -> Any:
        return json.loads(self.ask(method, path, value)[2])

    def login(self) -> "Client":
        self.token = self.json("POST", "/login", LOGIN)["access_token"]
        return self

    def kind(self, page: int, limit: int = 10) -> str:
        """What became of a request for a page, in the words of the statistics."""
        try:
            status, headers, body = self.ask("GET", f"/customers?page={page}&limit={limit}")
        except http.client.IncompleteRead:
            return "truncate"
        except ConnectionError:
            return "reset"
        assert json.loads(body)
        return f"{status} with Retry-After" if "Retry-After" in headers else str(status)


@pytest.fixture
def clock() -> list[float]:
    """The time in the simulator; tests move it."""
    return [1_000.0]


@pytest.fixture
def timed(clock: list[float]) -> Iterator[Callable[..., Server]]:
    """Start simulators that live by the clock."""
    with contextlib.ExitStack() as stack:
        yield lambda **faults: stack.enter_context(
            Server(UnstableApi(Customers(total=100), Faults(**faults), clock=lambda: clock[0]))
        )


# --- records and faults --------------------------------------------------------------------------


def test_every_page_is_served_with_its_records_and_the_totals(serve: Start) -> None:
    client = Client(serve(total=95, seed=4)).login()
    pages = [client.json("GET", f"/customers?page={page}&limit=10") for page in range(1, 11)]
    assert [record for page in pages for record in page["data"]] == list(Customers(seed=4, total=95).records())
    assert [page["metadata"] for page in pages] == [
        {"page": page, "total_pages": 10, "total_records": 95} for page in range(1, 11)
    ]


def _walk(server: Server) -> list[str]:
    client = Client(server).login()
    return [client.kind(page) for _ in range(3) for page in range(1, 31)]


def test_the_same_seed_gives_the_same_faults_and_records(serve: Start) -> None:
    one, same, other = (serve(total=300, seed=seed, **STORM) for seed in (5, 5, 6))
    walked = _walk(one)
    assert walked == _walk(same)
    assert walked != _walk(other)
    assert set(walked) == {"200", "500", "503", "429", "429 with Retry-After", "reset", "truncate"}


def test_faults_do_not_depend_on_the_order_of_requests(serve: Start) -> None:
    one, same = (serve(total=300, seed=5, **STORM) for _ in range(2))
    forth, back = Client(one).login(), Client(same).login()
    assert [forth.kind(page) for page in range(1, 31)] == [back.kind(page) for page in range(30, 0, -1)][::-1]


def test_page_bodies_do_not_depend_on_the_order_of_requests(serve: Start) -> None:
    forth, back = (Client(serve(total=300, seed=5)).login() for _ in range(2))
    path = "/customers?page={}&limit=10".format
    bodies = [forth.ask("GET", path(page))[2] for page in range(1, 31)]
    assert bodies == [back.ask("GET", path(page))[2] for page in range(30, 0, -1)][::-1]
    assert bodies == [forth.ask("GET", path(page))[2] for page in range(1, 31)]  # and from the cache


def test_a_page_body_is_the_same_when_the_cache_is_too_small(monkeypatch: pytest.MonkeyPatch, serve: Start) -> None:
    monkeypatch.setattr(unstable_api, "CACHED_BODIES_BYTES", 5_000)
    client = Client(serve(total=300)).login()
    walks = [[client.ask("GET", f"/customers?page={page}&limit=10")[2] for page in range(1, 31)] for _ in range(2)]
    assert walks[0] == walks[1]


@pytest.mark.parametrize(
    ("faults", "kinds"),
    [
        ({}, {"200"}),
        ({"http_500": 1.0}, {"500"}),
        ({"http_503": 1.0}, {"503"}),
        ({"http_429": 1.0}, {"429", "429 with Retry-After"}),
        ({"reset": 1.0}, {"reset"}),
        ({"truncate": 1.0}, {"truncate"}),
    ],
)
def test_a_fault_that_always_strikes_is_all_there_is(serve: Start, faults: dict[str, float], kinds: set[str]) -> None:
    client = Client(serve(total=300, **faults)).login()
    assert {client.kind(page) for page in range(1, 21)} == kinds


def test_faults_strike_about_as_often_as_asked() -> None:
    api = UnstableApi(Customers(seed=1), Faults(**STORM))
    headers = {"authorization": f"Bearer {_token(api)}"}
    for page in range(1, 2_001):
        api.answer(Request(method="GET", path="/customers", query={"page": str(page), "limit": "1"}, headers=headers))
    counted = Counter(api.stats()["answers"])
    counted["429"] += counted.pop("429 with Retry-After")
    for kind, rate in (("500", 0.15), ("503", 0.15), ("429", 0.2), ("reset", 0.1), ("truncate", 0.1), ("200", 0.3)):
        assert counted[kind] / 2_000 == pytest.approx(rate, abs=0.04)


def test_retry_after_is_seconds_on_even_pages_and_a_date_on_odd_ones(serve: Start) -> None:
    client = Client(serve(total=300, http_429=1.0, retry_after=30)).login()
    told = {page: client.ask("GET", f"/customers?page={page}&limit=10")[1].get("Retry-After") for page in range(1, 31)}
    given = {page: value for page, value in told.items() if value is not None}
    assert {page % 2 for page in given} == {0, 1}
    for page, value in given.items():
        if page % 2 == 0:
            assert value == "30"
        else:
            assert value.endswith(" GMT")
            assert parsedate_to_datetime(value).tzinfo is not None


def _raw_answer(server: Server, token: str) -> bytes:
    """All that the socket gives for page 1, until its end."""
    with socket.create_connection(("127.0.0.1", server.server_address[1]), 10) as connection:
        lines = "GET /customers?page=1&limit=10 HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "", ""
        connection.sendall("\r\n".join(lines).encode())
        received = bytearray()
        while block := connection.recv(65_536):
            received += block
        return bytes(received)


def test_a_reset_is_a_tcp_reset_without_an_answer(serve: Start) -> None:
    server = serve(reset=1.0)
    with pytest.raises(ConnectionResetError):
        _raw_answer(server, Client(server).login().token)


def test_a_truncated_body_is_half_of_what_its_length_promises(serve: Start) -> None:
    server = serve(truncate=1.0)
    head, _, body = _raw_answer(server, Client(server).login().token).partition(b"\r\n\r\n")
    promised = re.search(rb"Content-Length: (\d+)", head)
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert promised is not None
    assert len(body) == int(promised[1]) // 2 > 0


def test_latency_and_its_jitter_are_told_and_not_slept_by_the_api_itself() -> None:
    api = UnstableApi(Customers(seed=1), Faults(latency=60.0, jitter=30.0))
    headers = {"authorization": f"Bearer {_token(api)}"}
    queries = [{"page": str(page), "limit": "1"} for page in range(1, 101)]
    delays = [api.answer(Request(method="GET", path="/customers", query=q, headers=headers)).delay for q in queries]
    assert 60 <= min(delays) < 65
    assert 85 < max(delays) <= 90


def test_more_records_may_be_advertised_than_there_are(serve: Start) -> None:
    client = Client(serve(total=20, advertise=7)).login()
    page = client.json("GET", "/customers?page=2&limit=10")
    assert page["metadata"]["total_records"] == 27
    assert [record["id"] for record in page["data"]] == list(range(11, 21))


def test_a_page_beyond_the_end_is_empty(serve: Start) -> None:
    client = Client(serve(total=20)).login()
    for page in (3, 4, 10**17):
        status, _, body = client.ask("GET", f"/customers?page={page}&limit=10")
        assert (status, json.loads(body)["data"]) == (200, [])


def test_a_failing_page_fails_until_it_is_healed(serve: Start) -> None:
    client = Client(serve(total=100, fail_pages=frozenset({2, 5}))).login()
    assert [client.kind(page) for page in (1, 2, 2, 3, 5)] == ["200", "500", "500", "200", "500"]
    assert client.json("POST", "/heal") == {"healed": [2, 5]}
    assert [client.kind(page) for page in (2, 5)] == ["200", "200"]


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=x", "page=1.5", "page=1e3", "page=+1", "page=%D9%A1", "page=", "page=%20",
        "limit=0", "limit=-5", "limit=10001", "limit=many", f"page={'9' * 5_000}", f"limit={'9' * 5_000}",
    ],
)  # fmt: skip
def test_nonsense_is_answered_400(serve: Start, query: str) -> None:
    client = Client(serve()).login()
    assert client.ask("GET", f"/customers?{query}")[0] == 400


def test_an_unknown_path_is_answered_404(serve: Start) -> None:
    client = Client(serve())
    assert client.ask("GET", "/nothing")[0] == client.ask("POST", "/customers")[0] == 404


# --- tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"username":"demo"}', b'{"username":"demo","password":"wrong"}',
        b'{"username":"demo","password":"demo-password","more":1}', b'{"username":["demo"],"password":null}',
    ],
)  # fmt: skip
def test_a_wrong_login_is_refused_and_counted(body: bytes) -> None:
    api = UnstableApi()
    assert api.answer(Request(method="POST", path="/login", body=body)).status == 401
    assert api.stats()["rejected_logins"] == 1


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer none", "Basic ZGVtbzpkZW1v"])
def test_a_page_without_a_good_token_is_refused(header: str) -> None:
    api = UnstableApi()
    _token(api)
    assert api.answer(Request(method="GET", path="/customers", headers={"authorization": header})).status == 401
    assert api.answer(Request(method="GET", path="/customers")).status == 401


def test_a_token_expires_after_its_number_of_requests(serve: Start) -> None:
    client = Client(serve(total=100, token_requests=3)).login()
    assert [client.kind(page) for page in (1, 2, 3, 4, 5)] == ["200", "200", "200", "401", "401"]
    client.login()
    assert client.kind(4) == "200"
    assert client.json("GET", "/stats")["expired_tokens"] == 1


def test_a_token_expires_after_its_seconds(timed: Start, clock: list[float]) -> None:
    client = Client(timed(token_seconds=60.0)).login()
    clock[0] += 60
    assert client.kind(1) == "200"
    clock[0] += 0.5
    assert client.kind(1) == "401"
    assert client.login().kind(1) == "200"


def test_a_login_tells_how_long_its_token_lives(timed: Start) -> None:
    assert Client(timed(token_seconds=60.9)).json("POST", "/login", LOGIN)["expires_in"] == 60
    assert Client(timed(token_seconds=0.2)).json("POST", "/login", LOGIN)["expires_in"] == 1


def test_a_refresh_gives_a_fresh_token(timed: Start, clock: list[float]) -> None:
    client = Client(timed(token_seconds=60.0))
    given = client.json("POST", "/login", LOGIN)
    clock[0] += 61
    fresh = client.json("POST", "/refresh", {"refresh_token": given["refresh_token"]})
    assert fresh["access_token"] != given["access_token"]
    assert fresh["refresh_token"] != given["refresh_token"]
    client.token = fresh["access_token"]
    assert client.kind(1) == "200"
    stats = client.json("GET", "/stats")
    assert (stats["logins"], stats["refreshes"]) == (1, 1)


@pytest.mark.parametrize("value", [None, {}, {"refresh_token": "none"}, {"refresh_token": None}, {"refresh_token": []}])
def test_an_unknown_refresh_token_is_refused(serve: Start, value: object) -> None:
    assert Client(serve()).ask("POST", "/refresh", value)[0] == 401


def test_an_access_token_refreshes_nothing(serve: Start) -> None:
    client = Client(serve()).login()
    assert client.ask("POST", "/refresh", {"refresh_token": client.token})[0] == 401


# --- statistics ----------------------------------------------------------------------------------


def test_statistics_count_by_page_and_by_answer(serve: Start) -> None:
    client = Client(serve(total=100, fail_pages=frozenset({2}), token_requests=6))
    client.kind(1)
    client.login()
    for page in (1, 2, 2, 10, 2, 1):
        client.kind(page)
    client.kind(1)
    client.ask("GET", "/customers?page=x")
    assert client.json("GET", "/stats") == {
        "requests": 9,
        "pages": {"1": 2, "2": 3, "10": 1},
        "answers": {"200": 3, "400": 1, "401": 2, "500": 3},
        "logins": 1, "rejected_logins": 0, "refreshes": 0, "expired_tokens": 1,
    }  # fmt: skip


def test_statistics_add_up_when_many_ask_at_once(serve: Start) -> None:
    server = serve(total=1_000, seed=5, **STORM)

    def walk(number: int) -> list[str]:
        client = Client(server).login()
        return [client.kind(page) for page in range(1, 26)]

    with ThreadPoolExecutor(4) as pool:
        told = Counter(kind for kinds in pool.map(walk, range(4)) for kind in kinds)
    stats = Client(server).json("GET", "/stats")
    assert stats["pages"] == {str(page): 4 for page in range(1, 26)}
    assert stats["answers"] == dict(told)
    assert (stats["requests"], stats["logins"]) == (100, 4)


# --- a Lambda function ---------------------------------------------------------------------------


def _token(api: UnstableApi) -> str:
    answer = api.answer(Request(method="POST", path="/login", body=json.dumps(LOGIN).encode()))
    return str(json.loads(answer.body)["access_token"])


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """Call the function URL of a fresh execution environment."""
    monkeypatch.setenv("UNSTABLE_API_TOTAL", "30")
    unstable_api._lambda_api.cache_clear()

    def call(method: str, path: str, **event: Any) -> dict[str, Any]:
        given = {"version": "2.0", "rawPath": path, "requestContext": {"http": {"method": method, "path": path}}}
        return lambda_handler(given | event, None)

    yield call
    unstable_api._lambda_api.cache_clear()


def _lambda_login(function: Callable[..., dict[str, Any]], **event: Any) -> dict[str, str]:
    answer = function("POST", "/login", **{"body": json.dumps(LOGIN), "isBase64Encoded": False} | event)
    assert answer["statusCode"] == 200
    return {"Authorization": f"Bearer {json.loads(answer['body'])['access_token']}"}


def test_the_function_serves_a_page_to_a_token(function: Callable[..., dict[str, Any]]) -> None:
    headers = _lambda_login(function)
    answer = function("GET", "/customers", headers=headers, queryStringParameters={"page": "3", "limit": "10"})
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert answer["headers"]["Content-Type"] == "application/json"
    assert json.loads(answer["body"])["data"] == list(Customers(total=30).records(21, 30))
    assert function("GET", "/customers")["statusCode"] == 401
    assert function("GET", "/elsewhere")["statusCode"] == 404


def test_the_function_understands_a_base64_body(function: Callable[..., dict[str, Any]]) -> None:
    body = base64.b64encode(json.dumps(LOGIN).encode()).decode()
    headers = _lambda_login(function, body=body, isBase64Encoded=True)
    assert function("GET", "/customers", headers=headers)["statusCode"] == 200


@pytest.mark.parametrize("fault", ["RESET", "TRUNCATE"])
def test_the_function_answers_502_for_a_broken_connection(
    function: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv(f"UNSTABLE_API_{fault}", "1")
    answer = function("GET", "/customers", headers=_lambda_login(function))
    assert answer["statusCode"] == 502
    assert json.loads(answer["body"]) == {"error": "bad_gateway"}


def test_the_function_takes_every_setting_from_its_environment(
    function: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"FAIL_PAGES": "1,3", "ADVERTISE": "5", "HTTP_429": "0", "TOKEN_SECONDS": "90.5"}.items():
        monkeypatch.setenv(f"UNSTABLE_API_{name}", text)
    headers = _lambda_login(function)
    assert function("GET", "/customers", headers=headers)["statusCode"] == 500
    page = function("GET", "/customers", headers=headers, queryStringParameters={"page": "2", "limit": "10"})
    assert json.loads(page["body"])["metadata"]["total_records"] == 35
    assert unstable_api._lambda_api().faults == Faults(fail_pages=frozenset({1, 3}), advertise=5, token_seconds=90.5)


def test_the_function_keeps_its_state_between_events(function: Callable[..., dict[str, Any]]) -> None:
    headers = _lambda_login(function)
    for _ in range(3):
        function("GET", "/customers", headers=headers)
    assert json.loads(function("GET", "/stats")["body"])["pages"] == {"1": 3}


# --- a command -----------------------------------------------------------------------------------


def test_the_command_serves_what_its_options_ask_for() -> None:
    command = [
        sys.executable,
        "-m",
        "seawall.dev.unstable_api",
        "--port=0",
        "--total=30",
        "--fail-pages=2",
        "--seed",
        "4",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = re.search(r"http://127\.0\.0\.1:(\d+)/customers", process.stdout.readline())
            assert port is not None
            connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=10)
            connection.request("POST", "/login", json.dumps(LOGIN))
            token = json.loads(connection.getresponse().read())["access_token"]
            answers = []
            for page in (1, 2):
                connection.request(
                    "GET", f"/customers?page={page}&limit=10", headers={"Authorization": f"Bearer {token}"}
                )
                answer = connection.getresponse()
                answers.append((answer.status, json.loads(answer.read())))
            connection.close()
        finally:
            process.terminate()
    assert [status for status, _ in answers] == [200, 500]
    assert answers[0][1]["data"] == list(Customers(seed=4, total=30).records(1, 10))
