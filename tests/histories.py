"""Histories of a source, drawn from a seed: what it holds when, what it says of that, and what goes wrong meanwhile.

`complete` has to be true of some moment of the walk, and what passes has to heal.
"""

import csv
import io
import json
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
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
from seawall.storage.errors import StorageError
from seawall.storage.manifest import Manifest
from seawall.tasks.context.resources import Resources
from seawall.tasks.errors import IngestError
from seawall.tasks.options import IngestOptions
from seawall.tasks.run import Run
from seawall.testing.stand_ins import VirtualTime
from seawall.tests.inline import ingested
from seawall.tests.schedules import MemoryStore

SIZE = 5
TIMES = (1, 1, 2, 99)  # how often a glitch is answered; the last one is for good
NO_TOTALS = {"total_pages_path": "", "total_records_path": ""}
KINDS: dict[str, dict[str, Any]] = {
    "pages": {"kind": "page_number"},
    "pages alone": {"kind": "page_number", "total_records_path": ""},
    "records alone": {"kind": "page_number", "total_pages_path": ""},
    "until empty": {"kind": "page_number"} | NO_TOTALS,
    "offset": {"kind": "offset"},
    "offset until empty": {"kind": "offset", "total_records_path": ""},
    "cursor": {"kind": "cursor", "next_path": "metadata.next"},
    "cursor with total": {
        "kind": "cursor",
        "next_path": "metadata.next",
        "total_records_path": "metadata.total_records",
    },
    "next_url": {"kind": "next_url", "next_path": "metadata.next"},
    "link_header": {"kind": "link_header"},
}
CHAINED = ("cursor", "cursor with total", "next_url", "link_header")
TELL_RECORDS = ("pages", "records alone", "offset", "cursor with total")
TELL = (*TELL_RECORDS, "pages alone")


class KilledError(BaseException):
    """The process died at a write to its store; nothing can catch that."""


class MortalStore(MemoryStore):
    """A store of a process that dies at its `death`-th write: before it, or after it."""

    def __init__(self, objects: dict[str, bytes], death: int, *, after: bool) -> None:
        self.objects = objects
        self._death, self._after, self._writes = death, after, 0

    def put_file(self, path: Path, key: str, *, content_type: str) -> None:
        self._dies(after=False)
        super().put_file(path, key, content_type=content_type)
        self._dies(after=True)

    def put_new(self, key: str, content: bytes) -> None:
        self._dies(after=False)
        super().put_new(key, content)
        self._dies(after=True)

    def delete(self, key: str) -> None:
        if self._writes >= self._death:
            raise KilledError
        super().delete(key)

    def _dies(self, *, after: bool) -> None:
        self._writes += not after
        if self._writes > self._death or (self._writes == self._death and after == self._after):
            raise KilledError


@dataclass(frozen=True, slots=True)
class Glitch:
    """What the first `times` answers for a page lack."""

    kind: str
    """empty, short, silent (no key of a next page), null (there is none, it says), errors (beside some records), or
    broken (never answered, however often it is asked for)"""
    times: int


