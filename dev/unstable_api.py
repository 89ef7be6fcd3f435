"""An unstable HTTP API to test against: logins, expiring tokens, pages, and faults from a seed.

Run it as a server on loopback (`python -m seawall.dev.unstable_api --help`), or deploy `lambda_handler` behind
an AWS Lambda function URL. Every fault is drawn from the seed, the page and how often that page was
asked before, so that a run can be replayed.
"""

import argparse
import base64
import functools
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from email.utils import formatdate
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from seawall.dev.customers import Customers

MAX_LIMIT = 10_000
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
CACHED_BODIES_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often each fault strikes a request for a page, as a share of 1, and how tokens die."""

    http_500: float = 0.0
    http_503: float = 0.0
    http_429: float = 0.0  # half of them with Retry-After
    reset: float = 0.0
    truncate: float = 0.0
    retry_after: int = 1  # seconds
    latency: float = 0.0  # seconds, mean
    jitter: float = 0.0  # seconds, added uniformly
    token_seconds: float = 3600.0
    token_requests: int = 0  # requests after which a token dies; 0: never
    rate_limit: float = 0.0  # requests for pages a second, a fifth of it at once, 429 beyond; 0: no limit
    advertise: int = 0  # records promised beyond those that there are
    fail_pages: frozenset[int] = frozenset()  # answer 500 until POST /heal


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in: a method, a path, query and header values, a body."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out; `wire` says whether the connection plays along (`whole`, `reset`, `truncate`)."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: str = "whole"
    delay: float = 0.0


def _json(status: int, value: object, **headers: str) -> Answer:
    return Answer(status=status, body=json.dumps(value).encode(), headers=headers)


@dataclass(slots=True)
class Token:
    """One access token: when it was issued and how many requests it has signed."""

    issued: float
    uses: int = 0


class UnstableApi:
    """The API itself, free of any transport: `answer(Request) -> Answer`. Thread-safe."""

    def __init__(
        self,
        customers: Customers | None = None,
        faults: Faults | None = None,
        *,
        username: str = "demo",
        password: str = "demo-password",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.customers = customers or Customers()
        self.faults = faults or Faults()
        self._credentials = {"username": username, "password": password}
        self._clock = clock
        self._spent = self._spent_at = 0.0  # requests that the rate limit still counts, and when it counted them
        self._lock = threading.Lock()
        self._asked: Counter[int] = Counter()
        self._answers: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._tokens: dict[str, Token] = {}
        self._refresh_tokens: set[str] = set()
        self._healed = False
        self._bodies: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._bodies_bytes = 0

    def answer(self, request: Request) -> Answer:
        """The answer to one request, faults included; statistics are kept on the way."""
        match request.method, request.path:
            case "GET", "/customers":
                return self._customers(request)
            case "POST", "/login":
                return self._login(request)
            case "POST", "/refresh":
                return self._refresh(request)
            case "POST", "/heal":
                self._healed = True
                return _json(200, {"healed": sorted(self.faults.fail_pages)})
            case "GET", "/stats":
                return _json(200, self.stats())
        return _json(404, {"error": "not_found", "path": request.path})

    def stats(self) -> dict[str, Any]:
        """Requests by page and by answer, logins, refreshes, tokens that expired."""
        with self._lock:
            return {
                "requests": self._answers.total(),
                "pages": {str(page): count for page, count in sorted(self._asked.items())},
                "answers": dict(sorted(self._answers.items())),
                **{name: self._events[name] for name in ("logins", "rejected_logins", "refreshes", "expired_tokens")},
            }

    def _login(self, request: Request) -> Answer:
        if _object(request.body) != self._credentials:
            with self._lock:
                self._events["rejected_logins"] += 1
            return _json(401, {"error": "invalid_credentials"})
        return self._issue("logins")

    def _refresh(self, request: Request) -> Answer:
        if str(_object(request.body).get("refresh_token")) not in self._refresh_tokens:
            return _json(401, {"error": "invalid_refresh_token"})
        return self._issue("refreshes")

    def _issue(self, event: str) -> Answer:
        with self._lock:
            self._events[event] += 1
            number = self._events["logins"] + self._events["refreshes"]
            access, refresh = (self._digest(f"{kind}:{number}").hex() for kind in ("access", "refresh"))
            self._tokens[access] = Token(self._clock())
            self._refresh_tokens.add(refresh)
        expires_in = max(1, int(self.faults.token_seconds))
        return _json(200, {"access_token": access, "expires_in": expires_in, "refresh_token": refresh})

    def _authorised(self, header: str) -> bool:
        name = header.removeprefix("Bearer ")
        with self._lock:
            token = self._tokens.get(name)
            if token is None:
                return False
            token.uses += 1
            lived = self._clock() - token.issued
            if lived > self.faults.token_seconds or token.uses > self.faults.token_requests > 0:
                del self._tokens[name]
                self._events["expired_tokens"] += 1
                return False
            return True

    def _customers(self, request: Request) -> Answer:
        page, limit = (request.query.get(name, default) for name, default in (("page", "1"), ("limit", "1000")))
        if not (_NUMBER.fullmatch(page) and _NUMBER.fullmatch(limit) and int(limit) <= MAX_LIMIT):
            return self._counted("400", _json(400, {"error": "bad_page_or_limit"}))
        if not self._authorised(request.headers.get("authorization", "")):
            return self._counted("401", _json(401, {"error": "invalid_token"}))
        if not self._permitted():
            return self._counted("429", _json(429, {"error": "too_many_requests"}))
        with self._lock:
            self._asked[int(page)] += 1
            attempt = self._asked[int(page)]
        kind, jitter = self._draw(int(page), int(limit), attempt)
        delay = self.faults.latency + self.faults.jitter * jitter
        return self._counted(kind, replace(self._page(kind, int(page), int(limit)), delay=delay))

    def _permitted(self) -> bool:
        """Whether the rate limit lets a request in."""
        rate = self.faults.rate_limit
        if not rate:
            return True
        with self._lock:
            now = self._clock()
            self._spent = max(0.0, self._spent - (now - self._spent_at) * rate)
            self._spent_at = now
            if self._spent + 1 > max(1.0, rate / 5):
                return False
            self._spent += 1
            return True

    def _page(self, kind: str, page: int, limit: int) -> Answer:
        match kind:
            case "500":
                return _json(500, {"error": "internal_server_error"})
            case "503":
                return _json(503, {"error": "service_unavailable"})
            case "429":
                return _json(429, {"error": "too_many_requests"})
            case "429 with Retry-After":
                return _json(429, {"error": "too_many_requests"}, **{"Retry-After": self._retry_after(page)})
        wire = kind if kind in ("reset", "truncate") else "whole"
        return Answer(status=200, body=self._body(page, limit), wire=wire)

    def _retry_after(self, page: int) -> str:
        """Seconds for even pages, an HTTP date for odd ones (RFC 9110 §10.2.3)."""
        seconds = self.faults.retry_after
        return str(seconds) if page % 2 == 0 else formatdate(time.time() + seconds, usegmt=True)

    def _draw(self, page: int, limit: int, attempt: int) -> tuple[str, float]:
        """The fault kind of this request and a share of the jitter, both from the request's identity."""
        if page in self.faults.fail_pages and not self._healed:
            return "500", 0.0
        draws = struct.unpack("<4Q", self._digest(f"{page}:{limit}:{attempt}"))
        share, with_header, jitter = draws[0] / 2**64, draws[1] % 2, draws[2] / 2**64
        f = self.faults
        throttle = "429 with Retry-After" if with_header else "429"
        kinds = (("500", f.http_500), ("503", f.http_503), (throttle, f.http_429),
                 ("reset", f.reset), ("truncate", f.truncate))  # fmt: skip
        for kind, rate in kinds:
            if share < rate:
                return kind, jitter
            share -= rate
        return "200", jitter

    def _digest(self, text: str) -> bytes:
        return blake2b(f"{self.customers.seed}:{text}".encode(), digest_size=32).digest()

    def _counted(self, kind: str, answer: Answer) -> Answer:
        with self._lock:
            self._answers[kind] += 1
        return answer

    def _body(self, page: int, limit: int) -> bytes:
        key = (page, limit)
        if (cached := self._bodies.get(key)) is not None:
            return cached
        total = self.customers.total + self.faults.advertise
        metadata = {"page": page, "total_pages": self.customers.total_pages(limit), "total_records": total}
        answer = {"metadata": metadata, "data": self.customers.page(page, limit)}
        body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
        with self._lock:
            self._bodies_bytes += len(body) - len(self._bodies.get(key, b""))
            self._bodies[key] = body
            while self._bodies_bytes > CACHED_BODIES_BYTES:
                self._bodies_bytes -= len(self._bodies.popitem(last=False)[1])
        return body


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class _Handler(BaseHTTPRequestHandler):
    """Carries requests and answers over a socket, and breaks the connection where the answer says so."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        url = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )
        answer = self.server.api.answer(request)
        if answer.delay:
            time.sleep(answer.delay)
        if answer.wire == "reset":
            self._reset()
        else:
            self._send(answer)

    do_GET = do_POST = _serve

    def _send(self, answer: Answer) -> None:
        lines = {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} {self.responses[answer.status][0]}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
        body = memoryview(answer.body)
        if answer.wire == "truncate":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.connection.sendall(head.encode("latin-1"))
        self.connection.sendall(body)

    def _reset(self) -> None:
        """Close with a TCP reset (SO_LINGER of zero), as a crashing proxy does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            pass  # the client or a planned reset closed the socket before us

    def log_message(self, *args: object) -> None:
        """Statistics stand at /stats; a line a request would only slow the server down."""


