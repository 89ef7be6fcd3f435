"""Accounts on real sockets: what clients of one API share, and that each of them stops and fails for itself."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from seawall.clients.account import Accounts
from seawall.clients.api import ApiClient
from seawall.clients.errors import (
    AuthenticationError,
    PageFailedError,
    SourceDownError,
    SourceError,
    WalkStoppedError,
)
from seawall.clients.limits import MALFORMED_ATTEMPTS
from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource
from seawall.tests.wireserver import Answer, Request, Route, WireServer, after, as_json, page, whole

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

PASSWORD = "correct-horse-battery"
PAGES = 30
FIRST_TOKEN = "token-of-the-account-00000001"


class Api:
    """Endpoints behind one login, whose tokens last for some requests; `special` answers stand in for an endpoint's."""

    def __init__(self, token_requests: int = 1_000, **special: Route) -> None:
        self.token_requests, self.special = token_requests, special
        self.logins = 0
        self.uses: Counter[str] = Counter()
        self.password = PASSWORD
        self._lock = threading.Lock()

    def route(self, request: Request) -> Answer:
        if request.path == "/login":
            return self._login(request)
        with self._lock:
            self.uses[request.token] += 1
            is_current = request.token == self._token() and self.uses[request.token] <= self.token_requests
        if not is_current:
            return as_json({"error": "token expired"}, 401)
        special = self.special.get(request.path.strip("/"))
        return special(request) if special else whole(page(request.page, PAGES))

    def _login(self, request: Request) -> Answer:
        with self._lock:
            if json.loads(request.body)["password"] != self.password:
                return as_json({}, 401)
            self.logins += 1
            return as_json({"access_token": self._token()})

    def _token(self) -> str:
        return f"token-of-the-account-{self.logins:08d}"


class Clients:
    """Clients of endpoints of one server, which share what they can."""

    def __init__(self, server: WireServer) -> None:
        self.server, self.accounts = server, Accounts()
        self.all: list[ApiClient] = []

    def of(self, path: str, *, max_in_flight: int = 4, password: str = PASSWORD, **changes: Any) -> ApiClient:
        url = self.server.url
        login = {"kind": "login", "login_url": f"{url}/login", "username": "me", "password": password}
        fields = {"name": path, "url": f"{url}/{path}", "auth": login, "max_attempts": 6} | changes
        client = ApiClient(ApiSource(**fields), max_in_flight=max_in_flight, accounts=self.accounts)
        self.all.append(client)
        return client


Build = Callable[[Api], Clients]


@pytest.fixture
def clients_of(served: Callable[[Route], WireServer]) -> Any:
    built: list[Clients] = []

    def build(api: Api) -> Clients:
        built.append(Clients(served(api.route)))
        return built[-1]

    yield build
    for client in [client for clients in built for client in clients.all]:
        client.close()


def walk(client: ApiClient) -> int:
    """The number of pages that a walk brings."""
    client.first_page()
    return sum(1 for _ in client.pages(1, PAGES))


def walks(*clients: ApiClient) -> list[int | SourceError]:
    """The number of pages that each walk brings, or how it ends, all at the same time."""
    results: dict[int, int | SourceError] = {}

    def run(number: int, client: ApiClient) -> None:
        try:
            results[number] = walk(client)
        except SourceError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [results[number] for number in range(len(clients))]


