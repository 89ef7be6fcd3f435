"""What an unstable API does, row by row, on real sockets: the answer, the number of requests, the error.

Rows that ordinary tests of the client hold already stand in test_api.py and test_auth.py, with the same mark.
"""

import gzip
import json
import ssl
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import (
    AuthenticationError,
    CertificateError,
    MalformedPageError,
    OriginError,
    PageFailedError,
    PageRepeatedError,
    RequestRefusedError,
    RetryAfterTooLongError,
    SourceError,
    WalkLoopError,
    WalkTooLongError,
)
from seawall.clients.limits import CLAIM_ASKINGS, MALFORMED_ATTEMPTS, MAX_NESTING
from seawall.clients.pages.page import Page
from seawall.clients.pages.records import Records
from seawall.clients.source import ApiSource
from seawall.dev.unstable_api import Server
from seawall.tests.figures import Figures
from seawall.tests.shelf import TOKENS, Shelf
from seawall.tests.simulator import source_of
from seawall.tests.walks import client_of, first_page_of, gap_of, page_of, shape, walk
from seawall.tests.wireserver import (
    Answer,
    Request,
    Route,
    WireServer,
    as_json,
    by_page,
    drip,
    head,
    in_turn,
    page,
    raw,
    whole,
)

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

BODY = page(2, 3, size=50)


def deflated(body: bytes, wbits: int = zlib.MAX_WBITS) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(body) + packer.flush()


def chunked(body: bytes, end: bytes = b"0\r\n\r\n") -> Answer:
    pieces = [body[at : at + 700] for at in range(0, len(body), 700)]
    framed = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return raw(head(200, transfer_encoding="chunked") + framed + end)


# Transport: a body that is cut, whatever the framing

PACKED = gzip.compress(BODY)
CUT: dict[str, Answer] = {
    "Content-Length, cut at its last byte": raw(head(200, content_length=len(BODY)) + BODY[:-1]),
    "Content-Length, nothing of it": raw(head(200, content_length=len(BODY))),
    "Content-Length one too short": raw(head(200, content_length=len(BODY) - 1) + BODY, stay=True),
    "Content-Length of one byte": raw(head(200, content_length=1) + BODY, stay=True),
    "two Content-Lengths that differ": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n" + BODY),
    "a Content-Length that is no number": raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + BODY),
    "chunked, without its last chunk": chunked(BODY, end=b""),
    "chunked, cut in a chunk": raw(head(200, transfer_encoding="chunked") + b"fff\r\n" + BODY[:100]),
    "chunked, a size that is no number": raw(head(200, transfer_encoding="chunked") + b"xyz\r\n" + BODY),
    "chunked, a chunk longer than told": raw(
        head(200, transfer_encoding="chunked") + b"5\r\n" + BODY + b"\r\n0\r\n\r\n"
    ),
    "until close, cut at its last byte": raw(head(200) + BODY[:-1]),
    "until close, cut in a string": raw(head(200) + BODY[: BODY.index(b"total") + 3]),
    "gzip, cut in its trailer": whole(PACKED[:-3], content_encoding="gzip"),
    "gzip, cut in its header": whole(PACKED[:7], content_encoding="gzip"),
    "gzip, its second member cut": whole(
        gzip.compress(BODY[:300]) + gzip.compress(BODY[300:])[:-9], content_encoding="gzip"
    ),
    "gzip, its second member missing": whole(gzip.compress(BODY[:300]), content_encoding="gzip"),
    "gzip, a wrong checksum": whole(PACKED[:-8] + b"\0" * 8, content_encoding="gzip"),
    "gzip, rubbish behind it": whole(PACKED + b"rubbish", content_encoding="gzip"),
    "gzip until close, cut": raw(head(200, content_encoding="gzip") + PACKED[:-1]),
    "gzip in chunks, cut": raw(
        head(200, content_encoding="gzip", transfer_encoding="chunked") + b"14\r\n" + PACKED[:20] + b"\r\n0\r\n\r\n"
    ),
    "Content-Length too short around gzip": raw(
        head(200, content_encoding="gzip", content_length=len(PACKED) - 4) + PACKED, stay=True
    ),
    "deflate, cut": whole(deflated(BODY)[:-4], content_encoding="deflate"),
    "bare deflate, cut": whole(deflated(BODY, -15)[:-4], content_encoding="deflate"),
    "gzip twice, the inner one cut": whole(gzip.compress(PACKED[:-9]), content_encoding="gzip, gzip"),
}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT.keys())
def test_a_cut_body_is_asked_for_again_and_nothing_of_it_is_used(answer: Answer) -> None:
    outcomes, server = walk(by_page(3, {2: [answer] * 4 + [whole(BODY)]}, size=50), 3, max_in_flight=1)
    assert shape(outcomes) == "ppp"
    assert page_of(outcomes, 2).records == [b'{"id": %d}' % number for number in range(50, 100)]
    assert server.asked() == {1: 2, 2: 5, 3: 1}, "no other page pays for it"


@pytest.mark.parametrize("answer", [CUT["Content-Length one too short"], CUT["gzip, cut in its trailer"]])
def test_a_body_that_is_always_cut_is_a_gap(answer: Answer) -> None:
    outcomes, server = walk(by_page(3, {2: [answer] * 9}), 3)
    assert shape(outcomes) == "pgp"
    assert server.asked()[2] == 6
    assert gap_of(outcomes, 2).error.startswith("page 2 failed 6 times; the last: ")


