"""A proxy in front of SeaweedFS that kills the process behind a request: before it, in its middle, or after it."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from seawall.tests.kills.strikes import Moment, Watch

SECONDS = 30.0
_UPLOADS = {
    ("POST", "uploads"): "upload begun",
    ("PUT", "partNumber"): "chunk",
    ("POST", "uploadId"): "upload completed",
}


class _Handler(BaseHTTPRequestHandler):
    """Carries requests to the server behind and answers back; signatures hold, since no header is changed."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Proxy"

    def _serve(self) -> None:
        with self.server.carrying():
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            moment = self.server.moment_of(self.command, self.path)
            if moment == "before":
                self._strike()
            elif moment == "middle" or len(body) < length:  # or its process died of another one's strike
                self._send(body[: len(body) // 2]).close()
                self._strike()
            else:
                self._carry(body, moment)

    def _carry(self, body: bytes, moment: Moment | None) -> None:
        with self._send(body) as connection:
            answer = HTTPResponse(connection, method=self.command)
            answer.begin()
            content = answer.read()
        if moment:
            self._strike()
        else:
            self._reply(answer, content)

    def _send(self, body: bytes) -> socket.socket:
        connection = socket.create_connection(self.server.behind, SECONDS)
        connection.sendall(self._head())
        connection.sendall(body)
        return connection

    def __getattr__(self, name: str) -> Any:
        """Every method is carried alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _head(self) -> bytes:
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items() if name.lower() != "expect")
        return f"{self.requestline}\r\n{fields}\r\n".encode("latin-1")

    def _reply(self, answer: HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _strike(self) -> None:
        self.close_connection = True
        self.server.strike()

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


class Proxy(ThreadingHTTPServer):
    """Listens on a free port of loopback; `behind` is the server that requests are carried to."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        url = urlsplit(behind)
        self.behind = (url.hostname, url.port)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._watch = Watch(None)
        self._kill: Callable[[], None] = lambda: None
        self._idle = threading.Condition()
        self._carried = 0

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed hangs up."""

    def watch(self, watch: Watch, kill: Callable[[], None]) -> None:
        """Go by another strike from now on, that of the next process."""
        self._watch, self._kill = watch, kill

    def strike(self) -> None:
        """Kill the process."""
        self._kill()

    def moment_of(self, method: str, target: str) -> Moment | None:
        """When at this request its process dies, if it does."""
        url = urlsplit(target)
        key = unquote(url.path).removeprefix("/").partition("/")[2]
        names = {field.partition("=")[0] for field in url.query.split("&")}
        if method in ("GET", "HEAD"):
            self._watch.saw_read(key)
            return None
        kind = self._watch.kind_of(key)
        if method == "DELETE" and kind != "preflight":
            kind = "abort" if "uploadId" in names else "sweep"
        steps = [step for (verb, name), step in _UPLOADS.items() if verb == method and name in names]
        return self._watch.moment_of(steps[0] if steps and kind == "part" else kind)

    @contextlib.contextmanager
    def carrying(self) -> Iterator[None]:
        """A request is on its way."""
        with self._idle:
            self._carried += 1
        try:
            yield
        finally:
            with self._idle:
                self._carried -= 1
                self._idle.notify_all()

    def settle(self) -> None:
        """Wait until nothing of a dead process is on its way any more."""
        with self._idle:
            assert self._idle.wait_for(lambda: not self._carried, SECONDS)
