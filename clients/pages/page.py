"""A page: one good answer, with the exact JSON text of each record in it; what asks for it, or stands in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seawall.clients.pages.identity import Identity
from seawall.clients.pages.records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What asks for page `number`: a query added to the source's URL, or the `url` that the page before named.

    `token` is what the page before gave for it, where only that one tells.
    """

    number: int
    query: Mapping[str, str] = field(default_factory=dict)
    url: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def follows(self) -> bool:
        """Whether a token of the page before is part of it."""
        return self.token is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many pages and records the source says there are; None where it does not say."""

    pages: int | None = None
    records: int | None = None

    def larger(self, other: "Totals") -> "Totals":
        """The larger number of either."""
        return Totals(pages=larger(self.pages, other.pages), records=larger(self.records, other.records))

    def is_less_than(self, other: "Totals") -> bool:
        """Whether either number is smaller than the other's."""
        return _is_less(self.pages, other.pages) or _is_less(self.records, other.records)


def larger(*numbers: int | None) -> int | None:
    """The largest of these numbers; None where all are."""
    return max((number for number in numbers if number is not None), default=None)


def _is_less(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one < other


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that cannot be landed: its place in its page (from 1), why, and its bytes."""

    position: int
    reason: str
    record: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One good page: its number, the JSON text of each record (UTF-8), the totals that came with it.

    `body_bytes` is the body's length, `read_at` when it was read, in seconds since 1970, `retries` the causes of the
    attempts that failed before; `rejected` are the records that are no JSON object, too large or not UTF-8.
    `next_token` is what asks for the next page where only this one tells, and None on the last; `says_end` tells
    whether the key of a next page is there and says that there is none. `identity` compares it with others. It was
    asked for `askings` times, since it ended, emptied or shortened the walk; `differed` is set where answers differed.
    `last_url` is where the source says that its last page is; `complains` is set where errors stand beside its records.
    `unlisted_rejections` counts more rejected records, where they are too many for a run.
    `totals_fell` is set where an answer that was read before it was asked for told larger totals.

    In a walk by keys `repeated` records came with the page before and are left out, `moved` is set where one of those
    did not come again, `is_doubtful` where the keys show that records may lie between two pages. `rule` is the number
    of the rule of the source that made a page of the answer; `says_more` is set where a flag says that others follow.
    """

    number: int
    records: Records = field(repr=False)
    totals: Totals
    body_bytes: int
    read_at: float
    retries: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    unlisted_rejections: int = 0
    next_token: str | None = field(default=None, repr=False)
    says_end: bool = False
    last_url: str | None = field(default=None, repr=False)
    complains: bool = False
    identity: Identity = field(default_factory=Identity, repr=False)
    askings: int = 1
    differed: bool = False
    totals_fell: bool = False
    repeated: int = 0
    moved: bool = False
    is_doubtful: bool = False
    rule: int | None = None
    says_more: bool = False

    @property
    def sent_records(self) -> int:
        """How many records the source sent, those included that cannot be landed."""
        return len(self.records) + self.rejected_records

    @property
    def length(self) -> int:
        """How many records it held, those included that the page before held, too; 0 where all of them came before."""
        return self.sent_records and self.sent_records + self.repeated

    @property
    def rejected_records(self) -> int:
        """How many of them cannot be landed."""
        return len(self.rejected) + self.unlisted_rejections

    def and_then(self, more: "Page") -> "Page":
        """This page with the records that were asked for in its place."""
        before = self.sent_records
        return replace(
            self,
            records=Records([*self.records, *more.records]),
            rejected=(*self.rejected, *(replace(each, position=before + each.position) for each in more.rejected)),
            unlisted_rejections=self.unlisted_rejections + more.unlisted_rejections,
            totals=more.totals,
            body_bytes=self.body_bytes + more.body_bytes,
            read_at=more.read_at,
            retries=self.retries + more.retries,
            totals_fell=self.totals_fell or more.totals_fell,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A page that failed for good, with the last error as one harmless line; `missing` where there is no such page."""

    number: int
    error: str
    retries: tuple[str, ...] = ()
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The walk ended before page `number`, whatever the totals promised at the start; `totals` is what it says now.

    That page was asked for `askings` times.
    """

    number: int
    totals: Totals
    read_at: float
    askings: int = 0
