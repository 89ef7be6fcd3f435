"""Histories of sources that are asked as vendors are: by keys, by flags, in bodies, in paths, up to a status."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import httpx

from seawall.clients.source import ApiSource
from seawall.tests.histories import NO_TOTALS, SIZE, History

TIES = 3  # records of one date
FORMS: dict[str, dict[str, Any]] = {
    "keyset": {"pagination": {"kind": "keyset"}},
    "keyset with flag": {"pagination": {"kind": "keyset", "more_path": "metadata.more"}},
    "keyset by date": {"pagination": {"kind": "keyset", "cursor_param": "since", "record_path": "at"}},
    "keyset by date, inclusive": {
        "pagination": {"kind": "keyset", "cursor_param": "since", "record_path": "at", "inclusive": True}
    },
    "keyset in the body, falling": {
        "method": "POST",
        "pagination": {"kind": "keyset", "cursor_param": "/after", "size_param": "/limit", "record_path": "sort"},
    },
    "cursor in the body, with flag": {
        "method": "POST",
        "body": {"query": "{ items { id } }", "variables": {"a": 1}},
        "pagination": {
            "kind": "cursor", "cursor_param": "/variables/cursor", "size_param": "/variables/limit",
            "next_path": "metadata.next", "more_path": "metadata.more",
        },
    },
    "cursor up to a value": {
        "pagination": {"kind": "cursor", "next_path": "metadata.next", "end_values": ["-1"]}
    },
    "pages with inverted flag": {
        "pagination": {"kind": "page_number", "more_path": "!metadata.last"} | NO_TOTALS
    },
    "pages in the path": {
        "url": "http://127.0.0.1:9/items/{page}", "pagination": {"kind": "page_number"} | NO_TOTALS
    },
    "pages up to 400": {
        "pagination": {"kind": "page_number", "end_statuses": [400]} | NO_TOTALS
    },
    "offset from 1": {"pagination": {"kind": "offset", "first_offset": 1, "total_records_path": ""}},
    "offset from 1 with flag": {
        "pagination": {"kind": "offset", "first_offset": 1, "total_records_path": "", "more_path": "metadata.more"}
    },
}  # fmt: skip
ASKED_BY_KEY = tuple(kind for kind in FORMS if kind.startswith("keyset"))
TOLD = (*ASKED_BY_KEY, "cursor in the body, with flag", "cursor up to a value")


class Vendor(History):
    """A source of one of these kinds, whose whole life follows from `seed`; nothing tells a total."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        draw = random.Random(f"{seed} of a vendor")
        self.kind = draw.choice(list(FORMS))
        self.totals, self.counts_from_1 = "honest", False
        if self.change == "shrinks" and self.passes == 1:
            self.change = ""  # nobody who walks once can see that
        self.moments = [self._moment()]
        self.glitches = {  # an end that lasts is one, as far as anybody knows
            page: glitch
            for page, glitch in self._glitches(draw).items()
            if glitch.times <= 2 or (glitch.kind in ("short", "errors") and "inclusive" not in self.kind)
        }

    @property
    def has_to_heal(self) -> bool:
        """Whether nothing lasts that would keep a dataset from being complete."""
        lasting = any(glitch.times > 2 for glitch in self.glitches.values())
        is_in_one_page = len(self.rows) <= SIZE or len(self.moments[0]) <= SIZE
        first_page_moves = self.change == "grows" and self._is_by_key and ("falling" in self.kind or is_in_one_page)
        return not lasting and self.change != "shrinks" and not first_page_moves and not self._has_ties

    @property
    def _is_by_key(self) -> bool:
        return self.kind.startswith("keyset")

    @property
    def _has_ties(self) -> bool:
        """Whether records share the key that asks for a page, so that a walk by it may lose some, or prove no end."""
        is_in_one_page = len(self.rows) <= SIZE or len(self.moments[0]) <= SIZE
        return self.kind == "keyset by date" or (self.kind == "keyset by date, inclusive" and is_in_one_page)

    def source(self) -> ApiSource:
        """The form of this source."""
        return ApiSource(**({"name": "items", "url": "http://127.0.0.1:9/items", "page_size": SIZE} | FORMS[self.kind]))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, as a transport gives it."""
        query: dict[str, Any] = dict(parse_qsl(request.url.query.decode()))
        if request.method == "POST":
            body = json.loads(request.content)
            query |= body | body.get("variables", {})
        if self.kind == "pages in the path":
            query["page"] = request.url.path.rpartition("/")[2]
        status, headers, answer = self.answer(query)
        return httpx.Response(status, headers=headers, content=json.dumps(answer).encode())

    def _change(self) -> None:
        super()._change()
        self.moments[-1] = self._moment()

    def _moment(self) -> tuple[int, ...]:
        """The rows as the source has them now, in its order."""
        return tuple(record["id"] for record in self._records())

    def _records(self) -> list[dict[str, Any]]:
        dated = [{"id": row, "at": f"2026-01-{row // TIES:05d}", "sort": [row, "x"]} for row in self.rows]
        return dated[::-1] if "falling" in self.kind else dated

    def _begin(self, query: Mapping[str, Any]) -> int:
        records = self._records()
        if "starting_after" in query:
            return _behind(records, lambda record: record["id"] > int(query["starting_after"]))
        if "after" in query:
            return _behind(records, lambda record: record["sort"] < query["after"])
        if "since" in query and "inclusive" in self.kind:
            return _behind(records, lambda record: record["at"] >= query["since"])
        if "since" in query:
            return _behind(records, lambda record: record["at"] > query["since"])
        if "offset" in query:
            return int(query["offset"]) - 1
        return super()._begin(query)

    def _sound(self, query: Mapping[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        begin, size, whole = self._begin(query), int(query.get("limit", SIZE)), self._records()
        records = whole[begin : begin + size]
        end = begin + len(records)
        has_more = end < len(whole)
        body: dict[str, Any] = {}
        match self._glitch(begin, size):
            case "empty":
                records = []
            case "short":
                has_more = has_more or (self._is_by_key and len(records) > 1)
                records = records[: len(records) // 2]
            case "errors":
                records, body = records[: len(records) // 2], {"errors": ["a shard is away"]}
            case "null" | "silent":
                has_more = False
        if self.kind == "pages up to 400" and begin >= len(whole) and begin:
            return 400, {}, {"message": "no such page"}
        cursor = str(end) if has_more or "flag" in self.kind else "-1"
        told = {"more": has_more, "last": not has_more, "next": cursor}
        return 200, {}, body | {"metadata": told, "data": records}


def _behind(records: Sequence[Mapping[str, Any]], is_behind: Callable[[Mapping[str, Any]], bool]) -> int:
    """The place of the first record that lies behind a key."""
    return next((place for place, record in enumerate(records) if is_behind(record)), len(records))
