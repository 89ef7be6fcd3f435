"""The summary of a part: what its receipt keeps of its pages, besides their records."""

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from seawall.clients.pages.identity import Identity
from seawall.clients.pages.page import Page
from seawall.clients.pages.rules import RULE
from seawall.storage.documents import Notice, Totals
from seawall.tasks.landing.walk import largest_of, merged, notice_of

NO_IDENTITY: Final = Identity()


@dataclass(slots=True)
class Summary:
    """Lengths, digests, totals, retries and oddities of consecutive pages, added one by one."""

    first: int = 0
    last: int = 0
    counts: list[int] = field(default_factory=list)  # records of each page that were landed
    lengths: list[int] = field(default_factory=list)  # that the source sent
    body_bytes: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    notice: Notice = field(default_factory=Notice)
    largest: Totals = field(default_factory=Totals)
    digests: bytearray = field(default_factory=bytearray)
    shared: list[int] = field(default_factory=list)
    totals_fell: bool = False
    asked_again: int = 0
    came_differently: int = 0
    complaining_pages: int = 0
    moved_pages: int = 0
    doubtful_pages: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    next_token: str | None = None
    says_end: bool = False
    _head: Identity = NO_IDENTITY
    _tail: Identity = NO_IDENTITY

    def add(self, page: Page) -> None:
        """The next page."""
        if not self.counts:
            self.first = page.number
        self.last = page.number
        self.counts.append(len(page.records))
        self.lengths.append(page.length)
        self.body_bytes += page.body_bytes
        self.retries.update(page.retries)
        self.notice = _latest(self.notice, notice_of(page))
        self.largest = largest_of(self.largest, notice_of(page).totals)
        self.digests += page.identity.digest
        self.totals_fell |= page.totals_fell
        self.asked_again += page.askings > 1
        self.came_differently += page.differed
        self.complaining_pages += page.complains
        self.moved_pages += page.moved
        self.doubtful_pages += page.is_doubtful
        self.rules.update(cause for cause in page.retries if cause.startswith(RULE))
        self.rules.update([] if page.rule is None else [f"{RULE}{page.rule}"])
        self.next_token, self.says_end = page.next_token, page.says_end
        if page.identity.head:
            if self._tail.shares_with(page.identity):
                self.shared.append(page.number)
            self._head = self._head if self._head.head else page.identity
            self._tail = page.identity

    def fields(self) -> dict[str, Any]:
        """The fields of a receipt that tell it."""
        return {
            "body_bytes": self.body_bytes,
            "retries": dict(self.retries),
            "totals": self.notice.totals,
            "totals_at": self.notice.at,
            "largest": self.largest,
            "next_token": self.next_token,
            "digests": b64encode(self.digests).decode(),
            "lengths": tuple((length, len(list(run))) for length, run in groupby(self.lengths)),
            "head": b64encode(b"".join(self._head.comparable_head)).decode(),
            "tail": b64encode(b"".join(self._tail.comparable_tail)).decode(),
            "shared": tuple(self.shared),
            "totals_fell": self.totals_fell,
            "asked_again": self.asked_again,
            "came_differently": self.came_differently,
            "complaining_pages": self.complaining_pages,
            "moved_pages": self.moved_pages,
            "doubtful_pages": self.doubtful_pages,
            "rules": dict(self.rules),
            "ends_in_silence": self.next_token is None and not self.says_end,
        }


def _latest(one: Notice, other: Notice) -> Notice:
    """Two notices as one, in the order in which their pages were read: answers overtake one another."""
    before, after = sorted((one, other), key=lambda notice: notice.at)
    return Notice(totals=merged(before.totals, after.totals), at=after.at)
