"""Evidence: what the landed parts and the source, asked once more, say about the whole."""

from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from loguru import logger

from seawall.clients.errors import PageRepeatedError, SourceError
from seawall.clients.pages.page import Page
from seawall.clients.pages.records import DIGEST_BYTES
from seawall.storage.documents import Totals
from seawall.storage.receipts import Receipt
from seawall.tasks.context.resources import resources
from seawall.tasks.errors import LandedTwiceError
from seawall.tasks.landing.landed import Landed
from seawall.tasks.landing.record_keys import digests, first_digests, repeated
from seawall.tasks.landing.walk import advertised, merged
from seawall.tasks.publishing.verdict import Evidence
from seawall.tasks.run import Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The evidence, the totals that the source advertises at the end, and what it took to hear them."""

    evidence: Evidence
    totals: Totals
    retries: Counter[str]


def gather(landing: Landing, written: Sequence[Receipt], landed: Landed, *, gaps: int) -> Gathered:
    """What is known about the landing; the source is asked for its first page again.

    Raises:
        LandedTwiceError: two pages hold the same records.
    """
    options, opened = landing.run.options, resources(landing.run)
    refuse_repetition(written)
    again, shifted = _first_page_again(landing, written)
    now = advertised(landing, written, landed)
    now = merged(now, again.totals) if again else now
    found = Evidence(
        records=sum(receipt.records for receipt in written),
        rejected=sum(receipt.rejected for receipt in written),
        advertised=None if options.page_range else now.records,
        gaps=gaps,
        duplicates=repeated(opened.store, landing.folder, written) if options.record_key else None,
        keyless=sum(receipt.keyless for receipt in written),
        shifted=shifted,
    )
    return Gathered(evidence=found, totals=now, retries=Counter(again.retries if again else ()))


def refuse_repetition(written: Sequence[Receipt]) -> None:
    """Raise LandedTwiceError where two pages hold the same records, whichever process landed them, and when."""
    told = [np.frombuffer(b64decode(receipt.digests), ">u8") for receipt in written]
    every = np.concatenate([np.zeros(0, ">u8"), *told])
    found, counts = np.unique(every[every != 0], return_counts=True)
    if (counts < 2).all():
        return
    repeated_digest = found[counts > 1][0]
    pages = [
        receipt.first + int(place)
        for receipt, each in zip(written, told, strict=True)
        for place in np.flatnonzero(each == repeated_digest)
    ]
    raise LandedTwiceError(
        f"page {pages[1]} holds the very records of page {pages[0]}: the source does not read what asks for a page, or "
        "its pages moved by a whole one; begin a new run"
    )


def _first_page_again(landing: Landing, written: Sequence[Receipt]) -> tuple[Page | None, bool | None]:
    """The first page of the walk, as it is now, and whether it moved.

    None for a page that cannot be had, or is the only one.
    """
    first = landing.plan.ranges[0].first
    if not written or written[-1].last == first:
        return None, None
    try:
        again = resources(landing.run).client.first_page(first)
    except PageRepeatedError:  # it holds what another page held: all rows moved by whole pages
        return None, True
    except SourceError as error:
        logger.bind(page=first, error=str(error)).warning("the first page cannot be had again, to see whether it moved")
        return None, None
    return again, _is_another(landing, written, again)


def _is_another(landing: Landing, written: Sequence[Receipt], again: Page) -> bool | None:
    """Whether the first page holds other records than when it was landed; by their keys, where a key is named."""
    landed = next((receipt for receipt in written if receipt.first == again.number), None)
    if landed is None:
        return None
    if landed.digests and again.records.digest == b64decode(landed.digests)[:DIGEST_BYTES]:
        return False
    if name := landing.run.options.record_key:
        now = digests(again.records, name)
        return not now or now != first_digests(resources(landing.run).store, landing.folder, landed, len(now))
    return True if landed.digests else None
