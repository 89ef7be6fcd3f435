"""The desk: a login that fails ends a run, whatever fails besides, and nobody waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import AuthenticationError, SourceDownError, SourceError, UnreachableError, WalkStoppedError
from seawall.clients.limits import LOGIN_ATTEMPTS
from seawall.clients.source import ApiSource
from seawall.tests.inline import quiet
from seawall.tests.walks import client_of
from seawall.tests.wireserver import Answer, Request, WireServer, as_json, page, silence, whole

pytestmark = pytest.mark.faults

LOGIN = {"kind": "login", "login_url": "http://127.0.0.1:9/login", "username": "me", "password": "correct-horse"}
PATIENCE = 20.0  # seconds, so that a test that would wait for ever fails

Login = Callable[[httpx.Request], httpx.Response]


def _refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("[Errno 111] Connection refused", request=request)


DEAD: dict[str, Login] = {
    "503": lambda request: httpx.Response(503, stream=httpx.ByteStream(b"{}")),
    "refused": _refused,
    "malformed": lambda request: httpx.Response(200, stream=httpx.ByteStream(b"<html>Sign in</html>")),
}


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    with quiet():
        yield


class Outage(httpx.BaseTransport):
    """Its first page comes, then `failures` pages fail, then its tokens are dead and so is the login, but the first."""

    def __init__(self, login: Login, *, failures: int, logins: int = 1) -> None:
        self._login, self._failures, self._logins = login, failures, logins
        self._pages, self._lock = count(), threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if request.url.path == "/login":
                self._logins -= 1
                return _ok(b'{"access_token": "token-1"}') if self._logins >= 0 else self._login(request)
            asked = next(self._pages)
        if not asked:
            return _ok(page(1, 40))
        return httpx.Response(500 if asked <= self._failures else 401, stream=httpx.ByteStream(b"{}"))


def _ok(body: bytes) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(body))


def _source(**changes: Any) -> ApiSource:
    return ApiSource(**{"name": "items", "url": "http://127.0.0.1:9/items", "auth": LOGIN} | changes)


def _client(outage: Outage, **changes: Any) -> ApiClient:
    return ApiClient(_source(**changes), transport=outage, sleep=lambda seconds: False)


def ended(work: Callable[[], object]) -> Exception:
    """How a piece of work ended, which it has to do in time, and with an error."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # the test tells which it has to be
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it waits for ever"
    (error,) = errors
    return error


@pytest.mark.parametrize("login", DEAD.values(), ids=DEAD.keys())
def test_a_dead_login_ends_every_run_at_its_beginning(login: Login) -> None:
    for give_up_after in range(1, 61):
        client = _client(Outage(login, failures=0, logins=0), give_up_after=give_up_after)
        for ask in (client.authenticate, client.first_page):
            assert isinstance(ended(ask), AuthenticationError | UnreachableError), give_up_after
        client.close()


@pytest.mark.parametrize("login", DEAD.values(), ids=DEAD.keys())
def test_a_login_that_is_dead_when_tokens_die_ends_every_run(login: Login) -> None:
    for give_up_after in range(1, 61):
        failures = max(0, give_up_after - 1 - give_up_after % LOGIN_ATTEMPTS)  # those of the login would reach it
        client = _client(Outage(login, failures=failures), give_up_after=give_up_after)
        client.first_page()
        error = ended(lambda client=client: list(client.pages(1, 40)))  # type: ignore[misc]
        assert isinstance(error, AuthenticationError | SourceDownError), give_up_after
        client.close()


@pytest.mark.parametrize("give_up_after", [1, 3, 50])
@pytest.mark.parametrize("answer", [silence, whole(b"{}", 503)], ids=["silence", "a long backoff"])
def test_stop_ends_every_wait_for_a_token(answer: Answer, give_up_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.clients.http.retries.BACKOFF_BASE", 1000)
    monkeypatch.setattr("seawall.clients.http.retries.BACKOFF_CAP", 1000)
    asked = threading.Event()

    def route(request: Request) -> Answer:
        asked.set()
        return answer if request.path == "/login" else as_json({}, 500)

    errors: list[BaseException] = []

    def fetch(client: ApiClient) -> None:
        try:
            client.first_page()
        except SourceError as error:
            errors.append(error)

    with WireServer(route) as server:
        auth = LOGIN | {"login_url": f"{server.url}/login"}
        client = client_of(server, auth=auth, give_up_after=give_up_after)
        threads = [threading.Thread(target=fetch, args=(client,), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert asked.wait(5)
        begin = time.monotonic()
        client.stop()
        for thread in threads:
            thread.join(5)
        assert time.monotonic() - begin < 5
        client.close()
    assert [type(error) for error in errors] == [WalkStoppedError] * 4
    assert server.paths() == ["/login"]
