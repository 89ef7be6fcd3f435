"""Receipts: which pages are landed, and where. What is covered is the union of the receipts."""

import msgspec

from seawall.storage import documents
from seawall.storage.documents import Column, Notice, Totals
from seawall.storage.errors import CorruptObjectError, ObjectExistsError
from seawall.storage.keys import RECEIPTS, REJECTED, receipt_key
from seawall.storage.ranges import PageRange
from seawall.storage.store import ObjectStore, put_once


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

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"no range of pages: {self.first} to {self.last}")

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


def write_receipt(store: ObjectStore, folder: str, receipt: Receipt) -> Receipt:
    """Create a receipt; where another process was first, its receipt is adopted and returned."""
    key = receipt_key(folder, receipt.first)
    try:
        put_once(store, key, documents.encoded(receipt))
    except ObjectExistsError:
        return _read(store, folder, key)
    return receipt


def _read(store: ObjectStore, folder: str, key: str) -> Receipt:
    """One receipt, if it speaks of the pages that its own key names and of an object in its folder."""
    receipt = documents.read(store, key, Receipt)
    inside = receipt.rejected_key is None or receipt.rejected_key.startswith(f"{folder}/{REJECTED}")
    if not inside or receipt.key.rpartition("/")[0] != folder or key != receipt_key(folder, receipt.first):
        raise CorruptObjectError(f"{store.uri(key)} makes no sense: pages from {receipt.first} in {receipt.key}")
    return receipt


def find_receipt(store: ObjectStore, folder: str, first: int) -> Receipt:
    """The receipt of the part that begins with page `first`. Raises ObjectMissingError."""
    return _read(store, folder, receipt_key(folder, first))


def read_receipts(store: ObjectStore, folder: str) -> list[Receipt]:
    """The receipts of a landing, in page order, no page in two of them.

    Two processes that landed one run at once may have cut its parts differently. Then the part that
    begins earlier counts, and what it overlaps is landed anew, or swept after the commit.

    Raises:
        CorruptObjectError: one is damaged, or names an object elsewhere.
    """
    receipts = [_read(store, folder, key) for key in store.list(f"{folder}/{RECEIPTS}")]
    disjoint: list[Receipt] = []
    for receipt in sorted(receipts, key=lambda each: each.first):
        if not disjoint or receipt.first > disjoint[-1].last:
            disjoint.append(receipt)
    return disjoint