SOUND: dict[str, Answer] = {
    "gzip of several members": whole(gzip.compress(BODY[:300]) + gzip.compress(BODY[300:]), content_encoding="gzip"),
    "x-gzip": whole(PACKED, content_encoding="x-gzip"),
    "GZIP, identity": whole(PACKED, content_encoding="GZIP, identity"),
    "gzip twice": whole(gzip.compress(PACKED), content_encoding="gzip, gzip"),
    "deflate in gzip": whole(gzip.compress(deflated(BODY)), content_encoding="deflate, gzip"),
    "deflate": whole(deflated(BODY), content_encoding="deflate"),
    "bare deflate": whole(deflated(BODY, -15), content_encoding="deflate"),
    "gzip in chunks": raw(
        head(200, content_encoding="gzip", transfer_encoding="chunked")
        + f"{len(PACKED):x}\r\n".encode() + PACKED + b"\r\n0\r\n\r\n"
    ),
    "many chunks": chunked(BODY),
    "a byte order mark in gzip": whole(gzip.compress(b"\xef\xbb\xbf" + BODY), content_encoding="gzip"),
}  # fmt: skip


@pytest.mark.parametrize("answer", SOUND.values(), ids=SOUND.keys())
def test_a_sound_body_is_read_in_every_coding(answer: Answer) -> None:
    outcomes, server = walk(by_page(3, {2: [answer]}), 3)
    assert shape(outcomes) == "ppp"
    assert len(page_of(outcomes, 2).records) == 50
    assert server.asked()[2] == 1


# Transport: bodies without end

