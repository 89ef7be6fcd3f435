"""Receipts: which pages are landed, and where. What is covered is the union of the receipts."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from seawall.storage import documents
from seawall.storage.documents import Column, Notice, Totals
from seawall.storage.errors import CorruptObjectError, ObjectExistsError
from seawall.storage.keys import RECEIPTS, REJECTED, receipt_key
from seawall.storage.parallel import in_parallel
from seawall.storage.ranges import PageRange
from seawall.storage.store import ObjectStore, put_once

_known: Final[WeakKeyDictionary[ObjectStore, defaultdict[str, dict[str, "Receipt"]]]] = WeakKeyDictionary()


class Receipt(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "body_bytes": "received",
        "totals_at": "told_at",
        "next_token": "next",
        "landed_at": "landed",
        "rejected_records": "rejected",
    },
):
    """One part that is durable: its pages, what they hold, and the object that holds it.

    `bytes` and `sha256` are the object's, `body_bytes` those of the pages; `retries` counts by cause what it took;
    `rejected_records` are not in it, but set aside in the object `rejected_key`; `totals` is what the source said
    last, at `totals_at` in seconds since 1970; `landed_at` is UTC in ISO 8601.
    `next_token` asks for the page after the last one where only that one tells, until the end. `digests` holds 8 bytes
    for each page in base64, which tell its records from those of another; zeros where it has none. `keyless` records
    have no record key. The keys in JSON are those of the first version.

    `generation` tells it from receipts of the same pages that it supersedes. `lengths` are pairs: how many records the
    source sent in a page, and in how many pages in a row. `head` and `tail` hold 8 bytes in base64 for each of the
    first records and of the last ones, `shared` the pages that begin with a record of the page before. `largest` is the
    most that was told of the whole; `totals_fell` tells whether a page told less than one that was read before it was
    asked for. `asked_again` pages were asked for more than once to be believed, `came_differently` of them changed;
    `complaining_pages` told of errors beside their records. In a walk by keys `moved_pages` lack a record with which
    they should begin, `doubtful_pages` show that records may lie between two pages. `rules` counts how often a rule of
    the source said what an answer is. `ends_in_silence` is set where the last page of a chained
    walk says nothing of a next one.
    """

    seawall: int = documents.VERSION
    first: int
    last: int
    records: int
    bytes: int
    sha256: str
    columns: tuple[Column, ...]
    key: str
    body_bytes: int
    retries: dict[str, int]
    totals: Totals
    totals_at: float
    landed_at: str
    rejected_records: int = 0
    rejected_key: str | None = None
    next_token: str | None = None
    digests: str = ""
    keyless: int = 0
    generation: int = 1
    lengths: tuple[tuple[int, int], ...] = ()
    head: str = ""
    tail: str = ""
    shared: tuple[int, ...] = ()
    largest: Totals = Totals()
    totals_fell: bool = False
    asked_again: int = 0
    came_differently: int = 0
    complaining_pages: int = 0
    moved_pages: int = 0
    doubtful_pages: int = 0
    rules: dict[str, int] = {}
    ends_in_silence: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"no range of pages: {self.first} to {self.last}")
        if self.lengths and sum(pages for _, pages in self.lengths) != self.last - self.first + 1:
            raise ValueError(f"lengths of other pages than {self.first} to {self.last}")

    @property
    def sent_records(self) -> int:
        """How many records the source sent, those included that were set aside."""
        return self.records + self.rejected_records

    @property
    def notice(self) -> Notice:
        """What the source said last about the whole, and when."""
        return Notice(totals=self.totals, at=self.totals_at)

    @property
    def pages(self) -> PageRange:
        """The pages that the part holds."""
        return PageRange(self.first, self.last)

    @property
    def reach(self) -> int:
        """The last of its pages with records; 0 where none has any."""
        last = self.last
        for records, pages in reversed(self.lengths or ((self.sent_records, len(self.pages)),)):
            if records:
                return last
            last -= pages
        return 0

    @property
    def page_lengths(self) -> Iterator[tuple[int, int]]:
        """Each page with the number of records that the source sent in it; evenly, where the receipt is of old."""
        number = self.first
        evenly = (-(-self.sent_records // len(self.pages)), len(self.pages))
        for records, pages in self.lengths or (evenly,):
            for _ in range(pages):
                yield number, records
                number += 1


def write_receipt(store: ObjectStore, folder: str, receipt: Receipt) -> Receipt:
    """Create a receipt; where another process was first, its receipt is adopted and returned."""
    key = receipt_key(folder, receipt.first, receipt.generation)
    try:
        put_once(store, key, documents.encoded(receipt))
    except ObjectExistsError:
        return find_receipt(store, folder, receipt.first, receipt.generation)
    _known_of(store, folder)[key] = receipt
    return receipt


def find_receipt(store: ObjectStore, folder: str, first: int, generation: int = 1) -> Receipt:
    """A receipt of the part that begins with page `first`, whether lists show it or not. Raises ObjectMissingError."""
    key, known = receipt_key(folder, first, generation), _known_of(store, folder)
    if key not in known:
        known[key] = _read(store, folder, key)
    return known[key]


def read_receipts(store: ObjectStore, folder: str) -> list[Receipt]:
    """The receipts of a landing, in page order, no page in two of them.

    What this process wrote or read before counts, though a list may not show it yet; only others are read.
    Of the receipts that begin with the same page, the latest generation counts: it covers the same pages, landed anew
    since they came differently. Two processes that landed one run at once may have cut its parts differently. Then the
    part that begins earlier counts, and what it overlaps is landed anew, or swept after the commit.

    Raises:
        CorruptObjectError: one is damaged, names an object elsewhere, or supersedes one of other pages.
    """
    known = _known_of(store, folder)
    unread = [key for key in store.list(f"{folder}/{RECEIPTS}") if key not in known]
    known.update(zip(unread, in_parallel(store, lambda key: _read(store, folder, key), unread), strict=True))
    newest: dict[int, Receipt] = {}
    for key, receipt in sorted(known.copy().items()):
        other = newest.setdefault(receipt.first, receipt)
        if other.last != receipt.last:
            raise CorruptObjectError(f"{store.uri(key)} makes no sense: it supersedes a receipt of other pages")
        newest[receipt.first] = max(other, receipt, key=lambda each: each.generation)
    disjoint: list[Receipt] = []
    for receipt in sorted(newest.values(), key=lambda each: each.first):
        if not disjoint or receipt.first > disjoint[-1].last:
            disjoint.append(receipt)
    return disjoint


def _known_of(store: ObjectStore, folder: str) -> dict[str, Receipt]:
    """The receipts of a landing that this process knows, as long as it holds the store: nothing replaces them."""
    return _known.setdefault(store, defaultdict(dict))[folder]


def _read(store: ObjectStore, folder: str, key: str) -> Receipt:
    """One receipt, if it speaks of the pages that its own key names and of an object in its folder."""
    receipt = documents.read(store, key, Receipt)
    inside = receipt.rejected_key is None or receipt.rejected_key.startswith(f"{folder}/{REJECTED}")
    is_own = key == receipt_key(folder, receipt.first, receipt.generation)
    if not inside or receipt.key.rpartition("/")[0] != folder or not is_own:
        raise CorruptObjectError(f"{store.uri(key)} makes no sense: pages from {receipt.first} in {receipt.key}")
    return receipt
