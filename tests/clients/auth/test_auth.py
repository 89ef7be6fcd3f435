"""Authentication: one login, one refresh at a time, and nothing secret in what is said about it."""

import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from seawall.clients.auth.credentials import Means
from seawall.clients.auth.forms import ApiKey, Bearer, NoAuth
from seawall.clients.auth.login import Login
from seawall.clients.auth.tokens import TokenAuth, TokenRequest
from seawall.clients.errors import AuthenticationError, RetryAfterTooLongError
from seawall.clients.http.exchange import Answer as Reply
from seawall.clients.http.pacing import Pacing
from seawall.clients.limits import EXPIRY_MARGIN, LOGIN_ATTEMPTS, REMEMBERED_TOKENS
from seawall.clients.redact import SECRETS, redact
from seawall.tests.wireserver import Answer, Request, WireServer, as_json, hang_up, head, in_turn, raw, reset, whole

pytestmark = pytest.mark.faults

PASSWORD = "correct-horse-battery"
LOGIN = "https://api.example.com/login"
REFRESH = "https://api.example.com/refresh"


def login(url: str = "https://api.example.com", *, refresh: bool = True) -> Login:
    refresh_url = f"{url}/refresh" if refresh else None
    return Login(login_url=f"{url}/login", username="me", password=SecretStr(PASSWORD), refresh_url=refresh_url)


def answer_of(status: int, content: bytes, url: str) -> Reply:
    return Reply(url=httpx.URL(url), status=status, headers=httpx.Headers(), content=content, seconds=0.0)


