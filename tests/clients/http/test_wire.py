"""The wire under httpx, on real sockets: deadlines that no drip outlasts, and hanging up at once."""

import select
import threading
import time
from collections.abc import Callable

import httpcore
import httpx
import pytest

from seawall.clients.http.wire import Wire, deadline, has_surplus
from seawall.tests.wireserver import (
    STEP,
    Answer,
    Connection,
    WireServer,
    drip,
    head,
    in_turn,
    page,
    raw,
    silence,
    whole,
)


def client_of(wire: Wire) -> httpx.Client:
    transport = httpx.HTTPTransport()
    transport._pool._network_backend = wire
    return httpx.Client(transport=transport, timeout=30, trust_env=False)


def seconds_of(call: Callable[[], object]) -> float:
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


ENDLESS = {
    "in the status line": drip(head(200, content_length=0)[:5] * 1000),
    "in the headers": drip(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 5000, at_once=20),
    "in a body with a length": drip(head(200, content_length=5000) + b"x" * 5000, at_once=50),
    "in a chunked body": drip(head(200, transfer_encoding="chunked") + b"1\r\nx\r\n" * 1000, at_once=50),
    "in a body until close": drip(head(200) + b"x" * 5000, at_once=20),
    "in headers after a 100": drip(head(100) + head(200, content_length=0), at_once=30),
    "nothing at all": silence,
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS.keys())
def test_no_drip_outlasts_the_deadline(answer: Answer) -> None:
    def ask() -> None:
        with pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError)), deadline(0.3):
            client.get(server.url)

    with WireServer(in_turn(answer)) as server, client_of(Wire()) as client:
        assert seconds_of(ask) < 2


def test_without_a_deadline_a_drip_is_read_to_its_end() -> None:
    slow = drip(head(200, content_length=20) + b"x" * 20, at_once=30)
    with WireServer(in_turn(slow)) as server, client_of(Wire()) as client:
        assert client.get(server.url).content == b"x" * 20


def test_a_deadline_holds_for_its_own_thread_only() -> None:
    slow = drip(head(200, content_length=20) + b"x" * 20, at_once=30)
    with WireServer(in_turn(slow)) as server, client_of(Wire()) as client:
        with deadline(20 * STEP / 2):
            other = threading.Thread(target=lambda: got.append(client.get(server.url).content))
            got: list[bytes] = []
            other.start()
            with pytest.raises(httpx.ReadTimeout):
                client.get(server.url)
        other.join(10)
    assert got == [b"x" * 20]


def test_an_inner_deadline_stands_in_for_the_outer_one_until_it_ends() -> None:
    with WireServer(in_turn(whole(page()), silence)) as server, client_of(Wire()) as client, deadline(-1):
        with deadline(20):
            assert client.get(server.url).status_code == 200
        with pytest.raises(httpx.TimeoutException):
            client.get(server.url)


def test_a_deadline_ends_with_its_block() -> None:
    with WireServer(in_turn(whole(page()))) as server, client_of(Wire()) as client:
        with deadline(-1):
            pass
        assert client.get(server.url).status_code == 200


def test_the_read_timeout_still_holds_within_a_deadline() -> None:
    timeout = pytest.raises(httpx.ReadTimeout)
    with WireServer(in_turn(silence)) as server, client_of(Wire()) as client, deadline(60), timeout:
        client.get(server.url, timeout=0.1)


def test_hanging_up_ends_all_requests_at_once() -> None:
    wire, ended, lock = Wire(), 0, threading.Lock()
    asked = threading.Barrier(5)

    def route(request: object) -> Answer:
        asked.wait(10)
        return silence

    def ask() -> None:
        nonlocal ended
        with pytest.raises(httpx.TransportError):
            client.get(server.url)
        with lock:
            ended += 1

    with WireServer(route) as server, client_of(wire) as client:
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        asked.wait(10)
        wire.hang_up()
        for thread in threads:
            thread.join(5)
    assert ended == 4


def test_after_hanging_up_no_connection_opens() -> None:
    wire = Wire()
    with WireServer(in_turn(whole(page()))) as server, client_of(wire) as client:
        wire.hang_up()
        with pytest.raises(httpx.ConnectError):
            client.get(server.url)
    assert server.requests == []


def test_hanging_up_is_possible_while_connections_open() -> None:
    wire = Wire()
    with WireServer(in_turn(raw(head(200, content_length=0)))) as server:
        host, port = server.url.removeprefix("http://").split(":")

        def connect() -> None:
            for _ in range(50):
                try:
                    streams.append(wire.connect_tcp(host, int(port)))
                except httpcore.ConnectError:
                    return

        streams: list[httpcore.NetworkStream] = []
        threads = [threading.Thread(target=connect) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(streams) < 10:
            pass
        wire.hang_up()
        for thread in threads:
            thread.join(10)
        for stream in streams:
            assert stream.read(1, timeout=5) == b""  # every socket that was opened has been shut down
            stream.close()


SURPLUS = {
    "nothing": (whole(b"abc"), False),
    "the end of the connection": (raw(head(200, content_length=3) + b"abc"), False),
    "more than its length says": (raw(head(200, content_length=3) + b"abcd", stay=True), True),
    "more than its chunks say": (raw(head(200, transfer_encoding="chunked") + b"3\r\nabc\r\n0\r\n\r\nd"), True),
}


@pytest.mark.parametrize(("answer", "more"), SURPLUS.values(), ids=SURPLUS.keys())
def test_bytes_behind_a_body_are_found(answer: Answer, *, more: bool) -> None:
    with (
        WireServer(in_turn(answer)) as server,
        client_of(Wire()) as client,
        client.stream("GET", server.url) as response,
    ):
        assert _read(response) == b"abc"
        assert has_surplus(response) == more


def test_bytes_that_come_once_the_body_is_read_are_found() -> None:
    is_read = threading.Event()

    def send(connection: Connection) -> bool:
        connection.socket.sendall(head(200, content_length=3) + b"abc")
        is_read.wait(10)
        connection.socket.sendall(b"d")
        return True

    with WireServer(in_turn(send)) as server, client_of(Wire()) as client, client.stream("GET", server.url) as response:
        assert _read(response) == b"abc"
        assert not has_surplus(response)
        is_read.set()
        socket = response.extensions["network_stream"].get_extra_info("socket")
        assert select.select([socket], [], [], 10)[0]
        assert has_surplus(response)


def test_an_answer_from_no_network_has_nothing_behind_it() -> None:
    assert not has_surplus(httpx.Response(200, content=b"abc"))


def _read(response: httpx.Response) -> bytes:
    """A body whose connection stays open at its end, as no method of httpx leaves it."""
    assert isinstance(response.stream, httpx.SyncByteStream)
    return b"".join(response.stream)
