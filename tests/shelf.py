"""An API that pages the same records in every way there is, free of any transport."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seawall.tests.wireserver import Answer, Request, Route, whole

KINDS: dict[str, dict[str, Any]] = {
    "pages": {"kind": "page_number"},
    "pages from 0": {"kind": "page_number", "first_page": 0},
    "pages by records": {"kind": "page_number", "total_pages_path": ""},
    "pages until empty": {"kind": "page_number", "total_pages_path": "", "total_records_path": ""},
    "offset": {"kind": "offset"},
    "offset until empty": {"kind": "offset", "total_records_path": ""},
    "cursor": {"kind": "cursor", "next_path": "metadata.next"},
    "next_url": {"kind": "next_url", "next_path": "metadata.next"},
    "relative next_url": {"kind": "next_url", "next_path": "metadata.next"},
    "link_header": {"kind": "link_header"},
}
ASKED_OTHERWISE: dict[str, dict[str, Any]] = {
    "keyset": {"kind": "keyset", "cursor_param": "after_id"},
    "keyset with flag": {"kind": "keyset", "cursor_param": "after_id", "more_path": "metadata.more"},
    "cursor with flag": {"kind": "cursor", "next_path": "metadata.next", "more_path": "metadata.more"},
    "pages with flag": {
        "kind": "page_number", "total_pages_path": "", "total_records_path": "", "more_path": "!metadata.last"
    },
    "offset from 1": {
        "kind": "offset", "offset_param": "startIndex", "first_offset": 1, "total_records_path": ""
    },
}  # fmt: skip
EVERY = KINDS | ASKED_OTHERWISE
BY_KEY = ("keyset", "keyset with flag")
TOKENS = ("cursor", "next_url", "relative next_url", "link_header", "cursor with flag", *BY_KEY)


@dataclass
class Shelf:
    """`total` records behind one kind of pagination; `cap` is the most that it gives at once, `asked` what came in."""

    kind: str
    total: int = 25
    cap: int = 1_000
    asked: list[int] = field(default_factory=list)

    @property
    def pagination(self) -> dict[str, Any]:
        """The form of a source that walks it."""
        return EVERY[self.kind]

    @property
    def truth(self) -> list[dict[str, int]]:
        """All records."""
        return [{"id": number} for number in range(self.total)]

    def route(self, request: Request) -> Answer:
        """The answer on a socket."""
        headers, body = self.answer(request.query, f"http://{request.headers['host']}{request.path}")
        return whole(json.dumps(body).encode(), **headers)

    def answer(self, query: Mapping[str, str], url: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and body for a query."""
        size = min(int(query.get("limit", "5")), self.cap)
        begin = self._begin(query, size)
        self.asked.append(begin)
        records = self.truth[begin : begin + size]
        end = begin + size
        metadata: dict[str, Any] = {}
        headers: dict[str, str] = {}
        if self.kind in ("pages", "pages from 0"):
            metadata |= {"total_pages": -(-self.total // size)}
        if self.kind in ("pages", "pages from 0", "pages by records", "offset"):
            metadata |= {"total_records": self.total}
        if self.kind in ASKED_OTHERWISE:
            metadata |= {"more": end < self.total, "last": end >= self.total, "next": f"c{end}"}
        elif self.kind in TOKENS:
            link = None
            if end < self.total:
                link = f"{url}?at={end}&limit={size}"
            shown = {
                "cursor": f"c{end}" if link else None,
                "next_url": link,
                "relative next_url": link and link.replace(url, url.rpartition("/")[2]),
            }
            metadata["next"] = shown.get(self.kind)
            if self.kind == "link_header" and link:
                headers["link"] = f'<{url}?at=0>; rel="first", <{link}>; title="a, b; c"; rel="last NEXT"'
        return headers, {"metadata": metadata, "data": records}

    def _begin(self, query: Mapping[str, str], size: int) -> int:
        if "cursor" in query:
            return int(query["cursor"].removeprefix("c"))
        if "after_id" in query:
            return int(query["after_id"]) + 1
        if "startIndex" in query:
            return int(query["startIndex"]) - 1
        if "at" in query:
            return int(query["at"])
        if "offset" in query:
            return int(query["offset"])
        first = self.pagination.get("first_page", 1)
        return (int(query["page"]) - first) * size if "page" in query else 0


def strict(shelf: Shelf) -> Route:
    """A shelf that knows the parameters of its own kind alone, as APIs do."""
    known = {
        "page_number": "page",
        "offset": shelf.pagination.get("offset_param", "offset"),
        "cursor": "cursor",
        "keyset": "after_id",
    }
    names = {"limit", known.get(shelf.pagination["kind"], "at")}

    def route(request: Request) -> Answer:
        query = {name: text for name, text in request.query.items() if name in names}
        return shelf.route(replace(request, query=query))

    return route
