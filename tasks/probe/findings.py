"""Findings: what a probe has learnt about a source, and what that means for a run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeTrial:
    """A `page_size` that was asked for, and what came: `records` on a page, or the `status` of a refusal.

    `whole` is set where the page held all records of the source.
    """

    page_size: int
    status: int
    records: int
    seconds: float
    body_bytes: int
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What landing everything would take, at the pace of the probe: pages, bytes of JSON, and seconds."""

    pages: int
    bytes: int
    seconds: float
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a probe found; `pagination` and `records_path` are what to save. None and empty: it could not tell.

    `works_as_saved` says whether the block needs no change, `stable` whether page 2 held the same records in the same
    order twice; `tried` says for each pagination what it led to, `samples` are the first records, `is_saved` is set
    once the fields are in the block. Texts from the server are in `beyond`, `rate_limits`, `samples` and `tried` alone,
    and are not harmless yet.
    """

    source: str
    requests: int
    kind: str | None
    works_as_saved: bool
    pagination: Mapping[str, Any]
    records_path: str
    configured_path: str
    page_size: int
    lists: Mapping[str, int]
    record_keys: tuple[str, ...] = ()
    stable: bool | None = None
    beyond: str = "not asked for: only the previous page shows how to ask for one"
    totals: str = "the source gives none"
    records: int | None = None
    samples: tuple[str, ...] = ()
    sizes: tuple[SizeTrial, ...] = ()
    rate_limits: Mapping[str, str] = field(default_factory=dict)
    page_seconds: float = 0.0
    estimate: Estimate | None = None
    tried: tuple[str, ...] = ()
    is_saved: bool = False

    def without(self, redact: Callable[[str], str]) -> "Findings":
        """These, with no secret in what a server said."""
        rate_limits = {name: redact(text) for name, text in self.rate_limits.items()}
        return replace(
            self,
            beyond=redact(self.beyond),
            rate_limits=rate_limits,
            samples=tuple(map(redact, self.samples)),
            tried=tuple(map(redact, self.tried)),
        )

    @property
    def summary(self) -> str:
        """The finding in one line."""
        if self.kind is None:
            return f"{self.source}: no kind of pagination led to a second page"
        records = "an unknown number of records" if self.records is None else f"{self.records:,} records"
        end = "works as it is saved" if self.works_as_saved else "saved" if self.is_saved else "not saved yet"
        place = self.records_path or "the body itself"
        return f"{self.source}: {self.kind}, {records} at {place}, pages of {self.page_size:,}; {end}"

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the block to save; no secret is among them."""
        return {"records_path": self.records_path, "page_size": self.page_size, "pagination": dict(self.pagination)}

    @property
    def as_json(self) -> str:
        """Those fields as JSON."""
        return json.dumps(self.fields, indent=2)

    @property
    def as_python(self) -> str:
        """A program that saves them, and leaves the rest of the block as it is."""
        lines = [
            "from seawall import ApiSource",
            "",
            f"saved = ApiSource.load({self.source!r})",
            f"fields = {self.fields!r}",
            f"ApiSource(**dict(saved) | fields).save({self.source!r}, overwrite=True)",
        ]
        return "\n".join(lines)
