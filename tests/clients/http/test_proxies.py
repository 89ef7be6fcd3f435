"""Proxies: what goes through them, within deadlines, and what they hear of secrets."""

import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import AuthenticationError, PageFailedError, SourceError, UnreachableError, WalkStoppedError
from seawall.clients.http.proxies import credentials_of
from seawall.clients.source import ApiSource
from seawall.tests.certificates import self_signed
from seawall.tests.proxyserver import ProxyServer
from seawall.tests.wireserver import Route, WireServer, by_page, in_turn, page, silence, whole

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

TOKEN = "unmistakable-token"


def client_of(server: WireServer, proxy: str, ca: str = "", **changes: Any) -> ApiClient:
    fields: dict[str, Any] = {
        "name": "items",
        "url": f"{server.url}/items",
        "auth": {"kind": "bearer", "token": TOKEN},
        "proxy": proxy,
        "ca_certificates": ca,
        "max_attempts": 2,
    }
    return ApiClient(ApiSource(**fields | changes))


@pytest.fixture
def ca(tmp_path: Path) -> str:
    """What vouches for the servers of fixture `tls`."""
    return (tmp_path / "self-signed.pem").read_text().partition("-----END PRIVATE KEY-----")[2]


def test_what_is_for_http_is_forwarded(served: Callable[[Route], WireServer]) -> None:
    server = served(by_page(3))
    with ProxyServer() as proxy, client_of(server, proxy.url) as client:
        client.first_page()
        assert len(list(client.pages(1, 3))) == 3
    assert set(proxy.forwards) >= {f"{server.url}/items?page=1&limit=1000"}
    assert server.requests[0].token == TOKEN


@pytest.mark.parametrize("way", ["http", "https"])
def test_what_is_for_https_goes_through_a_tunnel_in_which_the_proxy_sees_nothing(
    way: str, tls: ssl.SSLContext, ca: str
) -> None:
    with (
        WireServer(by_page(3), tls) as server,
        ProxyServer(tls=tls if way == "https" else None) as proxy,
        client_of(server, proxy.url, ca) as client,
    ):
        assert client.first_page().sent_records == 2
        assert proxy.tunnels == [server.url.removeprefix("https://")]
        assert TOKEN not in "".join(proxy.heads)


def test_credentials_of_a_proxy_are_sent_to_it_and_to_nobody_else(tls: ssl.SSLContext, ca: str) -> None:
    with WireServer(by_page(1), tls) as server, ProxyServer(credentials="me:pässword of mine") as proxy:
        url = proxy.url.replace("//", "//me:p%C3%A4ssword%20of%20mine@")
        with client_of(server, url, ca) as client:
            client.first_page()
    assert "proxy-authorization" not in server.requests[0].headers
    assert credentials_of(httpx.URL(url)) == ["pässword of mine", "bWU6cMOkc3N3b3JkIG9mIG1pbmU="]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_other_credentials_ends_the_run_at_once(scheme: str, tls: ssl.SSLContext, ca: str) -> None:
    with (
        WireServer(by_page(1), tls if scheme == "https" else None) as server,
        ProxyServer(credentials="a:b") as proxy,
        client_of(server, proxy.url.replace("//", "//me:guess@"), ca) as client,
    ):
        with pytest.raises(AuthenticationError, match="the proxy answers 407"):
            client.first_page()
        assert len(proxy.heads) == 1
    assert server.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_hangs_is_left_at_the_deadline(scheme: str, tls: ssl.SSLContext, ca: str) -> None:
    with (
        WireServer(by_page(1), tls if scheme == "https" else None) as server,
        ProxyServer(hangs=True) as proxy,
        client_of(server, proxy.url, ca, page_deadline=0.3, max_attempts=1) as client,
    ):
        begin = time.monotonic()
        with pytest.raises(PageFailedError, match="ReadTimeout"):
            client.first_page()
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("way", ["http", "https"])
@pytest.mark.parametrize("drips_after", [0, 3_000], ids=["in the handshake", "in the body"])
def test_a_tunnel_that_drips_is_left_at_the_deadline(drips_after: int, way: str, tls: ssl.SSLContext, ca: str) -> None:
    body = whole(page(1, 1, size=2_000))
    with (
        WireServer(in_turn(body), tls) as server,
        ProxyServer(tls=tls if way == "https" else None, drips_after=drips_after) as proxy,
        client_of(server, proxy.url, ca, page_deadline=0.5, max_attempts=1, read_timeout=0.4) as client,
    ):
        begin = time.monotonic()
        with pytest.raises((PageFailedError, UnreachableError)):
            client.first_page()
        assert time.monotonic() - begin < 5
        assert proxy.tunnels


@pytest.mark.parametrize("way", ["http", "https"])
def test_stop_hangs_up_what_goes_through_a_tunnel(way: str, tls: ssl.SSLContext, ca: str) -> None:
    errors: list[BaseException] = []
    with (
        WireServer(in_turn(silence), tls) as server,
        ProxyServer(tls=tls if way == "https" else None) as proxy,
        client_of(server, proxy.url, ca) as client,
    ):

        def fetch() -> None:
            try:
                client.first_page()
            except SourceError as error:
                errors.append(error)

        thread = threading.Thread(target=fetch, daemon=True)
        thread.start()
        while not server.requests:
            time.sleep(0.01)
        client.stop()
        thread.join(5)
        assert not thread.is_alive()
    assert [type(each) for each in errors] == [WalkStoppedError]


def test_a_body_that_is_cut_leaves_no_tunnel_in_use(tls: ssl.SSLContext, ca: str) -> None:
    cut = whole(b'{"data": [', content_encoding="gzip")
    with (
        WireServer(in_turn(cut, whole(page())), tls) as server,
        ProxyServer() as proxy,
        client_of(server, proxy.url, ca) as client,
    ):
        assert client.first_page().sent_records == 2
        assert len(proxy.tunnels) == 2


def test_a_proxy_that_is_not_there_is_named(served: Callable[[Route], WireServer]) -> None:
    server = served(by_page(1))
    with client_of(server, "http://127.0.0.1:9") as client, pytest.raises(UnreachableError):
        client.first_page()
    assert server.requests == []


def test_a_client_certificate_is_shown_to_the_source(tls: ssl.SSLContext, ca: str, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path).read_text()
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=certificate.partition("-----END PRIVATE KEY-----")[2])
    with WireServer(by_page(1), tls) as server:
        with client_of(server, "", ca, client_certificate=certificate) as client:
            assert client.first_page().sent_records == 2
        with client_of(server, "", ca) as client, pytest.raises(SourceError):
            client.first_page()
