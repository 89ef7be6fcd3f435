"""What holds for every kind that gets tokens, on real sockets: what wrong credentials cost, and how often it renews."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import AuthenticationError
from seawall.clients.limits import LOGIN_ATTEMPTS
from seawall.clients.source import ApiSource
from seawall.tests.keys import pem, rsa_key
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, page, whole

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

PASSWORD = "correct-horse-battery"
FETCHERS = 8

KINDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "login": lambda url: {"kind": "login", "login_url": f"{url}/desk", "username": "me", "password": PASSWORD},
    "login by header": lambda url: KINDS["login"](url) | {"access_token_path": "header:X-Subject-Token"},
    "oauth2": lambda url: {
        "kind": "oauth2", "token_url": f"{url}/desk", "client_id": "me", "client_secret": PASSWORD,
    },
    "oauth2 refresh_token": lambda url: {
        "kind": "oauth2", "token_url": f"{url}/desk", "client_id": "me",
        "grant": "refresh_token", "refresh_token": PASSWORD,
    },
    "jwt_bearer": lambda url: {
        "kind": "jwt_bearer", "token_url": f"{url}/desk", "issuer": "me", "private_key": pem(rsa_key()),
    },
    "session": lambda url: {"kind": "session", "login_url": f"{url}/desk", "username": "me", "password": PASSWORD},
}  # fmt: skip


class Site:
    """Hands out `token-1`, `token-2` … at its desk in every way at once; only the last one is good."""

    def __init__(self, *answers: Answer) -> None:
        self.first = list(answers)  # of the desk
        self.tokens = 0
        self.statuses: Counter[int] = Counter()
        self.lock = threading.Lock()
        self.together = threading.Barrier(FETCHERS)
        self.stale = ""

    def route(self, request: Request) -> Answer:
        if request.path == "/desk":
            with self.lock:
                return self.first.pop(0) if self.first else self.welcome()
        token = request.token or request.headers.get("cookie", "").removeprefix("sid=")
        if token == self.stale:
            self.together.wait(20)  # all hold the old token before any hears that it is stale
        status = 200 if token == f"unguessable-{self.tokens}" and token != self.stale else 401
        self.statuses[status] += 1
        return whole(page(request.page, 8), status)

    def welcome(self) -> Answer:
        self.tokens += 1
        token = f"unguessable-{self.tokens}"
        body = {"access_token": token, "refresh_token": f"again-{self.tokens}"}
        return as_json(body, x_subject_token=token, set_cookie=f"sid={token}; Path=/; HttpOnly")


def client_of(server: WireServer, kind: str) -> ApiClient:
    return ApiClient(ApiSource(name="items", url=f"{server.url}/items", auth=KINDS[kind](server.url)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_gets_in(kind: str, served: Callable[[Route], WireServer]) -> None:
    site = Site()
    server = served(site.route)
    with client_of(server, kind) as client:
        client.authenticate()
        assert client.first_page().sent_records == 2
    assert server.paths() == ["/desk", "/items"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_wrong_credentials_cost_exactly_one_request(
    kind: str, status: int, served: Callable[[Route], WireServer]
) -> None:
    server = served(Site(as_json({"you_sent": PASSWORD}, status)).route)
    with client_of(server, kind) as client:
        for ask in (client.authenticate, client.first_page):
            with pytest.raises(AuthenticationError, match=f"/desk answers {status} to our credentials") as caught:
                ask()
            assert PASSWORD not in str(caught.value)
    assert server.paths() == ["/desk"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_desk_that_is_down_has_attempts_of_its_own(kind: str, served: Callable[[Route], WireServer]) -> None:
    site = Site(*[whole(b"oops", 503)] * (LOGIN_ATTEMPTS - 1))
    server = served(site.route)
    with client_of(server, kind) as client:
        client.authenticate()
    assert server.paths() == ["/desk"] * LOGIN_ATTEMPTS
    site.first = [whole(b"oops", 503)] * LOGIN_ATTEMPTS
    with client_of(server, kind) as client, pytest.raises(AuthenticationError, match="no token after 5 attempts"):
        client.authenticate()
    assert server.paths() == ["/desk"] * 2 * LOGIN_ATTEMPTS


@pytest.mark.parametrize("kind", KINDS)
def test_many_fetchers_that_meet_the_same_stale_token_renew_it_once(
    kind: str, served: Callable[[Route], WireServer]
) -> None:
    site = Site()
    server = served(site.route)
    with client_of(server, kind) as client:
        client.first_page()
        site.stale = "unguessable-1"
        assert len(list(client.pages(1, FETCHERS))) == FETCHERS
    assert site.tokens == 2
    assert site.statuses == {200: 1 + FETCHERS, 401: FETCHERS}
