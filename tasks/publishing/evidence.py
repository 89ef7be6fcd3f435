"""Evidence: what the landed parts and the source, asked once more, say about the whole."""

from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from loguru import logger

from seawall.clients.errors import PageRepeatedError, SourceError
from seawall.clients.pages.page import Page
from seawall.clients.pages.records import DIGEST_BYTES
from seawall.storage.documents import Totals
from seawall.storage.receipts import Receipt
from seawall.tasks.context.resources import Resources
from seawall.tasks.errors import LandedTwiceError
from seawall.tasks.landing.record_keys import digests, first_digests, repeated
from seawall.tasks.landing.tally import Tally
from seawall.tasks.landing.walk import advertised, merged, notice_of
from seawall.tasks.run import Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about the whole; None is what nobody looked into, or nobody said.

    `totals` are what the source says at the end, `advertised` the number of records to compare with.
    `rejected_records` were set aside: they are not in the dataset, but accounted for. `duplicates` counts records with
    a record key that came before, `keyless` those that have none; `first_page_moved` tells whether the first page was
    another one at the end; `retries` is what it took to find out.
    """

    records: int
    gaps: int
    advertised: int | None = None
    totals: Totals = field(default_factory=Totals)
    duplicates: int | None = None
    keyless: int = 0
    first_page_moved: bool | None = None
    rejected_records: int = 0
    retries: Counter[str] = field(default_factory=Counter)

    @property
    def sent_records(self) -> int:
        """How many records the source sent."""
        return self.records + self.rejected_records


def gather(landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally, *, gaps: int) -> Evidence:
    """What is known about the landing; the source is asked for its first page again.

    Raises:
        LandedTwiceError: two pages hold the same records.
    """
    options = landing.run.options
    refuse_repetition(receipts)
    first_page, moved = _first_page_again(landing, resources, receipts)
    totals = advertised(landing, receipts, tally)
    if first_page is not None:
        totals = merged(totals, notice_of(first_page).totals)
    return Evidence(
        records=sum(receipt.records for receipt in receipts),
        rejected_records=sum(receipt.rejected_records for receipt in receipts),
        advertised=None if options.page_range else totals.records,
        totals=totals,
        gaps=gaps,
        duplicates=repeated(resources.store, landing.folder, receipts) if options.record_key else None,
        keyless=sum(receipt.keyless for receipt in receipts),
        first_page_moved=moved,
        retries=Counter(first_page.retries if first_page else ()),
    )


def refuse_repetition(receipts: Sequence[Receipt]) -> None:
    """Raise LandedTwiceError where two pages hold the same records, whichever process landed them, and when."""
    digests_of_pages = [np.frombuffer(b64decode(receipt.digests), ">u8") for receipt in receipts]
    every = np.concatenate([np.zeros(0, ">u8"), *digests_of_pages])
    unique, counts = np.unique(every[every != 0], return_counts=True)
    if (counts < 2).all():
        return
    pages = [
        receipt.first + int(place)
        for receipt, page_digests in zip(receipts, digests_of_pages, strict=True)
        for place in np.flatnonzero(page_digests == unique[counts > 1][0])
    ]
    raise LandedTwiceError(
        f"page {pages[1]} holds the very records of page {pages[0]}: the source does not read what asks for a page, or "
        "its pages moved by a whole one; begin a new run"
    )


def _first_page_again(
    landing: Landing, resources: Resources, receipts: Sequence[Receipt]
) -> tuple[Page | None, bool | None]:
    """The first page of the walk, as it is now, and whether it moved.

    None for a page that cannot be had, or is the only one.
    """
    first = landing.plan.ranges[0].first
    if not receipts or receipts[-1].last == first:
        return None, None
    try:
        page = resources.client.first_page(first)
    except PageRepeatedError:  # it holds what another page held: all rows moved by whole pages
        return None, True
    except SourceError as error:
        logger.bind(page=first, error=str(error)).warning("the first page cannot be had again, to see whether it moved")
        return None, None
    return page, _is_another(landing, resources, receipts, page)


def _is_another(landing: Landing, resources: Resources, receipts: Sequence[Receipt], page: Page) -> bool | None:
    """Whether the first page holds other records than when it was landed; by their keys, where a key is named."""
    receipt = next((receipt for receipt in receipts if receipt.first == page.number), None)
    if receipt is None:
        return None
    if receipt.digests and page.records.digest == b64decode(receipt.digests)[:DIGEST_BYTES]:
        return False
    if name := landing.run.options.record_key:
        keys = digests(page.records, name)
        return not keys or keys != first_digests(resources.store, landing.folder, receipt, len(keys))
    return True if receipt.digests else None
