"""Schedules of faults, drawn from a seed: what a source with 30 pages answers, and what must come of it."""

import csv
import io
import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

import httpx

from seawall.clients.api import ApiClient
from seawall.clients.errors import SourceError
from seawall.clients.source import ApiSource
from seawall.formats import registry
from seawall.formats.writer import Settings
from seawall.storage.errors import ObjectExistsError, ObjectMissingError, StorageError
from seawall.tasks.context.resources import Resources
from seawall.tasks.errors import IngestError
from seawall.tasks.options import IngestOptions
from seawall.tasks.run import Run
from seawall.tests.inline import ingested
from seawall.tests.shelf import EVERY, Shelf
from seawall.tests.wireserver import (
    Answer,
    Request,
    cut_chunked,
    cut_content_length,
    cut_gzip,
    cut_until_close,
    hang_up,
    reset,
    short_content_length,
    whole,
)

PAGES, SIZE, ATTEMPTS = 30, 5, 12
PASSING = ("500", "502", "503", "504", "408", "429", "429 in 2 s", "503 in 2 s", "reset", "cut", "html", "empty", "401")
LASTING = ("500", "404", "400", "403", "wait", "html", "cut", "repeat", "elsewhere", "circle", "password", "short")
CUTS = (cut_content_length, short_content_length, cut_chunked, cut_until_close, cut_gzip)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out: a status, headers and a body; `wire` breaks the connection (`reset`, `cut`)."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    wire: str = ""


class Schedule:
    """A source whose every fault follows from `seed`: the page, how often it was asked for, the fault.

    Even seeds hold only faults that must heal; odd ones a lasting fault besides.
    """

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.heals = seed % 2 == 0
        self.kind = draw.choice(list(EVERY))
        self.shelf = Shelf(self.kind, total=PAGES * SIZE - draw.randrange(SIZE))
        self.in_flight = draw.choice((1, 2, 8))
        self.options = IngestOptions(
            pages_per_part=draw.choice((1, 7, 10, 500)), max_in_flight=self.in_flight, strict=True,
            record_key=draw.choice((None, "id")),
        )  # fmt: skip
        self.faults = {page: self._passing(draw) for page in range(PAGES) if draw.random() < 0.4}
        counted = self.kind in ("pages", "pages from 0", "pages by records", "offset")
        lasting = LASTING if counted else LASTING[:-1]  # nobody can miss a record of which nobody told
        self.lasting = "" if self.heals else draw.choice(lasting)
        self.at = draw.randrange(PAGES)
        self.cut = draw.choice(CUTS)
        self._lock = Lock()
        self._token = 0
        self._proven = False
        self._asked: dict[int, int] = {}

    def __repr__(self) -> str:
        faults = {page: faults for page, faults in self.faults.items() if faults}
        return f"{self.kind}, {self.options!r}, lasting {self.lasting!r} at page {self.at}, passing {faults}"

    @staticmethod
    def _passing(draw: random.Random) -> list[str]:
        faults = [draw.choice(PASSING) for _ in range(draw.randint(1, 3))]
        return faults if sum(fault in ("html", "empty") for fault in faults) < 3 else faults[:2]

    def source(self, url: str) -> ApiSource:
        """The form of this source."""
        login = {"kind": "login", "login_url": f"{url}/login", "refresh_url": f"{url}/refresh"}
        return ApiSource(
            name="items", url=f"{url}/items", pagination=self.shelf.pagination, page_size=SIZE,
            auth=login | {"username": "me", "password": "correct-horse-battery"}, max_attempts=ATTEMPTS,
            record_key=self.options.record_key,
        )  # fmt: skip

    def reply(self, path: str, query: Mapping[str, str], token: str, url: str) -> Reply:
        """The answer to one request."""
        with self._lock:
            if path != "/items":
                return self._issue()
            page = self.shelf._begin(query, SIZE) // SIZE
            self._asked[page] = asked = self._asked.get(page, 0) + 1
            faults = self.faults.get(page, [])
            fault = faults[asked - 1] if asked <= len(faults) else ""
            if fault == "401":  # a token that lets nobody in, twice in a row, rightly ends a run
                fault, self._token = ("", self._token + 1) if self._proven else ("500", self._token)
                self._proven = False
            if token != f"token-{self._token}":
                return Reply(401)
            self._proven = self._proven or not fault
            return self._faulty(fault, query, url) if fault else self._sound(page, query, url)

    def _issue(self) -> Reply:
        if self.lasting == "password":
            return Reply(403, b"{}")
        return Reply(200, json.dumps({"access_token": f"token-{self._token}", "refresh_token": "r"}).encode())

    def _faulty(self, fault: str, query: Mapping[str, str], url: str) -> Reply:
        if fault.endswith(" in 2 s"):
            return Reply(int(fault[:3]), headers=(("Retry-After", "2"),))
        if fault == "reset":
            return Reply(wire="reset")
        if fault == "cut":
            return Reply(200, self._body(query, url)[1], wire="cut")
        if fault in ("html", "empty"):
            return Reply(200, b"<html>Maintenance</html>" if fault == "html" else b"")
        return Reply(int(fault))

    def _sound(self, page: int, query: Mapping[str, str], url: str) -> Reply:
        headers, body = self._body(query, url)
        if page == self.at and self.lasting:
            match self.lasting:
                case "500" | "404" | "400" | "403" as status:
                    return Reply(int(status), b"{}")
                case "wait":
                    return Reply(429, headers=(("Retry-After", "9999"),))
                case "html":
                    return Reply(200, b"<html>")
                case "cut":
                    return Reply(200, body, wire="cut")
                case "repeat":
                    _, body = self._body({"limit": str(SIZE)}, url)
                case "short":
                    body = body.replace(b'{"id": %d}, ' % (page * SIZE), b"")
                case "elsewhere" | "circle":
                    to = "http://evil.example/items?at=5" if self.lasting == "elsewhere" else f"{url}?at=0&limit={SIZE}"
                    to = "c0" if self.kind.startswith("cursor") else to
                    headers = {"link": f'<{to}>; rel="next"'} if self.kind == "link_header" else {}
                    body = json.dumps(json.loads(body) | {"metadata": {"next": to, "more": True}}).encode()
        return Reply(200, body, tuple(headers.items()))

    def _body(self, query: Mapping[str, str], url: str) -> tuple[dict[str, str], bytes]:
        headers, body = self.shelf.answer(query, url)
        return headers, json.dumps(body).encode()

    def route(self, request: Request) -> Answer:
        """The answer on a socket, its faults in the framing."""
        url = f"http://{request.headers['host']}{request.path}"
        reply = self.reply(request.path, request.query, request.token, url)
        if reply.wire == "reset":
            return random.Random(url).choice((reset, hang_up))
        if reply.wire == "cut":
            return self.cut(reply.body)
        return whole(reply.body, reply.status, **dict(reply.headers))


