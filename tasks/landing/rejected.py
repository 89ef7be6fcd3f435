"""Rejected records: set aside in `_rejected/`, so that nothing is dropped in silence."""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.redact import excerpt
from seawall.storage.receipts import Receipt
from seawall.tasks.errors import RejectedRecordsError


class RejectedFile:
    """The rejected records of a part in a staged file, which is there with the first of them.

    A line is a JSON object: `page`, `position` in the page (from 1), `reason`, `record` (its bytes in base64).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0

    def add(self, page: Page) -> None:
        """Add what a page has of them."""
        if not page.rejected:
            return
        with self.path.open("ab") as file:
            for each in page.rejected:
                line = {
                    "page": page.number,
                    "position": each.position,
                    "reason": each.reason,
                    "record": base64.b64encode(each.record).decode(),
                }
                file.write(msgspec.json.encode(line) + b"\n")
        self.records += len(page.rejected)


def within_limit(outcomes: Iterable[Page | Gap | End], limit: int) -> Iterator[Page | Gap | End]:
    """The outcomes of a walk up to the page with which too many records are rejected.

    Raises:
        RejectedRecordsError: on that page; it is not landed, so that it can be asked for again.
    """
    rejected_records = 0
    for outcome in outcomes:
        if isinstance(outcome, Page) and outcome.rejected:
            rejected_records += outcome.rejected_records
            if rejected_records > limit:
                first = outcome.rejected[0]
                raise RejectedRecordsError(
                    f"page {outcome.number}, record {first.position}: {first.reason}: {excerpt(first.record)}; "
                    f"{too_many(rejected_records, limit)}"
                )
        yield outcome


def refuse_too_many(receipts: Iterable[Receipt], limit: int) -> None:
    """Raise RejectedRecordsError where the parts of a run, together, hold more than its options allow."""
    rejected_records = sum(receipt.rejected_records for receipt in receipts)
    if rejected_records > limit:
        raise RejectedRecordsError(too_many(rejected_records, limit))


def too_many(records: int, limit: int) -> str:
    """How many records are rejected, how many may be, and what to do."""
    return (
        f"{records:,} rejected {'record' if records == 1 else 'records'}, max_rejected_records is {limit:,}: "
        "with a larger one they are set aside in _rejected/"
    )
