"""A host that cannot be reached: before any page came it is a mistake, and found out soon."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import SourceError, UnreachableError, WalkStoppedError
from seawall.clients.limits import REACH_PATIENCE
from seawall.clients.pages.page import Gap
from seawall.clients.source import ApiSource
from seawall.dev.process import free_ports
from seawall.tests.walks import client_of
from seawall.tests.wireserver import WireServer, by_page

pytestmark = pytest.mark.faults


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """An address where connections never open: whoever listens there accepts none, and enough of them wait."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        for _ in range(8):
            each = waiting.enter_context(socket.socket())
            each.settimeout(0)
            each.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    yield f"http://127.0.0.1:{free_ports(1)[0]}"


@contextlib.contextmanager
def misspelt() -> Iterator[str]:
    yield "https://api.misspelt.invalid:443"


ADDRESSES = pytest.mark.parametrize("address", [misspelt, refusing, silent])


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds in which a host is found out to be dead, fewer than in earnest."""
    monkeypatch.setattr("seawall.clients.http.retries.REACH_PATIENCE", 0.8)
    return 2 * 0.8 + 1.4


def ended(work: Callable[[], object]) -> tuple[Exception, float]:
    """The error that a piece of work ends with, and the seconds until then."""
    began = time.monotonic()
    with pytest.raises(SourceError) as caught:
        work()
    return caught.value, time.monotonic() - began


def source(url: str, login_url: str | None = None, **changes: Any) -> ApiSource:
    login = {"kind": "login", "login_url": login_url, "username": "me", "password": "correct-horse-battery"}
    auth = {"auth": login} if login_url else {}
    return ApiSource.model_validate({"name": "items", "url": f"{url}/items"} | auth | changes)


def test_what_is_promised_is_kept() -> None:
    assert 2 * REACH_PATIENCE < 15


@ADDRESSES
@pytest.mark.parametrize(
    "limits", [{}, {"max_attempts": 1}, {"max_attempts": 100, "connect_timeout": 3600, "give_up_after": 100_000}]
)
def test_a_first_page_that_nobody_is_reached_for_ends_soon_with_the_name_of_the_host(
    address: Callable[[], contextlib.AbstractContextManager[str]], limits: dict[str, Any], patience: float
) -> None:
    with address() as url, ApiClient(source(url, **limits)) as client:
        error, seconds = ended(client.first_page)
    assert isinstance(error, UnreachableError)
    assert f"cannot reach {url}: Connect" in str(error)
    assert "is the name of the host right in the source" in str(error)
    assert seconds < patience


@ADDRESSES
def test_a_login_that_nobody_is_reached_for_ends_soon_too(
    address: Callable[[], contextlib.AbstractContextManager[str]], patience: float
) -> None:
    with WireServer(by_page(1)) as server, address() as url:
        asks: list[Callable[[ApiClient], object]] = [ApiClient.authenticate, ApiClient.first_page]
        for ask in asks:
            with ApiClient(source(server.url, f"{url}/login", connect_timeout=3600)) as client:
                error, seconds = ended(partial(ask, client))
            assert isinstance(error, UnreachableError)
            assert f"cannot reach {url}: Connect" in str(error)
            assert seconds < patience
    assert server.requests == []


def test_a_host_that_comes_up_in_time_is_waited_for() -> None:
    port = free_ports(1)[0]
    with WireServer(by_page(1)) as server, ApiClient(source(f"http://127.0.0.1:{port}")) as client:

        def serve() -> None:
            with socket.create_server(("127.0.0.1", port)) as listener:
                began.set()
                accepted, _ = listener.accept()
                with accepted, socket.create_connection(server._listener.getsockname()) as behind:
                    behind.sendall(accepted.recv(65536))
                    accepted.sendall(behind.recv(65536))

        began = threading.Event()
        threading.Timer(0.3, serve).start()
        assert client.first_page().sent_records == 2
        assert began.is_set()


@pytest.mark.usefixtures("short_backoffs")
def test_once_a_page_came_a_host_that_is_away_has_all_the_attempts_of_a_page(patience: float) -> None:
    with WireServer(by_page(3)) as server, client_of(server, max_attempts=9, give_up_after=1_000) as client:
        client.first_page()
        server.__exit__()
        (outcome,) = client.pages(2, 2)
    assert isinstance(outcome, Gap)
    assert "page 2 failed 9 times" in outcome.error


def test_a_page_that_another_process_saw_is_one_that_came(patience: float) -> None:
    with refusing() as url, ApiClient(source(url, max_attempts=2)) as client:
        client.expect(pages=3, records=30, reach=3, longest=10)
        (outcome,) = client.pages(2, 2)
    assert isinstance(outcome, Gap)


@pytest.mark.parametrize("address", [refusing, silent])
def test_a_stop_ends_the_wait_for_a_host_at_once(
    address: Callable[[], contextlib.AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.clients.http.retries.REACH_PATIENCE", 60.0)
    with address() as url, ApiClient(source(url, connect_timeout=60, max_attempts=100)) as client:
        stop = threading.Timer(0.5, client.stop)
        stop.start()
        error, seconds = ended(client.first_page)
        stop.join()
    assert isinstance(error, WalkStoppedError)
    assert seconds < 3


PROGRAM = """
import signal, sys
from seawall.clients.api import ApiClient
from seawall.clients.source import ApiSource
def end(*_): raise SystemExit(7)
signal.signal(signal.SIGTERM, end)
with ApiClient(ApiSource(name="items", url=sys.argv[1])) as client:
    print("asking", flush=True)
    client.first_page()
"""


def test_sigterm_ends_the_wait_for_a_host_at_once() -> None:
    with silent() as url, subprocess.Popen([sys.executable, "-c", PROGRAM, url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 7
        assert time.monotonic() - began < 3
