"""A server on raw sockets that answers exactly the bytes of a script, and breaks connections on command."""

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

STEP = 0.02  # seconds between two bytes of a drip


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; header names are in lower case, `target` is what stands between method and version."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str = ""

    @property
    def page(self) -> int:
        """The number of the page that is asked for."""
        return int(self.query["page"])

    @property
    def token(self) -> str:
        """The bearer token that signs the request."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True, slots=True)
class Connection:
    """Where an answer goes; `over` is set when the server stops."""

    socket: socket.socket
    over: threading.Event


Answer = Callable[[Connection], bool]
"""Writes to the connection, and says whether it stays open."""
Route = Callable[[Request], Answer]


def page(number: int = 1, pages: int = 1, size: int = 2) -> bytes:
    """The body of a page of `size` records out of `pages` such pages."""
    records = [{"id": (number - 1) * size + i} for i in range(size)]
    return json.dumps({"metadata": {"total_pages": pages, "total_records": pages * size}, "data": records}).encode()


def head(status: int, /, **headers: object) -> bytes:
    """Status line and headers; `retry_after=3` becomes `retry-after: 3`."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1")


def whole(body: bytes = b"", status: int = 200, /, **headers: object) -> Answer:
    """A sound answer; the connection stays open."""
    return raw(head(status, content_length=len(body), **headers) + body, stay=True)


def as_json(value: object, status: int = 200, /, **headers: object) -> Answer:
    """A sound answer with a JSON body."""
    return whole(json.dumps(value).encode(), status, **headers)


def raw(*pieces: bytes, stay: bool = False) -> Answer:
    """These bytes and nothing else, then the end of the connection, unless it is to `stay`."""

    def send(connection: Connection) -> bool:
        for piece in pieces:
            connection.socket.sendall(piece)
        return stay

    return send


def reset(connection: Connection) -> bool:
    """A TCP reset in place of an answer."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hang_up(connection: Connection) -> bool:
    """The end of the connection in place of an answer."""
    return False


def silence(connection: Connection) -> bool:
    """No answer until the server stops."""
    connection.over.wait(60)
    return False


def drip(data: bytes, at_once: int = 0) -> Answer:
    """The first bytes `at_once`, the others one by one, none of them late enough for a read timeout."""

    def send(connection: Connection) -> bool:
        connection.socket.sendall(data[:at_once])
        for byte in data[at_once:]:
            if connection.over.wait(STEP):
                return False
            connection.socket.sendall(bytes([byte]))
        return True

    return send


def after(event: threading.Event, answer: Answer) -> Answer:
    """This answer once `event` is set."""

    def send(connection: Connection) -> bool:
        event.wait(30)
        return answer(connection)

    return send


def late(seconds: float, answer: Answer) -> Answer:
    """This answer after some time, as of a server that works for it."""

    def send(connection: Connection) -> bool:
        connection.over.wait(seconds)
        return answer(connection)

    return send


def cut_content_length(body: bytes) -> Answer:
    """A Content-Length beyond the bytes that come."""
    return raw(head(200, content_length=len(body)) + body[: len(body) // 2])


def short_content_length(body: bytes) -> Answer:
    """A Content-Length that ends in the middle of the body."""
    return raw(head(200, content_length=len(body) // 2) + body)


def cut_chunked(body: bytes) -> Answer:
    """A chunked body without its end."""
    return raw(head(200, transfer_encoding="chunked") + f"{len(body):x}\r\n".encode() + body + b"\r\n")


def cut_until_close(body: bytes) -> Answer:
    """Half a body that says nothing about its length."""
    return raw(head(200) + body[: len(body) // 2])


def cut_gzip(body: bytes) -> Answer:
    """A sound Content-Length around half a gzip stream."""
    packed = gzip.compress(body)
    return whole(packed[: len(packed) // 2], content_encoding="gzip")


def cut_gzip_until_close(body: bytes) -> Answer:
    """Half a gzip stream that says nothing about its length."""
    packed = gzip.compress(body)
    return raw(head(200, content_encoding="gzip") + packed[: len(packed) // 2])


def broken_gzip(body: bytes) -> Answer:
    """A body that is said to be gzip and is not."""
    return whole(body, content_encoding="gzip")


def in_turn(*answers: Answer) -> Route:
    """These answers one after the other, whatever is asked; the last one again and again."""
    left = list(answers)
    lock = threading.Lock()

    def route(request: Request) -> Answer:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return route


def by_page(pages: int, special: Mapping[int, Iterable[Answer]] | None = None, *, size: int = 2) -> Route:
    """Sound pages of `size` records, but `special` answers for some of them, in turn; once used up, the sound page."""
    queues = {number: list(answers) for number, answers in (special or {}).items()}
    lock = threading.Lock()

    def route(request: Request) -> Answer:
        with lock:
            queue = queues.get(request.page)
            return queue.pop(0) if queue else whole(page(request.page, pages, size=size))

    return route


@dataclass
class WireServer:
    """A thread a connection, on a free port of loopback; `requests` is all that came, in order."""

    route: Route
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._port: int = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._answering = 0

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._port}"

    def asked(self) -> Counter[int]:
        """How often each page was asked for."""
        with self._lock:
            return Counter(request.page for request in self.requests if "page" in request.query)

    def paths(self) -> list[str]:
        """The path of each request."""
        with self._lock:
            return [request.path for request in self.requests]

    def __enter__(self) -> "WireServer":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                accepted = self.tls.wrap_socket(accepted, server_side=True)
            with accepted, accepted.makefile("rb") as incoming:
                with self._lock:
                    self._open.add(accepted)
                try:
                    while (request := _read(incoming)) and self._answer(request, accepted):
                        pass
                finally:
                    with self._lock:
                        self._open.discard(accepted)

    def _answer(self, request: Request, accepted: socket.socket) -> bool:
        with self._lock:
            self.requests.append(request)
            self._answering += 1
            self.most_at_once = max(self.most_at_once, self._answering)
        left = False
        answer = self.route(request)

        def leave() -> None:
            nonlocal left
            with self._lock:
                self._answering -= not left
                left = True

        try:
            # the client may ask for more before this thread goes on, so count down ahead of the last bytes
            return answer(Connection(_Leaving(accepted, leave), self._over))  # type: ignore[arg-type]  # like a socket
        finally:
            leave()


@dataclass
class _Leaving:
    """A socket that calls `leave` before it sends."""

    socket: socket.socket
    leave: Callable[[], None]

    def sendall(self, data: bytes) -> None:
        self.leave()
        self.socket.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.socket, name)


def _read(incoming: Any) -> Request | None:
    line = incoming.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while line := incoming.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    url = urlsplit(target)
    body = incoming.read(int(headers.get("content-length", 0)))
    return Request(method, url.path, dict(parse_qsl(url.query)), headers, body, target)