class History:
    """A source whose whole life follows from `seed`."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        draw = random.Random(seed)
        self.kind = draw.choice(list(KINDS))
        self.rows = list(range(draw.choice((0, 3, 5, 23, 30, 38, 40, 51))))
        self.totals = draw.choice(("honest", "honest", "capped", "lagging")) if self.kind in TELL else "honest"
        self.cap = draw.choice((10, 15, 20))
        self.change, self.at = draw.choice(("", "", "grows", "shrinks")), draw.randrange(1, 14)
        self.counts_from_1 = self.kind.startswith("offset") and draw.random() < 0.15
        self.glitches = self._glitches(draw)
        self.is_faulty = draw.random() < 0.3
        self.faults = random.Random(draw.random())
        self.passes = draw.choice((1, 1, 1, 2))
        if self.change == "shrinks" and (self.kind not in TELL_RECORDS or self.totals != "honest") and self.passes == 1:
            self.change = ""  # nobody who walks once can see that
        self.kills = [draw.randrange(1, 12) for _ in range(draw.choice((0, 0, 1, 2)))]
        self.max_failed_pages = 0
        self.draw = draw
        self.moments = [tuple(self.rows)]
        self.asked = 0
        self._seen: dict[tuple[int, int], int] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return (
            f"seed {self.seed}: {self.kind}, {len(self.moments[0])} rows, totals {self.totals} ({self.cap}), "
            f"{self.change or 'stays'} at {self.at}, from 1: {self.counts_from_1}, {self.glitches}, "
            f"passes {self.passes}, kills {self.kills}"
        )

    def _glitches(self, draw: random.Random) -> dict[int, Glitch]:
        pages = -(-len(self.rows) // SIZE)
        kinds = ("empty", "short", "silent", "null", "errors") if self.kind in CHAINED else ("empty", "short", "errors")
        glitches: dict[int, Glitch] = {}
        for _ in range(draw.choice((0, 1, 2, 3))):
            glitch = Glitch(draw.choice(kinds), draw.choice(TIMES))
            page = draw.randrange(max(pages, 1))
            lasts = glitch.times > 2
            is_end = glitch.kind == "null" or (glitch.kind == "silent" and self.kind == "link_header")
            if lasts and (is_end or self._is_where_totals_end(page) or not 0 < page < pages - 1):
                continue  # a source that ends there, as far as anybody can know
            glitches[page] = glitch
        return glitches

    def _is_where_totals_end(self, page: int) -> bool:
        """Whether a total that is too small ends with a page, or before it."""
        told = {"capped": self.cap, "lagging": len(self.rows) - self.cap}.get(self.totals)
        return told is not None and -(-told // SIZE) - 1 <= page <= -(-told // SIZE)

    @property
    def has_to_heal(self) -> bool:
        """Whether nothing lasts that would keep a dataset from being complete."""
        lasting = any(glitch.times > 2 for glitch in self.glitches.values())
        odd = self.counts_from_1 or self.totals != "honest" or self.change == "shrinks"
        is_silent = self.kind == "link_header" and any(len(rows) <= SIZE for rows in self.moments)
        return not lasting and not odd and not is_silent

    def source(self) -> ApiSource:
        """The form of this source."""
        return ApiSource(name="items", url="http://127.0.0.1:9/items", page_size=SIZE, pagination=KINDS[self.kind])

    def answer(self, query: Mapping[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and body of one answer."""
        with self._lock:
            self.asked += 1
            if self.asked == self.at:
                self._change()
            if self._glitch_at(query) == "broken":
                return 500, {}, {}
            if self.is_faulty and self.faults.random() < 0.15:
                return 500, {}, {}
            return self._sound(query)

    def _change(self) -> None:
        if self.change == "grows":
            self.rows += range(1000, 1000 + self.draw.choice((1, 4, 12)))
        elif self.change == "shrinks" and self.rows:
            del self.rows[self.draw.randrange(len(self.rows))]
        self.moments.append(tuple(self.rows))

    def _sound(self, query: Mapping[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
        begin, size = self._begin(query), int(query.get("limit", SIZE))
        rows = self.rows[begin : begin + size]
        end = begin + len(rows)
        to: str | None = str(end) if end < len(self.rows) else None
        metadata: dict[str, Any] = self._told() if self.kind in TELL else {}
        body: dict[str, Any] = {}
        glitch = self._glitch(begin, size)
        match glitch:
            case "empty":
                rows = []
            case "short":
                rows = rows[: len(rows) // 2]
            case "errors":
                rows, body = rows[: len(rows) // 2], {"errors": ["a shard is away"]}
            case "null":
                to = None
        headers: dict[str, str] = {}
        if self.kind in CHAINED and glitch != "silent":
            url = None if to is None else f"/items?at={to}&limit={SIZE}"
            metadata["next"] = to if self.kind.startswith("cursor") else url
            if self.kind == "link_header" and url:
                headers["link"] = f"<{url}>; rel='next'"
        return 200, headers, body | {"metadata": metadata, "data": [{"id": row} for row in rows]}

    def _glitch_at(self, query: Mapping[str, str]) -> str:
        """The glitch of a page, without counting that it was asked for."""
        glitch = self.glitches.get(self._begin(query) // SIZE)
        return glitch.kind if glitch else ""

    def _glitch(self, begin: int, size: int) -> str:
        if size != SIZE or begin % SIZE or begin // SIZE not in self.glitches:
            return ""
        glitch, asked = self.glitches[begin // SIZE], self._seen.get((begin, size), 0)
        self._seen[begin, size] = asked + 1
        return glitch.kind if asked < glitch.times else ""

    def _told(self) -> dict[str, int]:
        total = len(self.rows)
        if self.totals == "capped":
            total = min(total, self.cap)
        if self.totals == "lagging" and self.asked < 9:
            total = max(0, total - self.cap)
        told = {"total_records": total} if self.kind in TELL_RECORDS else {}
        return told | ({"total_pages": -(-total // SIZE)} if self.kind in ("pages", "pages alone") else {})

    def _begin(self, query: Mapping[str, str]) -> int:
        if "offset" in query:
            return max(int(query["offset"]) - self.counts_from_1, 0)
        if "page" in query:
            return (int(query["page"]) - 1) * SIZE
        return int(query.get("cursor") or query.get("at") or 0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, as a transport gives it."""
        status, headers, body = self.answer(dict(parse_qsl(request.url.query.decode())))
        return httpx.Response(status, headers=headers, content=json.dumps(body).encode())


class Holed(History):
    """A numbered source that never answers for some pages, about its end too; a few may be missing."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        while self.kind in CHAINED:
            super().__init__(self.draw.randrange(10**6))
        self.seed, self.passes, self.change, self.counts_from_1 = seed, 1, "", False
        pages = -(-len(self.rows) // SIZE)
        broken = {self.draw.randrange(1, pages + 4) for _ in range(self.draw.choice((1, 1, 2, 4)))}
        behind = {"capped": self.cap, "lagging": len(self.rows) - self.cap}.get(self.totals, 0) // SIZE
        # a total that is too small, and the page behind it away for ever: nobody can tell that from an honest end
        self.glitches = {page: Glitch("broken", 10**6) for page in broken if page != behind}
        self.max_failed_pages = self.draw.choice((1, 2, 4))


class InProcess(httpx.BaseTransport):
    """Carries requests to a history without any socket."""

    def __init__(self, history: History) -> None:
        self.handle_request = history.handle_request  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a history ended: its manifest and the ids that a reader finds, or the error that it ended with."""

    manifest: Manifest | None = None
    published: tuple[int, ...] = ()
    error: Exception | None = None
    objects: Mapping[str, bytes] | None = None


def live(history: History) -> Ending:
    """Ingest, killed and resumed as the history has it."""
    objects: dict[str, bytes] = {}
    ending = Ending()
    for turn, death in enumerate([*history.kills, 10**6]):
        options = IngestOptions(
            pages_per_part=history.draw.choice((1, 2, 3, 500)), parallel_parts=history.draw.choice((1, 2)),
            max_in_flight=history.draw.choice((1, 4)), passes=history.passes, max_failed_pages=history.max_failed_pages,
        )  # fmt: skip
        try:
            store = MortalStore(objects, death, after=history.draw.random() < 0.5)
            manifest = ingest(history, store, options, resuming=bool(turn and objects))
            return Ending(manifest, ids_of(objects, manifest), objects=objects)
        except KilledError:
            continue
        except (SourceError, IngestError, StorageError) as error:
            ending = Ending(error=error, objects=objects)
    return ending


def ingest(history: History, store: MemoryStore, options: IngestOptions, *, resuming: bool) -> Manifest:
    """One process: plan, land and publish; raises what a run raises."""
    run = Run(
        run_id=str(uuid.UUID(int=history.seed, version=4)), source="items", options=options, resuming=resuming,
        started=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    source, time = history.source(), VirtualTime()
    client = ApiClient(
        source, max_in_flight=options.max_in_flight, transport=InProcess(history), clock=time.clock, sleep=time.sleep
    )
    with client:
        form = registry.build("csv", Settings())
        return ingested(run, Resources(source=source, client=client, store=store, format=form, parent="items"))


def ids_of(objects: Mapping[str, bytes], manifest: Manifest) -> tuple[int, ...]:
    """What a reader finds who goes by a manifest."""
    return tuple(row for part in manifest.parts for row in _rows(objects[part.key]))


def _rows(content: bytes) -> Iterator[int]:
    for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
        yield int(row["id"])


def fault(history: History, ending: Ending) -> str | None:
    """What is wrong with this ending, if anything."""
    if ending.manifest is None:
        return f"failed with {ending.error!r}" if history.has_to_heal else None
    verdict, ids = ending.manifest.verdict, ending.published
    if verdict == "complete" and ids not in history.moments:
        lost = sorted(set(history.moments[-1]) - set(ids))
        return f"a lie: lost {lost}, {len(ids) - len(set(ids))} twice, {ending.manifest.figures}"
    if verdict == "gaps" and not any(ids == _besides(ending.manifest, rows) for rows in history.moments):
        gaps = [gap.page for gap in ending.manifest.failed_pages]
        return f"a lie: lost {sorted(set(history.moments[-1]) - set(ids))}, and names pages {gaps} alone"
    if verdict != "complete" and history.has_to_heal:
        return f"not healed: {verdict}, {ending.manifest.figures}"
    return None


def _besides(manifest: Manifest, rows: Sequence[int]) -> tuple[int, ...]:
    """The rows of a source that do not stand on a page which a manifest names as missing."""
    missing = {gap.page for gap in manifest.failed_pages}
    return tuple(row for at, row in enumerate(rows) if at // SIZE + 1 not in missing)
