"""The stock of a source: records that drift, are rejected, missing for a while or come late, behind any pagination."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from seawall.tests.shelf import Shelf
from seawall.tests.wireserver import Answer, Request, whole

SIZE: Final = 4


@dataclass
class Stock(Shelf):
    """Pages of SIZE records.

    From record `drifts_at` on they have more keys, of other types still later; `rejects` has the records that are no
    objects. Page `broken` cannot be had until `heal`, page `short` lacks records until a page behind the last one is
    asked for, so that it is landed twice. Every other page has records with
    `padding` bytes that say nothing.
    """

    drifts_at: int | None = None
    rejects: frozenset[int] = frozenset()
    broken: int | None = None
    short: int | None = None
    padding: int = 0

    @cached_property
    def truth(self) -> list[Any]:
        """All records."""
        return [self._record(number) for number in range(self.total)]

    @property
    def first_page(self) -> int:
        """The number of the first page."""
        return int(self.pagination.get("first_page", 1))

    def heal(self) -> None:
        """From now on the broken page can be had."""
        self.broken = None

    def route(self, request: Request) -> Answer:
        """The answer on a socket."""
        at = self._begin(request.query, SIZE) // SIZE
        if at == self.broken:
            return whole(b"{}", 500)
        if at * SIZE >= self.total:
            self.short = None
        return super().route(request)

    def answer(self, query: Mapping[str, str], url: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and body for a query."""
        headers, body = super().answer(query, url)
        if self.short is not None and self._begin(query, SIZE) == self.short * SIZE:
            body["data"] = body["data"][:1]
        return headers, body

    def _record(self, number: int) -> Any:
        if number in self.rejects:
            return 1_000_000 + number
        record: dict[str, Any] = {"id": number, "name": f'Customer "{number}", of Łódź', "note": None}
        if self.drifts_at is not None and number >= self.drifts_at:
            record["tier"] = number if number < self.drifts_at + SIZE else f"gold {number}"
            record["late, with a comma"] = {"since": number}
        if self.padding and number // SIZE % 2:
            record["padding"] = f"{number:08d}" * (self.padding // 8)
        return record
