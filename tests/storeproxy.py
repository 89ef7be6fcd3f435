"""A proxy between a client and a real S3 server, which carries requests and breaks what it is told to break.

`proxy.before = fault` looks at each request before the server does, `proxy.after` at each answer. Faults are functions
of an exchange; those that answer in place of the server return True. They can be put together:
`on("PUT", times(2, refuse(503, "SlowDown")))`.
"""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Exchange:
    """One request and its answer, on their way through the proxy."""

    method: str
    path: str
    request_headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    over: threading.Event = field(default_factory=threading.Event)
    is_damaged: bool = False  # a byte of the request's body is another one
    lost: bool = False  # the connection ends in place of an answer
    answer_bytes: int | None = None  # of the answer's body, before the connection ends
    request_bytes: int | None = None  # of the request's body, before the connection is reset

    def refuse(self, status: int, code: str) -> None:
        """Answer an S3 error in place of what the server said or would say."""
        self.status, self.headers = status, [("Content-Type", "application/xml")]
        self.body = f"<Error><Code>{code}</Code><Message>planned by a test</Message></Error>".encode()
        self.body = b"" if self.method == "HEAD" else self.body

    def without_headers(self, part: str) -> None:
        """Take away headers of the answer whose name holds `part`."""
        self.headers = [pair for pair in self.headers if part not in pair[0].lower()]


Fault = Callable[[Exchange], bool]


def refuse(status: int, code: str) -> Fault:
    """Answer with an S3 error."""

    def fault(exchange: Exchange) -> bool:
        exchange.refuse(status, code)
        return True

    return fault


def redirect(status: int, location: str) -> Fault:
    """Send everybody elsewhere."""

    def fault(exchange: Exchange) -> bool:
        exchange.status, exchange.headers = status, [("Location", location), ("Content-Type", "text/html")]
        return True

    return fault


def hang(exchange: Exchange) -> bool:
    """Take the request and answer nothing while the proxy lives."""
    exchange.over.wait()
    exchange.lost = True
    return True


def lose_answer(exchange: Exchange) -> bool:
    """Let the server do what it is asked to, but the answer never arrives."""
    exchange.lost = True
    return False


def reset_upload(exchange: Exchange) -> bool:
    """Reset the connection in the middle of what is sent."""
    exchange.request_bytes = int(exchange.request_headers.get("Content-Length", 0)) // 2
    return True


def damage_upload(exchange: Exchange) -> bool:
    """Change one byte of what is sent."""
    exchange.is_damaged = True
    return False


def cut_download(exchange: Exchange) -> bool:
    """End the connection after the first byte of an answer's body."""
    exchange.answer_bytes = 1
    return False


def on(method: str, fault: Fault, part: str = "", header: str = "") -> Fault:
    """A fault of requests with this method, with `part` in their path and with a `header`."""

    def chosen(exchange: Exchange) -> bool:
        matches = exchange.method == method and part in exchange.path
        return matches and (not header or header in exchange.request_headers) and fault(exchange)

    return chosen


def times(count: int, fault: Fault) -> Fault:
    """A fault that passes after it came `count` times."""
    left = iter(range(count))
    return lambda exchange: next(left, None) is not None and fault(exchange)


def for_seconds(seconds: float, fault: Fault) -> Fault:
    """A fault that passes after some seconds."""
    end = time.monotonic() + seconds
    return lambda exchange: time.monotonic() < end and fault(exchange)


class _Carrier(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "StoreProxy"

    def _carry(self) -> None:
        exchange = Exchange(self.command, self.path, dict(self.headers.items()), over=self.server.over)
        self.server.seen.append(f"{self.command} {self.path}")
        is_answered = self.server.before(exchange)
        if exchange.request_bytes is not None:
            self._reset(exchange.request_bytes)
            return
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not is_answered:
            self._forward(exchange, bytes([sent[0] ^ 1]) + sent[1:] if exchange.is_damaged and sent else sent)
            self.server.after(exchange)
        if exchange.lost:
            self.close_connection = True
        else:
            self._answer(exchange)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _carry  # noqa: N815  # the names that http.server looks for

    def _reset(self, request_bytes: int) -> None:
        self.rfile.read(request_bytes)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _answer(self, exchange: Exchange) -> None:
        self.send_response_only(exchange.status)
        for name, value in exchange.headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in exchange.headers):
            self.send_header("Content-Length", str(len(exchange.body)))
        self.end_headers()
        self.wfile.write(exchange.body[: exchange.answer_bytes])
        self.close_connection = self.close_connection or exchange.answer_bytes is not None

    def _forward(self, exchange: Exchange, sent: bytes) -> None:
        """Ask the real server; the Host header stays, since it is signed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in exchange.request_headers.items():
            if name.lower() != "expect":
                connection.putheader(name, value)
        connection.endheaders(sent)
        answer = connection.getresponse()
        exchange.status, exchange.body = answer.status, answer.read()
        exchange.headers = answer.getheaders()
        exchange.without_headers("transfer-encoding")
        exchange.without_headers("connection")
        if self.command != "HEAD":
            exchange.without_headers("content-length")
        connection.close()

    def log_message(self, *args: object) -> None:
        pass


class StoreProxy(ThreadingHTTPServer):
    """Stands before an S3 server on this machine; `before` may answer in its place (and says so), `after` may alter."""

    daemon_threads = True

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Carrier)
        self.upstream = upstream
        self.seen: list[str] = []
        self.over = threading.Event()
        self.before: Fault = lambda exchange: False
        self.after: Callable[[Exchange], None] = lambda exchange: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def count(self, start: str) -> int:
        """How many requests began like that."""
        return sum(each.startswith(start) for each in self.seen)

    def handle_error(self, *args: object) -> None:
        """Clients that hang up are what is tested."""


@contextmanager
def proxy_before(url: str) -> Iterator[StoreProxy]:
    """A proxy in front of the S3 server at `url`."""
    with StoreProxy(int(url.rpartition(":")[2])) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()