class Server(ThreadingHTTPServer):
    """The API on a loopback socket, a thread a connection; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, api: UnstableApi, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.api = api

    @property
    def url(self) -> str:
        """The address to reach it by, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is not an error of this server; anything else is printed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def __enter__(self) -> "Server":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def _pages(text: str) -> frozenset[int]:
    return frozenset(int(page) for page in text.split(",") if page)


_READ: dict[type, Callable[[str], Any]] = {int: int, float: float, frozenset: _pages}


def _settings(values: Mapping[str, str]) -> dict[str, Any]:
    """The table and the faults from named texts, such as environment variables or arguments."""

    def build(kind: Any) -> Any:
        return kind(**{f.name: _READ[type(f.default)](values[f.name]) for f in fields(kind) if f.name in values})

    return {"customers": build(Customers), "faults": build(Faults)}


@functools.cache
def _lambda_api() -> UnstableApi:
    prefix = "UNSTABLE_API_"
    given = {name.removeprefix(prefix).lower(): text for name, text in os.environ.items() if name.startswith(prefix)}
    return UnstableApi(**_settings(given))


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001  # the signature is Lambda's
    """Answer one function-URL event (payload format 2.0).

    Settings come from the environment, named as the command's options: `UNSTABLE_API_HTTP_500=0.05`.
    State lives as long as the execution environment. A connection that breaks is beyond what a function
    can do, so `reset` and `truncate` answer 502 there.
    """
    body = event.get("body") or ""
    request = Request(
        method=event["requestContext"]["http"]["method"],
        path=event.get("rawPath", "/"),
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
    )
    answer = _lambda_api().answer(request)
    time.sleep(answer.delay)
    if answer.wire != "whole":
        answer = _json(502, {"error": "bad_gateway"})
    return {
        "statusCode": answer.status,
        "headers": {"Content-Type": "application/json", **answer.headers},
        "body": answer.body.decode(),
        "isBase64Encoded": False,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m seawall.dev.unstable_api", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="port on 127.0.0.1; 0 takes a free one")
    for kind in (Customers, Faults):
        for f in fields(kind):
            default = f.default if f.default != frozenset() else "none"
            parser.add_argument(f"--{f.name.replace('_', '-')}", default=argparse.SUPPRESS, help=f"default: {default}")
    return parser


def main() -> None:
    """Serve until interrupted."""
    arguments = vars(_parser().parse_args())
    port = arguments.pop("port")
    with Server(UnstableApi(**_settings(arguments)), port) as server:
        print(f"{server.url}/customers  (POST /login with demo / demo-password; GET /stats)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