def soon(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_endpoints_of_one_account_log_in_once(clients_of: Build) -> None:
    api = Api()
    clients = clients_of(api)
    assert walks(*(clients.of(path) for path in ("orders", "items", "users"))) == [PAGES] * 3
    assert api.logins == 1


def test_a_token_that_is_used_up_is_renewed_once_for_all_of_them(clients_of: Build) -> None:
    api = Api(token_requests=20)
    clients = clients_of(api)
    assert walks(*(clients.of(path) for path in ("orders", "items", "users"))) == [PAGES] * 3
    requests = 3 * (PAGES + 1)
    assert requests / 20 <= api.logins <= requests / 20 + 2


def test_other_credentials_are_another_account(clients_of: Build) -> None:
    clients = clients_of(Api())
    mine, tenants = clients.of("orders"), clients.of("items", secret_headers={"X-Tenant-Key": "another tenant"})
    assert mine._account is not tenants._account
    assert mine._account is clients.of("users", params={"status": "open"})._account


def seconds_left(client: ApiClient) -> float:
    """How long its gate lets no request start."""
    return client._account.gate._pace.delay(time.monotonic())


def test_another_origin_is_another_account(clients_of: Build) -> None:
    clients = clients_of(Api())
    there = clients.server.url.replace("127.0.0.1", "localhost")
    assert clients.of("orders")._account is not clients.of("items", url=f"{there}/items")._account


def test_no_more_requests_are_on_the_wire_than_the_strictest_client_allows(clients_of: Build) -> None:
    clients = clients_of(Api())
    lenient, strict = clients.of("orders", max_in_flight=16), clients.of("items", max_in_flight=2)
    assert walks(lenient, strict) == [PAGES] * 2
    assert clients.server.most_at_once <= 2


def test_the_lowest_rate_holds_for_all_and_is_forgotten_with_who_named_it(clients_of: Build) -> None:
    clients = clients_of(Api())
    first, second = clients.of("orders", max_rate=0.001), clients.of("items")
    second.first_page()
    assert 900 < seconds_left(second) <= 1_000
    first.close()
    assert walk(second) == PAGES


def test_a_pause_that_one_is_told_holds_the_others_back(clients_of: Build) -> None:
    busy = iter([as_json({}, 429, retry_after=120)])
    clients = clients_of(Api(orders=lambda request: next(busy, whole(page(1)))))
    told, other = clients.of("orders"), clients.of("items")
    waiting = threading.Thread(target=walks, args=(told,))
    waiting.start()
    soon(lambda: seconds_left(other) > 60)
    told.stop()
    waiting.join(10)
    assert not waiting.is_alive()
    assert seconds_left(other) > 60, "it holds for whoever is left"


def test_one_that_stops_leaves_the_others_their_login_and_their_slots(clients_of: Build) -> None:
    hold = threading.Event()
    api = Api(items=lambda request: after(hold, whole(page(request.page, PAGES))))
    clients = clients_of(api)
    stuck, other = clients.of("items", max_in_flight=2), clients.of("orders", max_in_flight=2)
    ended: list[BaseException] = []

    def ask(number: int) -> None:
        try:
            stuck.page(number)
        except SourceError as error:
            ended.append(error)

    waiting = [threading.Thread(target=ask, args=(number,)) for number in range(1, 7)]
    for thread in waiting:
        thread.start()
    soon(lambda: stuck._account.gate._pace.in_flight == 2)
    stuck.stop()
    for thread in waiting:
        thread.join(10)
    assert {type(error) for error in ended} == {WalkStoppedError}
    assert len(ended) == 6
    assert walk(other) == PAGES
    assert api.logins == 1
    hold.set()


def test_one_whose_endpoint_is_down_takes_no_other_along(clients_of: Build) -> None:
    clients = clients_of(Api(items=lambda request: as_json({}, 500)))
    down, well = walks(clients.of("items", give_up_after=5), clients.of("orders", give_up_after=5))
    assert isinstance(down, SourceDownError)
    assert well == PAGES


def test_one_that_is_shut_out_ends_soon_and_the_others_go_on(clients_of: Build) -> None:
    api = Api(items=lambda request: as_json({"error": "not for you"}, 401))
    clients = clients_of(api)
    well = clients.of("orders")
    assert walk(well) == PAGES
    shut_out, well_again = walks(clients.of("items", max_attempts=50), well)
    assert isinstance(shut_out, PageFailedError)
    assert "answers 401 for page 1" in str(shut_out)
    assert well_again == PAGES
    assert api.logins <= 1 + 2 * MALFORMED_ATTEMPTS


def test_refused_credentials_are_asked_for_anew_by_who_comes_later(clients_of: Build) -> None:
    api = Api()
    api.password = "changed-meanwhile"
    clients = clients_of(api)
    for path in ("orders", "items"):
        with pytest.raises(AuthenticationError):
            clients.of(path).authenticate()
    api.password = PASSWORD
    clients.of("users").authenticate()
    assert api.logins == 1


def test_a_token_is_masked_until_the_last_one_leaves_and_then_the_account_is_closed(clients_of: Build) -> None:
    api = Api()
    clients = clients_of(api)
    first, last = clients.of("orders"), clients.of("items")
    first.authenticate()
    first.close()
    assert SECRETS._secrets[FIRST_TOKEN] > 0
    last.close()
    assert FIRST_TOKEN not in SECRETS._secrets
    clients.of("users").authenticate()
    assert api.logins == 2


def test_an_account_that_is_kept_outlives_its_users_and_is_closed_with_its_keeper(clients_of: Build) -> None:
    api = Api()
    clients = clients_of(api)
    with clients.accounts.kept():
        for path in ("orders", "items"):
            client = clients.of(path)
            assert walk(client) == PAGES
            client.close()
        assert api.logins == 1
    assert FIRST_TOKEN not in SECRETS._secrets
    clients.of("users").authenticate()
    assert api.logins == 2