class Desk:
    """Hands out the tokens `a1`, `a2` … for `send`; `now` is the time, `asked` what came in."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {"expires_in": 3600} | answer
        self.reject_refresh = False
        self.now = 0.0
        self.asked: list[tuple[str, dict[str, str]]] = []

    def clock(self) -> float:
        return self.now

    def __call__(self, asked: TokenRequest) -> Reply:
        url = asked.url
        self.asked.append((url, dict(asked.fields)))
        number = len(self.asked)
        if url == REFRESH and self.reject_refresh:
            return answer_of(401, b"no", url)
        tokens: dict[str, Any] = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
        answer = {name: value for name, value in (tokens | self.answer).items() if value is not ...}
        return answer_of(200, json.dumps(answer).encode(), url)

    @property
    def paths(self) -> list[str]:
        return [url.rpartition("/")[2] for url, _ in self.asked]


def auth_at(desk: Desk, *, refresh: bool = True) -> TokenAuth:
    return TokenAuth(login(refresh=refresh), send=desk, clock=desk.clock)


class Api:
    """Lets the tokens in `good` in; `seen` is what each request was signed with."""

    def __init__(self, auth: httpx.Auth, good: Callable[[str], bool]) -> None:
        self.good = good
        self.seen: list[str] = []
        self._lock = threading.Lock()
        self._client = httpx.Client(transport=httpx.MockTransport(self._answer), auth=auth)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._lock:
            self.seen.append(token)
        return httpx.Response(200 if self.good(token) else 401)

    def get(self) -> int:
        return self._client.get("https://api.example.com/items?key=hidden").status_code


# Tokens


def test_one_login_serves_many_requests() -> None:
    desk = Desk()
    api = Api(auth_at(desk), good=lambda token: True)
    assert [api.get() for _ in range(5)] == [200] * 5
    assert api.seen == ["access-1"] * 5
    assert desk.asked == [(LOGIN, {"username": "me", "password": PASSWORD})]


@pytest.mark.parametrize(
    ("life", "margin"), [(3600, EXPIRY_MARGIN), ("3600", EXPIRY_MARGIN), (60, 6), (1.5, 0.15), (301, EXPIRY_MARGIN)]
)
def test_a_token_is_refreshed_ahead_of_its_end(life: Any, margin: float) -> None:
    desk = Desk(expires_in=life)
    auth = auth_at(desk)
    first = auth.token()
    desk.now = float(life) - margin - 0.01
    assert auth.token() is first
    desk.now = float(life) - margin
    assert auth.token().access == "access-2"
    assert desk.asked[1:] == [(REFRESH, {"refresh_token": "refresh-1"})]


@pytest.mark.parametrize(
    "life", [..., None, "soon", "", 0, -5, "NaN", "Infinity", [], {}, 10**400], ids=lambda life: str(life)[:10]
)
def test_a_life_that_says_nothing_leaves_the_end_to_the_401(life: object) -> None:
    desk = Desk(expires_in=life)
    auth = auth_at(desk)
    first = auth.token()
    desk.now = 1e12
    assert auth.token() is first


def test_a_401_mid_run_refreshes_once_and_replays_the_request() -> None:
    desk = Desk()
    api = Api(auth_at(desk), good=lambda token: True)
    api.get()
    api.good = lambda token: token == "access-2"
    assert api.get() == 200
    assert api.seen == ["access-1", "access-1", "access-2"]
    assert desk.paths == ["login", "refresh"]


def test_without_a_refresh_url_a_stale_token_means_a_new_login() -> None:
    desk = Desk()
    api = Api(auth_at(desk, refresh=False), good=lambda token: token == "access-2")
    assert api.get() == 200
    assert desk.paths == ["login", "login"]


def test_without_a_refresh_token_a_stale_token_means_a_new_login() -> None:
    desk = Desk(refresh_token=...)
    api = Api(auth_at(desk), good=lambda token: token == "access-2")
    assert api.get() == 200
    assert desk.paths == ["login", "login"]


@pytest.mark.parametrize("answered", [..., None, "", 7, ["x"]])
def test_a_refresh_that_brings_no_new_refresh_token_leaves_the_old_one(answered: object) -> None:
    desk = Desk(expires_in=100)
    auth = auth_at(desk)
    auth.token()
    desk.answer["refresh_token"] = answered
    for _ in range(2):
        desk.now += 100
        auth.token()
    assert desk.asked[1:] == [(REFRESH, {"refresh_token": "refresh-1"})] * 2


def test_a_rejected_refresh_token_means_one_new_login() -> None:
    desk = Desk()
    auth = auth_at(desk)
    first = auth.token()
    desk.reject_refresh = True
    assert auth.token(stale=first).access == "access-3"
    assert desk.paths == ["login", "refresh", "login"]


def test_a_401_to_a_token_fresh_from_login_that_never_worked_is_final() -> None:
    desk = Desk()
    api = Api(auth_at(desk), good=lambda token: False)
    with pytest.raises(AuthenticationError, match=r"/items answers 401 to tokens that are fresh from login") as caught:
        api.get()
    assert "hidden" not in str(caught.value)
    assert len(api.seen) == 2


def test_a_401_to_a_fresh_token_that_has_let_another_in_is_left_to_the_retries() -> None:
    auth = auth_at(Desk())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer access-2":
            auth.token().proven = True  # by another fetcher, while this request was on its way
        return httpx.Response(401)

    client = httpx.Client(transport=httpx.MockTransport(answer), auth=auth)
    assert client.get("https://api.example.com/").status_code == 401


def test_each_attempt_is_signed_anew() -> None:
    desk = Desk()
    auth = auth_at(desk)
    api = Api(auth, good=lambda token: True)
    first = auth.token()
    api.get()
    auth.token(stale=first)  # the token dies during a backoff
    api.get()
    assert api.seen == ["access-1", "access-2"]


def test_32_threads_that_meet_a_stale_token_make_one_refresh() -> None:
    desk = Desk()
    auth = auth_at(desk)
    auth.token()
    together = threading.Barrier(32)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer access-1":
            together.wait(20)  # all of them hold the old token before any hears that it is stale
            return httpx.Response(401)
        return httpx.Response(200)

    statuses: list[int] = []
    client = httpx.Client(transport=httpx.MockTransport(answer), auth=auth)
    threads = [
        threading.Thread(target=lambda: statuses.append(client.get("https://api.example.com/").status_code))
        for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 32
    assert desk.paths == ["login", "refresh"]


def test_a_late_401_for_an_old_token_takes_the_newer_one() -> None:
    desk = Desk()
    auth = auth_at(desk)
    old = auth.token()
    new = auth.token(stale=old)
    assert auth.token(stale=old) is new
    assert desk.paths == ["login", "refresh"]


@pytest.mark.parametrize(
    "token", ["two\r\nlines", "new\nline", "tökén", "nul\x00", "bell\x07", "", " ", None, 5, ["a"], ...]
)
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(token: Any) -> None:
    desk = Desk(access_token=token)
    with pytest.raises(AuthenticationError) as caught:
        auth_at(desk).token()
    assert str(caught.value) == f"{LOGIN} answers no access_token that a header can carry"
    assert len(desk.asked) == 1


def test_refused_credentials_are_not_tried_again_by_anybody() -> None:
    asked: list[str] = []

    def refuse(request: TokenRequest) -> Reply:
        asked.append(request.url)
        return answer_of(401, f"no {PASSWORD}".encode(), request.url + "?trace=hidden")

    auth = TokenAuth(login(), send=refuse)
    refused: list[str] = []

    def ask() -> None:
        with pytest.raises(AuthenticationError) as caught:
            auth.token()
        refused.append(str(caught.value))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert asked == [LOGIN]
    assert refused == [f"{LOGIN} answers 401 to our credentials"] * 16


# What is known and what is shown


def test_nothing_shows_a_secret() -> None:
    auth = auth_at(Desk())
    token = auth.token()
    shown = f"{auth!r} {token!r} {login()!r} {login().model_dump_json()}"
    for secret in (PASSWORD, "access-1", "refresh-1"):
        assert secret not in shown
    assert "username='me'" in repr(auth)


def test_password_and_tokens_are_masked_wherever_they_turn_up() -> None:
    SECRETS.add(PASSWORD)  # as the client does with all that a source holds
    desk = Desk(access_token="unmistakable-access", refresh_token="unmistakable-refresh")
    auth_at(desk).token()
    assert redact(f"{PASSWORD} unmistakable-access unmistakable-refresh") == "*** *** ***"


def test_tokens_that_died_long_ago_are_forgotten_and_living_ones_never() -> None:
    desk = Desk(expires_in=100)
    auth = auth_at(desk)
    auth.token()
    desk.answer["refresh_token"] = ...  # the first refresh token serves for ever
    for number in range(2, 5 * REMEMBERED_TOKENS):
        desk.answer["access_token"] = f"short-lived-{number:03}"
        desk.now += 100
        auth.token()
    assert redact("refresh-1") == "***"
    assert redact(f"short-lived-{number:03}") == "***"
    assert redact("short-lived-002") == "short-lived-002"


@pytest.mark.parametrize(
    "wrong", [{"login_url": "ftp://h"}, {"username": None}, {"typo": 1}, {"password": ["hunter2"]}]
)
def test_a_form_that_makes_no_sense_is_refused_without_showing_input(wrong: dict[str, object]) -> None:
    form = {"login_url": LOGIN, "username": "me", "password": PASSWORD}
    with pytest.raises(ValidationError) as caught:
        Login.model_validate(form | wrong)
    assert PASSWORD not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("secret", ["", " ", "hunter2\r\nX: y", "hünter2", "hunter2 ", "\thunter2"])
@pytest.mark.parametrize(("form", "name"), [(Bearer, "token"), (ApiKey, "key")])
def test_a_secret_that_no_request_can_carry_is_refused_unseen(
    form: type[Bearer | ApiKey], name: str, secret: str
) -> None:
    with pytest.raises(ValidationError, match="no request can carry this") as caught:
        form.model_validate({name: secret})
    assert "nter2" not in str(caught.value)


def test_no_auth_signs_nothing_and_sends_nothing() -> None:
    api = Api(NoAuth().build(Means(client=httpx.Client(), pacing=Pacing())), good=lambda token: token == "")
    assert api.get() == 200
    assert NoAuth().urls() == []


# The requests for a token, on real sockets


TOKEN = as_json({"access_token": "access", "refresh_token": "refresh", "expires_in": 60})


@pytest.fixture(autouse=True)
def _short_backoffs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.clients.http.retries.BACKOFF_BASE", 0.001)
    monkeypatch.setattr("seawall.clients.http.retries.RETRY_AFTER_FLOOR", 0.001)


def token_from(server: WireServer, *, give_up_after: int = 50, max_retry_after: float = 300) -> str:
    with httpx.Client(trust_env=False, timeout=10) as client:
        pacing = Pacing(give_up_after=give_up_after)
        means = Means(client=client, pacing=pacing, max_retry_after=max_retry_after)
        return login(server.url).build(means).token().access


PASSING: dict[str, Answer] = {
    "500": whole(b"oops", 500),
    "503": whole(b"", 503),
    "429": as_json({}, 429, retry_after=0),
    "408": whole(b"", 408),
    "HTML": whole(b"<html>Sign in</html>"),
    "empty": whole(b""),
    "204": whole(b"", 204),
    "a redirect to a login page": whole(b"", 302, location="/sso"),
    "a list": as_json([]),
    "invalid UTF-8": whole(b'{"access_token":"\xff"}'),
    "nested without end": whole(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "cut": whole(b'{"access_token":"acc'),
    "reset": reset,
    "no answer": hang_up,
    "not gzip": whole(b"{}", content_encoding="gzip"),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING.keys())
def test_a_login_that_fails_for_a_moment_is_tried_again(answer: Answer) -> None:
    with WireServer(in_turn(answer, answer, TOKEN)) as server:
        assert token_from(server) == "access"
    assert server.paths() == ["/login"] * 3


def cut_login(body: bytes, **headers: str) -> Answer:
    """An answer to a login whose Content-Length ends 4 bytes too early, on a connection that stays."""
    return raw(head(200, content_length=len(body) - 4, **headers) + body, stay=True)


@pytest.mark.parametrize(
    "cut", [cut_login(b'{"access_token": "a"}'), cut_login(gzip.compress(b"{}"), content_encoding="gzip")]
)
def test_a_login_that_is_cut_costs_the_next_one_nothing(cut: Answer) -> None:
    with WireServer(in_turn(cut, TOKEN)) as server:
        assert token_from(server) == "access"
    assert server.paths() == ["/login"] * 2


@pytest.mark.parametrize(
    "answer", [whole(b"hidden-in-body", 500), whole(b"hidden-in-body"), whole(b'"hidden-in-body"', 429)]
)
def test_a_login_that_keeps_failing_ends_the_run_without_its_body(answer: Answer) -> None:
    with WireServer(in_turn(answer)) as server, pytest.raises(AuthenticationError) as caught:
        token_from(server)
    assert f"no token after {LOGIN_ATTEMPTS} attempts; the last: {server.url}/login answers" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert len(server.requests) == LOGIN_ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_wrong_credentials_cost_exactly_one_request(status: int) -> None:
    answer = as_json({"you_sent": PASSWORD}, status)
    with WireServer(in_turn(answer)) as server, pytest.raises(AuthenticationError) as caught:
        token_from(server)
    assert str(caught.value) == f"{server.url}/login answers {status} to our credentials"
    assert len(server.requests) == 1


def test_a_redirected_login_does_not_carry_the_password_on() -> None:
    elsewhere = WireServer(in_turn(TOKEN))
    redirect = in_turn(whole(b"", 307, location=f"{elsewhere.url}/login"))
    with elsewhere, WireServer(redirect) as server, pytest.raises(AuthenticationError):
        token_from(server)
    assert elsewhere.requests == []


def test_a_login_told_to_wait_too_long_ends_the_run() -> None:
    too_long = pytest.raises(RetryAfterTooLongError, match="asks for 99 s, cap is 10 s")
    with WireServer(in_turn(as_json({}, 429, retry_after=99))) as server, too_long:
        token_from(server, max_retry_after=10)


def test_failed_logins_have_attempts_of_their_own_however_soon_pages_are_given_up() -> None:
    with WireServer(in_turn(reset)) as server, pytest.raises(AuthenticationError, match="no token after 5 attempts"):
        token_from(server, give_up_after=3)
    assert len(server.requests) == LOGIN_ATTEMPTS


def test_the_login_is_json_and_unsigned() -> None:
    with WireServer(in_turn(TOKEN)) as server:
        token_from(server)
    request: Request = server.requests[0]
    assert (request.method, json.loads(request.body)) == ("POST", {"username": "me", "password": PASSWORD})
    assert "authorization" not in request.headers