class InProcess(httpx.BaseTransport):
    """Carries requests to a schedule without any socket."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url.copy_with(query=None))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        reply = self.schedule.reply(request.url.path, dict(parse_qsl(request.url.query.decode())), token, url)
        if reply.wire == "reset":
            raise httpx.ReadError("Connection reset by peer", request=request)
        body = reply.body[: len(reply.body) // 2] if reply.wire == "cut" else reply.body
        return httpx.Response(reply.status, headers=list(reply.headers), content=body)


class MemoryStore:
    """An object store in a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def preflight(self, prefix: str = "", *, create: bool = False) -> None:
        pass

    def put_file(self, path: Path, key: str, *, content_type: str) -> None:
        self.objects[key] = path.read_bytes()

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        self.objects[key] = content

    def put_new(self, key: str, content: bytes) -> None:
        if self.objects.setdefault(key, content) is not content:
            raise ObjectExistsError(key)

    def put_instead(self, key: str, content: bytes, version: str) -> None:
        if self.get_version(key)[1] != version:
            raise ObjectExistsError(key)
        self.put(key, content, content_type="application/json")

    def get_version(self, key: str) -> tuple[bytes, str]:
        try:
            content = self.get(key)
        except ObjectMissingError:
            return b"", ""
        return content, str(hash(content))

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectMissingError(key)
        return self.objects[key]

    def get_file(self, key: str, path: Path) -> None:
        path.write_bytes(self.get(key))

    def head(self, key: str) -> int:
        return len(self.get(key))

    def list(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in tuple(self.objects) if key.startswith(prefix)))

    def folders(self, prefix: str) -> Iterator[str]:
        return iter(sorted({key.removeprefix(prefix).split("/")[0] for key in self.list(prefix)}))

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def abort_uploads(self, prefix: str) -> int:
        return 0

    def uri(self, key: str) -> str:
        return f"memory:{key}"

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the ids it published, or the error that it ended with."""

    published: list[int] | None
    verdict: str | None = None
    error: Exception | None = None


def run(schedule: Schedule, url: str, client: Callable[[ApiSource], ApiClient]) -> Ending:
    """Plan, land and publish without a flow; errors of ours are an ending, others are raised."""
    asked = Run(
        run_id=str(uuid.UUID(int=schedule.at, version=4)), source="items", options=schedule.options,
        started=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    source, store = schedule.source(url), MemoryStore()
    with client(source) as api:
        used = Resources(
            source=source, client=api, store=store, format=registry.build("csv", Settings()), parent="items",
            record_key=schedule.options.record_key,
        )  # fmt: skip
        try:
            api.authenticate()
            manifest = ingested(asked, used)
        except (SourceError, IngestError, StorageError) as error:
            assert not [key for key in store.objects if key.endswith("_manifest.json")], "published, and failed"
            return Ending(None, error=error)
    rows = [row for part in manifest.parts for row in _rows(store.objects[part.key])]
    return Ending(rows, verdict=manifest.verdict)


def _rows(content: bytes) -> Iterator[int]:
    for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
        yield int(row["id"])


def fault(schedule: Schedule, ending: Ending) -> str | None:
    """What is wrong with this ending, if anything."""
    truth: list[Any] = [record["id"] for record in schedule.shelf.truth]
    if ending.published is None:
        return f"failed with {ending.error!r}" if schedule.heals else None
    if ending.published != truth or ending.verdict != "complete":
        lost, extra = sorted(set(truth) - set(ending.published)), len(ending.published) - len(set(ending.published))
        return f"published as {ending.verdict}: lost {lost}, {extra} twice, {len(ending.published)} records"
    return None
