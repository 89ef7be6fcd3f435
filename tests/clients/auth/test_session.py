"""Sessions: the cookies of a login, for one origin, and a new login where the session is over."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from seawall.clients.api import ApiClient
from seawall.clients.auth.login import Login, Session, SessionGrant
from seawall.clients.errors import AuthenticationError, SourceError
from seawall.clients.redact import redact
from seawall.clients.source import ApiSource
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, in_turn, page, whole

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

PASSWORD = "correct-horse-battery"


class Site:
    """A site with a login page; only the last session is good, and what is over is `gone`: answered like that."""

    def __init__(self, gone: Answer) -> None:
        self.gone = gone
        self.sessions = 0
        self.over = False

    def route(self, request: Request) -> Answer:
        if request.path == "/login":
            self.sessions += 1
            self.over = False
            return whole(
                b"<html>Welcome", 302, location="/home", set_cookie=f"sid=session-number-{self.sessions}; Path=/"
            )
        good = f"sid=session-number-{self.sessions}"
        return whole(page(1, 1)) if request.headers.get("cookie") == good and not self.over else self.gone


def source_of(server: WireServer, **changes: Any) -> ApiSource:
    auth = {"kind": "session", "login_url": f"{server.url}/login", "username": "me", "password": PASSWORD} | changes
    return ApiSource(name="items", url=f"{server.url}/items", auth=auth)


GONE = {
    "401": as_json({}, 401),
    "302 to the login": whole(b"", 302, location="/login?next=/items"),
    "303 with the whole URL": lambda connection: whole(b"", 303, location=_login_at(connection))(connection),
}


def _login_at(connection: Any) -> str:
    host, port = connection.socket.getsockname()
    return f"http://{host}:{port}/login"


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE.keys())
def test_a_session_that_is_over_means_one_new_login(gone: Answer, served: Callable[[Route], WireServer]) -> None:
    site = Site(gone)
    server = served(site.route)
    with ApiClient(source_of(server)) as client:
        assert client.first_page().sent_records == 2
        site.over = True
        assert client.first_page().sent_records == 2
        assert redact("session-number-1 session-number-2") == "*** ***"
    assert server.paths() == ["/login", "/items", "/items", "/login", "/items"]


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE.keys())
def test_a_session_fresh_from_login_that_lets_nothing_in_ends_the_run(
    gone: Answer, served: Callable[[Route], WireServer]
) -> None:
    site = Site(gone)
    server = served(lambda request: site.route(request) if request.path == "/login" else gone)
    with ApiClient(source_of(server)) as client, pytest.raises(AuthenticationError, match="fresh from login"):
        client.first_page()
    assert server.paths() == ["/login", "/items", "/login", "/items"]


@pytest.mark.parametrize(
    "answer", [whole(b"", 302, location="/login?error=1", set_cookie="sid=anonymous-1"), as_json({}, 401)]
)
def test_a_login_that_leads_back_to_itself_is_a_refusal(answer: Answer, served: Callable[[Route], WireServer]) -> None:
    server = served(in_turn(answer))
    with ApiClient(source_of(server)) as client, pytest.raises(AuthenticationError, match="/login answers"):
        client.authenticate()
    assert server.paths() == ["/login"]


@pytest.mark.parametrize("cookies", [{}, {"set_cookie": "sid=; Path=/"}, {"set_cookie": "sid=gone-by-now; Max-Age=0"}])
def test_a_login_without_a_cookie_is_an_error_that_says_so(
    cookies: dict[str, str], served: Callable[[Route], WireServer]
) -> None:
    server = served(in_turn(whole(b"<html>Try again", 200, **cookies)))
    with ApiClient(source_of(server)) as client, pytest.raises(AuthenticationError, match="answers no session cookie"):
        client.authenticate()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("change", "body"),
    [({}, b"tenant=a&user=me&pass=correct-horse-battery"),
     ({"body": "json"}, b'{"tenant":"a","user":"me","pass":"correct-horse-battery"}')],
)  # fmt: skip
def test_the_login_is_a_form_or_json_with_the_names_that_it_wants(
    change: dict[str, str], body: bytes, served: Callable[[Route], WireServer]
) -> None:
    server = served(Site(whole(b"")).route)
    names = {"username_field": "user", "password_field": "pass", "login_fields": {"tenant": "a"}}
    with ApiClient(source_of(server, **names, **change)) as client:
        client.authenticate()
    assert server.requests[0].body == body


def test_cookies_go_to_the_origin_of_the_source_alone_and_replace_older_ones() -> None:
    form = Session(login_url="https://h/login", username="me", password=PASSWORD)
    grant = SessionGrant(form=form, origin="https://h:443")

    def signed(url: str, cookie: str = "") -> Any:
        request = httpx.Request("GET", url, headers={"Cookie": cookie} if cookie else {})
        grant.sign(request, "sid=new; csrf=c")
        return request.headers.get("Cookie")

    assert signed("https://h/items") == "sid=new; csrf=c"
    assert signed("https://h/items", "sid=old; lang=de") == "lang=de; sid=new; csrf=c"
    assert signed("https://h:8443/items", "sid=old; lang=de") == "lang=de"
    assert signed("https://elsewhere/items") is None
    assert signed("http://h/items") is None


def test_a_session_is_never_guessed_where_the_kind_is_left_out() -> None:
    fields = {"login_url": "https://h/login", "username": "me", "password": PASSWORD}
    assert isinstance(ApiSource(name="items", url="https://h/items", auth=fields).auth, Login)


def test_who_logs_in_is_part_of_what_a_run_was_planned_for() -> None:
    form = Session(login_url="https://h/login", username="me", password=PASSWORD)
    assert form.choices() == {"username": "me", "login_fields": {}}
    assert form.secrets() == [PASSWORD]


def test_a_redirect_elsewhere_is_no_end_of_a_session(served: Callable[[Route], WireServer]) -> None:
    site = Site(whole(b"", 302, location="/maintenance"))
    server = served(site.route)
    with ApiClient(source_of(server)) as client:
        client.first_page()
        site.over = True
        with pytest.raises(SourceError, match="answers 302"):
            client.first_page()
    assert site.sessions == 1