LIMIT = 2**20
ZEROS = b" " * (64 * LIMIT)
BOMBS: dict[str, Answer] = {
    "gzip": whole(gzip.compress(ZEROS), content_encoding="gzip"),
    "deflate": whole(deflated(ZEROS), content_encoding="deflate"),
    "gzip twice": whole(gzip.compress(gzip.compress(ZEROS)), content_encoding="gzip, gzip"),
    "gzip of many members": whole(gzip.compress(ZEROS[:LIMIT]) * 64, content_encoding="gzip"),
    "gzip of many empty members": whole(gzip.compress(b"") * (LIMIT // 8), content_encoding="gzip"),
    "plain": whole(ZEROS[: 2 * LIMIT]),
    "chunked": chunked(ZEROS[: 2 * LIMIT]),
    "until close": raw(head(200) + ZEROS[: 8 * LIMIT]),
}


@pytest.mark.parametrize("answer", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_a_gap_at_the_first_asking_and_found_out_in_bounded_memory(answer: Answer) -> None:
    with WireServer(by_page(3, {2: [answer] * 9})) as server, client_of(server, max_page_bytes=LIMIT) as client:
        client.first_page(1)
        tracemalloc.start()
        outcomes = list(client.pages(1, 3))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert shape(outcomes) == "pgp"
    assert "page 2 is larger than 1,048,576 bytes (max_page_bytes)" in gap_of(outcomes, 2).error
    assert server.asked()[2] == 1
    assert peak < 8 * LIMIT


@pytest.mark.parametrize("begin", [0, 40, 70], ids=["before anything", "in the headers", "in the body"])
def test_a_page_that_always_drips_is_a_gap_after_its_attempts(begin: int) -> None:
    slow = drip(head(200, content_length=9000) + b" " * 9000, at_once=begin)
    outcomes, server = walk(by_page(2, {2: [slow] * 9}), 2, page_deadline=0.1, read_timeout=60, max_attempts=2)
    assert shape(outcomes) == "pg"
    assert server.asked()[2] == 2
    assert "Timeout" in gap_of(outcomes, 2).error


# Certificates


def test_an_authority_of_ones_own_is_trusted_where_the_source_names_it(tls: ssl.SSLContext, tmp_path: Path) -> None:
    pem = (tmp_path / "self-signed.pem").read_text()
    with WireServer(by_page(1), tls) as server, client_of(server, ca_certificates=pem) as client:
        assert client.first_page().number == 1
    assert len(server.requests) == 1


def test_a_certificate_of_another_host_ends_the_run_even_then(tls: ssl.SSLContext, tmp_path: Path) -> None:
    pem = (tmp_path / "self-signed.pem").read_text()
    with WireServer(by_page(1), tls) as server:
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        source = ApiSource(name="items", url=f"{elsewhere}/items", ca_certificates=pem)
        with ApiClient(source) as client, pytest.raises(CertificateError, match="localhost does not verify"):
            client.first_page()
    assert server.requests == []


def test_an_authority_that_only_the_environment_names_is_not_trusted(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "self-signed.pem"))
    with WireServer(by_page(1), tls) as server, client_of(server) as client, pytest.raises(CertificateError):
        client.first_page()
    assert server.requests == []


def test_what_is_no_certificate_is_refused_when_the_source_is_made() -> None:
    with pytest.raises(ValueError, match="these are no certificates in PEM form"):
        ApiSource(name="items", url="https://h/items", ca_certificates="rubbish")


# Rate limits


class Time:
    """A clock that only waiting moves; `waits` is how long each took."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
        self.now += seconds
        return False


def in_time(route: Route, **changes: Any) -> tuple[Page | SourceError, Time, int]:
    """The first page in virtual time, what it waited, and how many requests it took."""
    time = Time()
    with WireServer(route) as server:
        settings = {"name": "items", "url": f"{server.url}/items", "max_attempts": 6}
        with ApiClient(ApiSource(**settings | changes), clock=time.clock, sleep=time.sleep) as client:
            try:
                return client.first_page(), time, len(server.requests)
            except SourceError as error:
                return error, time, len(server.requests)


def date(seconds: float, form: str = "%a, %d %b %Y %H:%M:%S GMT") -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime(form)


OBEYED: dict[str, tuple[Callable[[], str], float]] = {  # dates count from when they are asked for
    "seconds": (lambda: "120", 120),
    "zero, which has a floor": (lambda: "0", 0.1),
    "leading zeros": (lambda: "0000000000000120", 120),
    "blanks around it": (lambda: "  120 ", 120),
    "IMF-fixdate": (lambda: date(240), 240),
    "RFC 850": (lambda: date(240, "%A, %d-%b-%y %H:%M:%S GMT"), 240),
    "asctime": (lambda: date(240, "%a %b %e %H:%M:%S %Y"), 240),
}
ABSENT = {
    "negative": "-5", "a fraction": "1.5", "exponent": "1e2", "other digits": "²", "words": "soon", "empty": "",
    "a date gone by": date(-240), "a date of nonsense": "Mon, 99 Foo 2026 25:61:61 GMT", "a comma": "5, 7",
    "a year of many digits": "Mon, 1 Jan 99999999999 0:0:0",
}  # fmt: skip


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("value", "seconds"), OBEYED.values(), ids=OBEYED.keys())
def test_retry_after_is_obeyed_in_every_form(value: Callable[[], str], seconds: float, status: int) -> None:
    got, time, requests = in_time(in_turn(as_json({}, status, retry_after=value()), whole(page())))
    assert isinstance(got, Page), got
    assert (got.retries, requests) == ((str(status),), 2)
    assert max(time.waits) == pytest.approx(seconds, abs=20 if seconds == 240 else 0.01)
    assert max(time.waits) <= 300


@pytest.mark.parametrize("value", ABSENT.values(), ids=ABSENT.keys())
def test_a_retry_after_of_nonsense_counts_as_absent(value: str) -> None:
    answer = raw(f"HTTP/1.1 429 No\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode(), stay=True)
    got, time, requests = in_time(in_turn(answer, whole(page())))
    assert isinstance(got, Page), got
    assert requests == 2
    assert sum(time.waits) < 0.2


@pytest.mark.parametrize("value", ["301", "9" * 400, date(86_400)], ids=["seconds", "many digits", "a date"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_wish_over_the_cap_fails_the_run_and_names_both(value: str, status: int) -> None:
    error, time, requests = in_time(in_turn(as_json({}, status, retry_after=value)))
    assert isinstance(error, RetryAfterTooLongError)
    assert "cap is 300 s (max_retry_after)" in str(error)
    assert (requests, time.waits) == (1, [])


def test_a_429_for_ever_is_given_up_in_the_end() -> None:
    error, _, requests = in_time(in_turn(as_json({}, 429, retry_after=1)))
    assert isinstance(error, PageFailedError)
    assert requests == 100


def test_requests_are_spaced_by_max_rate() -> None:
    time = Time()
    with WireServer(by_page(20)) as server:
        source = ApiSource(name="items", url=f"{server.url}/items", max_rate=2)
        with ApiClient(source, max_in_flight=1, clock=time.clock, sleep=time.sleep) as client:
            list(client.pages(1, 20))
    assert 9.4 <= time.now - 1_000 <= 10


# Authentication: every kind, signed and refused

PASSWORD = "correct-horse-battery"
SIGNED: dict[str, tuple[dict[str, str], Callable[[Request], bool]]] = {
    "bearer": ({"kind": "bearer", "token": PASSWORD}, lambda r: r.headers["authorization"] == f"Bearer {PASSWORD}"),
    "another scheme": (
        {"kind": "bearer", "token": PASSWORD, "scheme": "Token"},
        lambda r: r.headers["authorization"] == f"Token {PASSWORD}",
    ),
    "key in a header": ({"kind": "api_key", "key": PASSWORD}, lambda r: r.headers["x-api-key"] == PASSWORD),
    "key in the query": (
        {"kind": "api_key", "name": "k", "key": PASSWORD, "place": "query"},
        lambda r: r.query["k"] == PASSWORD,
    ),
    "basic": (
        {"kind": "basic", "username": "me", "password": PASSWORD},
        lambda r: r.headers["authorization"] == "Basic bWU6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5",
    ),
    "none": ({"kind": "none"}, lambda r: "authorization" not in r.headers),
}


@pytest.mark.parametrize(("auth", "admits"), SIGNED.values(), ids=SIGNED.keys())
def test_every_request_is_signed_as_the_source_wants_it(
    auth: dict[str, str], admits: Callable[[Request], bool]
) -> None:
    with WireServer(by_page(5)) as server, client_of(server, auth=auth) as client:
        client.authenticate()
        assert shape(list(client.pages(1, 5))) == "ppppp"
    assert len(server.requests) == 5
    assert all(map(admits, server.requests))


@pytest.mark.parametrize("name", [name for name in SIGNED if name != "none"])
def test_credentials_that_cannot_be_renewed_and_are_refused_cost_one_request(name: str) -> None:
    auth, _ = SIGNED[name]
    error, server = first_page_of(in_turn(as_json({"you sent": PASSWORD}, 401)), auth=auth)
    assert isinstance(error, AuthenticationError)
    assert "answers 401 for page 1" in str(error)
    assert "no way to get another token" in str(error)
    assert PASSWORD not in str(error)
    assert len(server.requests) == 1


class Desk:
    """An OAuth 2 token endpoint before some pages; tokens die after `life` requests, and `tokens` counts them."""

    def __init__(self, pages: int, life: int = 10**9, **answer: Any) -> None:
        self.pages, self.life, self.answer = pages, life, answer
        self.tokens, self.used = 0, 0

    def route(self, request: Request) -> Answer:
        if request.method == "POST":
            self.tokens, self.used = self.tokens + 1, 0
            return as_json({"access_token": f"t{self.tokens}", "token_type": "bearer"} | self.answer)
        self.used += 1
        if request.token != f"t{self.tokens}" or self.used > self.life:
            return as_json({"error": "invalid_token"}, 401)
        return whole(page(request.page, self.pages))


def oauth2_at(server: WireServer, **more: Any) -> dict[str, Any]:
    credentials = {"client_id": "the id", "client_secret": "s3cr3t/+:value"}
    return {"kind": "oauth2", "token_url": f"{server.url}/token"} | credentials | more


def test_client_credentials_are_changed_for_a_token_and_again_when_it_dies() -> None:
    desk = Desk(20, life=8)
    with WireServer(desk.route) as server:
        auth = oauth2_at(server, scope="read all", extra_fields={"audience": "a"})
        with client_of(server, auth=auth, max_in_flight=1) as client:
            assert shape(list(client.pages(1, 20))) == "p" * 20
    posts = [request for request in server.requests if request.method == "POST"]
    assert len(posts) == desk.tokens == 3
    assert posts[0].body == b"audience=a&grant_type=client_credentials&scope=read+all"
    assert posts[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert posts[0].headers["authorization"] == "Basic dGhlK2lkOnMzY3IzdCUyRiUyQiUzQXZhbHVl"  # RFC 6749 §2.3.1


def test_client_credentials_can_go_in_the_form() -> None:
    desk = Desk(1)
    with WireServer(desk.route) as server:
        auth = oauth2_at(server, client_authentication="body")
        with client_of(server, auth=auth) as client:
            client.first_page()
    assert server.requests[0].body == (
        b"grant_type=client_credentials&client_id=the+id&client_secret=s3cr3t%2F%2B%3Avalue"
    )
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_client_costs_one_request(status: int) -> None:
    answer = as_json({"error": "invalid_client", "you_sent": "s3cr3t/+:value"}, status)
    with WireServer(in_turn(answer)) as server, client_of(server, auth=oauth2_at(server)) as client:
        with pytest.raises(AuthenticationError, match=f"/token answers {status} to our credentials") as caught:
            client.authenticate()
        with pytest.raises(AuthenticationError):
            list(client.pages(1, 20))
    assert "s3cr3t" not in str(caught.value)
    assert server.paths() == ["/token"]


def test_a_login_takes_fields_and_paths_by_other_names() -> None:
    """As djangorestframework-simplejwt has them, and a form in place of JSON."""

    def route(request: Request) -> Answer:
        if request.path == "/token":
            return as_json({"data": {"access": "t1", "refresh": "r1"}})
        if request.path == "/token/refresh":
            return as_json({"data": {"access": "t2"}})
        return whole(page(request.page, 3)) if request.token == "t2" else as_json({}, 401)

    with WireServer(route) as server:
        auth = {
            "kind": "login", "login_url": f"{server.url}/token", "refresh_url": f"{server.url}/token/refresh",
            "username": "me", "password": "p w", "username_field": "email", "password_field": "pass",
            "refresh_field": "refresh", "access_token_path": "data.access", "refresh_token_path": "data.refresh",
            "login_fields": {"tenant": "a"}, "body": "form", "scheme": "JWT",
        }  # fmt: skip
        with client_of(server, auth=auth, max_in_flight=1) as client, pytest.raises(AuthenticationError):
            client.first_page()
        server.requests.clear()
        with client_of(server, auth=auth | {"scheme": "Bearer"}, max_in_flight=1) as client:
            assert shape(list(client.pages(1, 3))) == "ppp"
    assert [(r.path, r.body) for r in server.requests if r.method == "POST"] == [
        ("/token", b"tenant=a&email=me&pass=p+w"),
        ("/token/refresh", b"refresh=r1"),
    ]


# Pagination


def followed(shelf_route: Route, pagination: dict[str, Any], last: int = 50, **changes: Any) -> tuple[Any, WireServer]:
    """A walk by tokens as a list of pages, or the error that ended it."""
    with (
        WireServer(shelf_route) as server,
        client_of(server, pagination=pagination, page_size=5, **changes) as client,
    ):
        try:
            client.first_page()
            return list(client.follow(1, last)), server
        except SourceError as error:
            return error, server


def next_is(link: str) -> tuple[Route, dict[str, Any]]:
    """A source whose first page says that the next one is at `link`."""
    body = {"next": link, "data": [{"id": 1}]}
    return in_turn(as_json(body), as_json(body), as_json({"next": None, "data": [{"id": 2}]})), {"kind": "next_url"}


ELSEWHERE = [
    "https://evil.example/items", "//evil.example/items", "http://127.0.0.1:1/items", "https://127.0.0.1/items",
    "http://localhost/items", "http://127.0.0.1@evil.example/x", "http://me:pw@127.0.0.1/items", "ftp://127.0.0.1/x",
    "file:///etc/passwd", "javascript:alert(1)", "data:application/json,[]",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["next_url", "link_header"])
@pytest.mark.parametrize("link", ELSEWHERE)
def test_a_next_page_at_another_origin_is_refused_before_anything_is_sent_there(link: str, kind: str) -> None:
    if kind == "link_header":
        route, form = in_turn(as_json({"data": [{"id": 1}]}, link=f'<{link}>; rel="next"')), {"kind": "link_header"}
    else:
        route, form = next_is(link)
    error, server = followed(route, form, auth={"kind": "bearer", "token": PASSWORD})
    assert isinstance(error, OriginError), error
    assert "name it in allowed_origins" in str(error)
    assert len(server.requests) == 1
    assert PASSWORD not in str(error)
    assert "pw" not in str(error)


def test_a_next_page_at_an_allowed_origin_is_followed() -> None:
    with WireServer(in_turn(as_json({"next": None, "data": [{"id": 2}]}))) as other:
        route, form = next_is(f"{other.url}/more?page=2")
        pages, _ = followed(route, form, allowed_origins=[other.url])
    assert [page.number for page in pages] == [1, 2]
    assert other.paths() == ["/more"] * CLAIM_ASKINGS


LINKS = {
    "relative": ("items?at=5", "/items"),
    "absolute path": ("/items?at=5", "/items"), "query alone": ("?at=5", "/items"),
    "up": ("../other/items?at=5#part", "/other/items"),
}  # fmt: skip


@pytest.mark.parametrize(("link", "path"), LINKS.values(), ids=LINKS.keys())
def test_a_relative_next_page_is_resolved_against_the_page_that_names_it(link: str, path: str) -> None:
    route, form = next_is(link)
    pages, server = followed(route, form)
    assert [page.number for page in pages] == [1, 2]
    asked = {"at": "5", "limit": "5"}
    assert (server.requests[-1].path, server.requests[-1].query) == (path, asked), "and gets the page size back"


@pytest.mark.parametrize("odd", [{"url": "x"}, ["x"], True, 1.5, "http://[::1", "http://\u0000/"], ids=str)
def test_a_next_page_that_is_no_link_is_no_page(odd: Any) -> None:
    error, server = followed(in_turn(as_json({"next": odd, "data": [{"id": 1}]})), {"kind": "next_url"})
    assert isinstance(error, MalformedPageError)
    assert len(server.requests) == MALFORMED_ATTEMPTS


@pytest.mark.parametrize("end", [None, "", False], ids=str)
def test_a_next_page_of_nothing_is_the_end(end: Any) -> None:
    pages, server = followed(in_turn(as_json({"next": end, "data": [{"id": 1}]})), {"kind": "next_url"})
    assert (len(pages), len(server.requests)) == (1, 1 + CLAIM_ASKINGS)


@pytest.mark.parametrize(
    "form", [{"kind": "next_url", "next_path": "links.nxt"}, {"kind": "cursor", "next_path": "nxt"}]
)
def test_a_mistyped_path_of_the_next_page_does_not_end_a_walk_after_its_first(form: dict[str, Any]) -> None:
    body = {"links": {"next": "/items?at=5"}, "data": [{"id": 1}]}
    error, _ = followed(in_turn(as_json(body)), form)
    assert isinstance(error, MalformedPageError)
    assert f"no next page at '{form['next_path']}'; the keys there are: " in str(error)
    assert "set missing_next_ends" in str(error)
    pages, _ = followed(in_turn(as_json(body)), form | {"missing_next_ends": True})
    assert len(pages) == 1


@pytest.mark.parametrize("kind", ["cursor", "next_url"])
@pytest.mark.parametrize("circle", [1, 2, 7])
def test_a_walk_that_goes_in_circles_fails(kind: str, circle: int) -> None:
    asked = 0

    def route(request: Request) -> Answer:
        nonlocal asked
        asked += 1
        at = int(request.query.get("at") or request.query.get("cursor") or 0)
        to = (at + 1) % (circle + 1) or 1
        return as_json({"next": to if kind == "cursor" else f"?at={to}", "data": [{"id": asked}]})

    error, server = followed(route, {"kind": kind, "next_path": "next"})
    assert isinstance(error, WalkLoopError)
    assert "the walk goes in circles" in str(error)
    assert len(server.requests) <= circle + 4


def test_new_tokens_for_ever_without_a_record_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.clients.pagination.seen.MAX_EMPTY_PAGES", 30)

    def route(request: Request) -> Answer:
        return as_json({"next": int(request.query.get("cursor", 0)) + 1, "data": []})

    error, server = followed(route, {"kind": "cursor", "next_path": "next"}, last=100)
    assert isinstance(error, WalkLoopError)
    assert "30 pages in a row" in str(error)
    assert len(server.requests) == 1 + 30 + CLAIM_ASKINGS - 1, "the first of them is asked for again"


CAPS = [({"max_pages": 10}, "before page 11 the walk has reached its cap max_pages=10"),
        ({"max_bytes": 1024}, "the walk has reached its cap max_bytes=1,024")]  # fmt: skip


@pytest.mark.parametrize(("cap", "told"), CAPS)
def test_new_tokens_for_ever_with_records_end_at_the_caps(cap: dict[str, int], told: str) -> None:
    def route(request: Request) -> Answer:
        at = int(request.query.get("cursor", 0))
        return as_json({"next": at + 1, "data": [{"id": at, "text": "x" * 50}]})

    error, server = followed(route, {"kind": "cursor", "next_path": "next"}, last=100, **cap)
    assert isinstance(error, WalkTooLongError)
    assert told in str(error)
    assert "raise it in the source" in str(error)
    assert len(server.requests) < 16


def test_a_walk_ends_at_its_cap_of_hours() -> None:
    time = Time()

    def route(request: Request) -> Answer:
        time.now += 1800
        at = int(request.query.get("cursor", 0))
        return as_json({"next": at + 1, "data": [{"id": at}]})

    with WireServer(route) as server:
        form = {"kind": "cursor", "next_path": "next"}
        source = ApiSource(name="items", url=f"{server.url}/items", pagination=form, max_hours=24)
        with (
            ApiClient(source, clock=time.clock, sleep=time.sleep) as client,
            pytest.raises(WalkTooLongError, match=r"cap max_hours=24"),
        ):
            list(client.follow(1, 100))
    assert len(server.requests) == 48


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("answer", [whole(b"", 500), whole(b"", 404), whole(b"<html>"), as_json({"error": 1})])
def test_a_page_of_a_walk_by_tokens_that_fails_for_good_ends_it(kind: str, answer: Answer) -> None:
    shelf = Shelf(kind, 40)

    def route(request: Request) -> Answer:
        return answer if shelf._begin(request.query, 5) == 10 else shelf.route(request)

    error, _ = followed(route, shelf.pagination)
    assert isinstance(error, PageFailedError)
    assert error.number == 3


@pytest.mark.parametrize("kind", TOKENS)
def test_the_pages_before_one_that_fails_for_good_come_once(kind: str) -> None:
    shelf = Shelf(kind, 40)

    def route(request: Request) -> Answer:
        return whole(b"", 404) if shelf._begin(request.query, 5) == 10 else shelf.route(request)

    with WireServer(route) as server, client_of(server, pagination=shelf.pagination, page_size=5) as client:
        pages = client.follow(1, 50)
        assert [next(pages).number, next(pages).number] == [1, 2]
        with pytest.raises(PageFailedError):
            next(pages)
    assert shelf.asked == [0, 5]


@pytest.mark.parametrize("kind", TOKENS)
def test_passing_faults_cost_a_walk_by_tokens_nothing(kind: str) -> None:
    shelf, count = Shelf(kind, 60), 0

    def route(request: Request) -> Answer:
        nonlocal count
        count += 1
        return whole(b"", 503) if count % 3 == 0 else shelf.route(request)

    pages, _ = followed(route, shelf.pagination)
    assert [json.loads(record)["id"] for page in pages for record in page.records] == list(range(60))
    assert sum(len(page.retries) for page in pages) > 4


@pytest.mark.parametrize("kind", ["next_url", "relative next_url", "link_header"])
def test_what_we_add_to_every_request_is_not_kept_in_a_token_and_sent_again(kind: str) -> None:
    """APIs repeat the whole query in the next URL, secrets included; receipts keep that URL."""
    shelf = Shelf(kind, 12)

    def route(request: Request) -> Answer:
        assert request.query["key"] == PASSWORD
        assert request.query["tenant"] == "a b"
        headers, body = shelf.answer(request.query, f"http://{request.headers['host']}{request.path}")
        echo = f"&key={PASSWORD}&tenant=a%20b&sig=%2F%2b+%3d"
        headers = {name: value.replace(">;", f"{echo}>;") for name, value in headers.items()}
        if body["metadata"].get("next"):
            body["metadata"]["next"] += echo
        return as_json(body, **headers)

    auth = {"kind": "api_key", "name": "key", "key": PASSWORD, "place": "query"}
    pages, server = followed(route, shelf.pagination, auth=auth, params={"tenant": "a b"})
    assert [len(page.records) for page in pages] == [5, 5, 2]
    assert all(PASSWORD not in page.next_token and "sig=%2F%2b+%3d" in page.next_token for page in pages[:-1])
    assert PASSWORD not in repr(pages)
    assert server.requests[-1].query["sig"] == "/+ ="


def test_a_token_that_holds_a_secret_elsewhere_is_refused() -> None:
    body = {"next": f"c:{PASSWORD}:7", "data": [{"id": 1}]}
    auth = {"kind": "bearer", "token": PASSWORD}
    error, server = followed(in_turn(as_json(body)), {"kind": "cursor", "next_path": "next"}, auth=auth)
    assert isinstance(error, OriginError)
    assert "holds a secret of the source" in str(error)
    assert PASSWORD not in str(error)
    assert len(server.requests) == 1


def test_the_same_page_for_every_number_fails() -> None:
    repeated = pytest.raises(PageRepeatedError, match="holds the very records of page")
    with WireServer(in_turn(whole(page(1, 9)))) as server, client_of(server) as client, repeated:
        list(client.pages(1, 9))


@pytest.mark.parametrize("form", [{"kind": "page_number", "total_pages_path": "", "total_records_path": ""},
                                  {"kind": "offset", "total_records_path": ""}])  # fmt: skip
def test_the_last_page_again_for_every_number_beyond_the_end_fails(form: dict[str, Any]) -> None:
    shelf = Shelf("offset" if form["kind"] == "offset" else "pages until empty", 20)

    def route(request: Request) -> Answer:
        begin = min(shelf._begin(request.query, 5), 15)
        return as_json({"data": shelf.truth[begin : begin + 5]})

    repeated = pytest.raises(PageRepeatedError)
    with WireServer(route) as server, client_of(server, pagination=form, page_size=5) as client, repeated:
        list(client.pages(1, 50))


def test_an_offset_page_longer_than_asked_for_is_no_page() -> None:
    error, _ = first_page_of(
        in_turn(as_json({"metadata": {"total_records": 9}, "data": [{"id": n} for n in range(9)]})),
        pagination={"kind": "offset"}, page_size=5,
    )  # fmt: skip
    assert isinstance(error, MalformedPageError)
    assert "page 1 has 9 records, 5 were asked for: does the source read 'limit'?" in str(error)


def pieces(*ids: list[int]) -> Route:
    """A source of nine records by offset that answers these, one list after the other."""
    return in_turn(*(as_json({"metadata": {"total_records": 9}, "data": [{"id": n} for n in each]}) for each in ids))


def test_an_offset_page_whose_pieces_overlap_is_no_page() -> None:
    error, server = first_page_of(pieces([0, 1, 2], [2, 3]), pagination={"kind": "offset"}, page_size=5)
    assert isinstance(error, PageFailedError)
    assert "page 1 comes in pieces that overlap, so records between them may be missing" in str(error)
    assert len(server.requests) == 2


def test_the_digest_of_an_offset_page_in_pieces_is_that_of_all_its_records() -> None:
    got, _ = first_page_of(pieces([0, 1, 2], [3, 4]), pagination={"kind": "offset"}, page_size=5)
    assert isinstance(got, Page)
    assert got.records.digest == Records([b'{"id": %d}' % number for number in range(5)]).digest


def test_a_short_page_ends_an_offset_walk_only_where_the_source_promises_that() -> None:
    shelf = Shelf("offset until empty", 12)
    for promised, requests in ((False, 1 + 1 + 3), (True, 1 + 1 + CLAIM_ASKINGS)):
        server = WireServer(shelf.route)
        form = shelf.pagination | {"short_page_ends": promised}
        with server, client_of(server, pagination=form, page_size=5, max_in_flight=1) as client:
            assert [len(p.records) for p in client.pages(1, 3) if isinstance(p, Page)] == [5, 5, 2]
        assert len(server.requests) == requests


@pytest.mark.parametrize("form", ["pages until empty", "pages by records", "offset until empty"])
def test_an_empty_page_in_the_middle_is_not_taken_for_the_end(form: str) -> None:
    shelf = Shelf(form, 40)

    def route(request: Request) -> Answer:
        if shelf._begin(request.query, 5) == 15:
            return as_json({"metadata": {}, "data": []})
        return shelf.route(request)

    with WireServer(route) as server, client_of(server, pagination=shelf.pagination, page_size=5) as client:
        outcomes = list(client.pages(1, 12))
    assert shape(outcomes)[:8] == "p" * 8
    assert sum(len(each.records) for each in outcomes if isinstance(each, Page)) == 35


@pytest.mark.parametrize("form", ["pages until empty", "pages by records", "offset until empty"])
def test_the_end_is_still_found_after_an_empty_page_in_the_middle(form: str) -> None:
    shelf = Shelf(form, 40)

    def route(request: Request) -> Answer:
        return as_json({"data": []}) if shelf._begin(request.query, 5) == 15 else shelf.route(request)

    one_by_one: dict[str, Any] = {"pagination": shelf.pagination, "page_size": 5, "max_in_flight": 1}
    with WireServer(route) as server, client_of(server, **one_by_one) as client:
        assert shape(list(client.pages(1, 12)))[:9] == "p" * 8 + "e"


@pytest.mark.parametrize("beyond", [whole(b"", 404), as_json({"data": []})], ids=["404", "empty"])
def test_a_walk_without_totals_ends_at_the_first_of_two_pages_without_records(beyond: Answer) -> None:
    shelf = Shelf("pages until empty", 20)

    def route(request: Request) -> Answer:
        return beyond if request.page > 4 else shelf.route(request)

    with WireServer(route) as server, client_of(server, pagination=shelf.pagination, page_size=5) as client:
        outcomes = list(client.pages(1, 100))
    assert shape(outcomes)[:5] == "ppppe"
    assert max(server.asked()) <= 4 + 32 + 1
    assert len(server.requests) < 60


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [(whole(b"", 404), "ppppggppppe"), (as_json({"data": []}), "ppppppppppe")],
    ids=["404", "empty"],
)
@pytest.mark.parametrize("in_flight", [1, 8])
def test_two_pages_without_records_are_no_end_while_the_number_of_records_says_more(
    lacking: Answer, expected: str, in_flight: int
) -> None:
    shelf = Shelf("pages by records", 50)

    def route(request: Request) -> Answer:
        return lacking if request.page in (5, 6) else shelf.route(request)

    form: dict[str, Any] = {"pagination": shelf.pagination, "page_size": 5, "max_in_flight": in_flight}
    with WireServer(route) as server, client_of(server, **form) as client:
        client.first_page()
        outcomes = list(client.pages(1, 12))
    assert shape(outcomes)[:11] == expected


@pytest.mark.parametrize("error", ['"error": "db down"', '"errors": [{"code": 7}]', '"error": {"code": 7}'])
def test_an_error_beside_an_empty_list_is_no_page(error: str) -> None:
    envelope = whole(b'{"metadata": {"total_pages": 3}, "data": [], %s}' % error.encode())
    outcomes, server = walk(by_page(3, {2: [envelope]}), 3)
    assert (shape(outcomes), server.asked()[2]) == ("ppp", 2)
    outcomes, server = walk(by_page(3, {2: [envelope] * 9}), 3)
    assert (shape(outcomes), server.asked()[2]) == ("pgp", MALFORMED_ATTEMPTS)
    assert "no records, but 'error" in gap_of(outcomes, 2).error
    first = in_time(in_turn(envelope))
    assert isinstance(first[0], MalformedPageError)
    assert first[2] == MALFORMED_ATTEMPTS


@pytest.mark.parametrize(
    "error", ['"error": { }', '"error": null', '"errors": []', '"error": false', '"error": ""', '"warning": "x"']
)
def test_an_empty_page_that_tells_of_no_error_is_one(error: str) -> None:
    empty = whole(b'{"metadata": {"total_pages": 3}, "data": [], %s}' % error.encode())
    outcomes, _ = walk(by_page(3, {2: [empty] * 9}), 3)
    assert shape(outcomes) == "ppp"


@pytest.mark.parametrize("told", [{"code": "ok", "log_id": "7"}, {"code": 0}, "none"])
def test_an_error_that_pages_with_records_tell_of_too_means_nothing(told: object) -> None:
    shelf = Shelf("cursor", 12)

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, "")
        if shelf._begin(request.query, 5) == 10:
            body = {"metadata": {"next": None}, "data": []}
        return as_json(body | {"error": told})

    pages, _ = followed(route, shelf.pagination)
    assert [len(each.records) for each in pages] == [5, 5, 0]


@pytest.mark.parametrize("kind", TOKENS)
def test_one_glitch_without_records_does_not_end_a_walk_by_tokens(kind: str) -> None:
    shelf, glitches = Shelf(kind, 40), iter([True])

    def route(request: Request) -> Answer:
        if shelf._begin(request.query, 5) == 15 and next(glitches, False):
            return as_json({"metadata": {"next": None}, "data": []})
        return shelf.route(request)

    pages, _ = followed(route, shelf.pagination)
    behind = [0] if kind == "keyset" else []  # which nothing but an empty page ends
    assert [len(each.records) for each in pages] == [5] * 8 + behind


@pytest.mark.parametrize("kind", ["cursor", "next_url"])
def test_an_end_behind_a_page_that_stays_short_is_asked_for_again_too(kind: str) -> None:
    shelf, glitches = Shelf(kind, 40), iter([True])

    def route(request: Request) -> Answer:
        _, body = shelf.answer(request.query, f"http://{request.headers['host']}{request.path}")
        begin = shelf._begin(request.query, 5)
        if begin == 15:
            body["data"] = body["data"][:2]
        if begin == 20 and next(glitches, False):
            return as_json({"metadata": {"next": None}, "data": []})
        return as_json(body)

    pages, _ = followed(route, shelf.pagination)
    assert [len(each.records) for each in pages] == [5, 5, 5, 2, 5, 5, 5, 5]


# Statuses whose body cannot be read

UNREADABLE = {
    "a coding that nobody knows": {"content_encoding": "br"},
    "no gzip": {"content_encoding": "gzip"},
    "cut": {"content_length": 4_000},
}


@pytest.mark.parametrize("headers", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_is_obeyed_though_the_body_cannot_be_read(status: int, headers: dict[str, Any]) -> None:
    slow_down = raw(head(status, retry_after=20, **headers) + b"x" * 400)
    got, time, requests = in_time(in_turn(*[slow_down] * 4, whole(page())))
    assert isinstance(got, Page), got
    assert requests == 5
    assert time.waits == pytest.approx([20.0] * 4)


@pytest.mark.parametrize("headers", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_refusal_is_one_though_its_body_cannot_be_read(headers: dict[str, Any]) -> None:
    error, _, requests = in_time(in_turn(raw(head(403, **headers) + b"x" * 400)))
    assert isinstance(error, RequestRefusedError)
    assert requests == 1


def test_the_body_of_a_401_is_not_read() -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    tokens = iter(["token-one", "token-two"])

    def route(request: Request) -> Answer:
        if request.path != "/items":
            return as_json({"access_token": next(tokens)})
        return whole(page()) if request.token == "token-two" else whole(bomb, 401, content_encoding="gzip")

    with WireServer(route) as server:
        login = {"kind": "login", "login_url": f"{server.url}/login", "username": "me", "password": "hunter2!"}
        with client_of(server, auth=login, max_page_bytes=1024) as client:
            tracemalloc.start()
            assert client.first_page().number == 1
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert peak < 8 << 20
    assert server.paths() == ["/login", "/items", "/login", "/items"]


# Payload


def nested(levels: int) -> bytes:
    inner = b"[" * (levels - 3) + b"]" * (levels - 3)
    return b'{"metadata": {"total_pages": 3}, "data": [{"a": ' + inner + b'}, {"text": "[[[[{{{{\\"["}]}'


NO_JSON = {
    "not JSON": b'{"metadata": {"total_pages": 3}, "data": [oops]}',
    "one comma too many": b'{"metadata": {"total_pages": 3}, "data": [{"id": 1},]}',
    "single quotes": b"{'data': []}",
    "invalid UTF-8": b'{"metadata": {"total_pages": 3}, "data": [{"a": "\xc3("}]}',
    "UTF-16, cut": '{"data": []}'.encode("utf-16")[:-1],
    "a surrogate in UTF-8": b'{"data": [{"a": "\xed\xa0\x80"}], "metadata": {"total_pages": 3}}',
    "trailing data": BODY + b" {}",
    "NaN": b'{"metadata": {"total_pages": 3}, "data": [{"a": NaN}]}',
    "Infinity": b'{"metadata": {"total_pages": 3}, "data": [{"a": -Infinity}]}',
    "a line break in a string": b'{"metadata": {"total_pages": 3}, "data": [{"a": "x\ny"}]}',
    "NUL in a string": b'{"metadata": {"total_pages": 3}, "data": [{"a": "x\x00y"}]}',
    "a leading zero": b'{"metadata": {"total_pages": 3}, "data": [{"a": 01}]}',
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + BODY,
    "nested 101 levels": nested(MAX_NESTING + 1),
    "nested 900 levels": nested(900),
    "nested 100,000 levels": nested(100_000),
    "nested in the envelope": b'{"metadata": {"total_pages": 3, "x": '
    + b"[" * 99
    + b"]" * 99
    + b'}, "data": [{"a": 1}]}',
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_not_one_json_text_is_asked_for_again_and_a_gap_in_the_end(body: bytes) -> None:
    outcomes, server = walk(by_page(3, {2: [whole(body)] * 2}), 3)
    assert shape(outcomes) == "ppp"
    assert (server.asked()[2], len(page_of(outcomes, 2).retries)) == (3, 2)
    outcomes, server = walk(by_page(3, {2: [whole(body)] * 20}), 3, max_attempts=4)
    assert shape(outcomes) == "pgp"
    assert server.asked()[2] in (MALFORMED_ATTEMPTS, 4)
    error = gap_of(outcomes, 2).error
    assert error.isprintable()
    assert len(error) < 600


@pytest.mark.parametrize("levels", [5, 60, MAX_NESTING])
def test_nesting_up_to_the_limit_is_landed(levels: int) -> None:
    outcomes, _ = walk(by_page(3, {2: [whole(nested(levels))]}), 3)
    assert shape(outcomes) == "ppp"
    assert len(page_of(outcomes, 2).records) == 2


# Authentication: many fetchers, and tokens that die all the time


def test_32_fetchers_refresh_a_dying_token_once_for_each_death(
    serve: Callable[..., Server], record_property: Figures
) -> None:
    server = serve(total=10_000, token_requests=50)
    with ApiClient(source_of(server, page_size=5, max_attempts=12), max_in_flight=32) as client:
        outcomes = list(client.pages(1, 2_000))
    assert shape(outcomes) == "p" * 2_000
    ids = [json.loads(record)["id"] for each in outcomes if isinstance(each, Page) for record in each.records]
    assert ids == list(range(1, 10_001))
    stats = server.api.stats()
    told = ", ".join(f"{stats[name]:,} {name}" for name in ("logins", "expired_tokens", "refreshes", "requests"))
    record_property("32 fetchers, 2,000 pages, a token dies every 50 requests", told)
    assert stats["logins"] == 1
    assert 2_000 // 50 - 1 <= stats["refreshes"] <= stats["expired_tokens"]
