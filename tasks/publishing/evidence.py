"""Evidence: what the landed parts, and the source asked once more, say about the whole."""

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from loguru import logger

from seawall.clients.pages.identity import share
from seawall.clients.pages.records import DIGEST_BYTES
from seawall.clients.pages.rules import RULE
from seawall.clients.pagination.keyset import Keyset
from seawall.clients.pagination.kinds import Chained
from seawall.storage.documents import Totals
from seawall.storage.errors import ObjectMissingError
from seawall.storage.receipts import Receipt
from seawall.tasks.context.resources import Resources
from seawall.tasks.errors import LandedTwiceError
from seawall.tasks.landing.confirm import suspicious
from seawall.tasks.landing.record_keys import repeated
from seawall.tasks.landing.tally import Proof, Tally
from seawall.tasks.landing.walk import advertised, largest_told
from seawall.tasks.run import Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about the whole; None is what nobody looked into, or nobody said.

    `totals` are what the source says at the end, `largest` the most that it ever said, `advertised` the number of
    records to compare with. `rejected_records` were set aside: they are not in the dataset, but accounted for.
    `duplicates` counts records with a record key that came before, `keyless` those that have none. `landed_pages` came
    with records, or stand between such; the pages of `hollow` are empty, or shorter than others, though asked for
    again; those of `shared` begin with a record of the page before. `asked_again` pages were not believed at once,
    `came_differently` of them changed. In a walk by keys (`is_by_key`) `moved_pages` lack a record with which they
    should begin, `doubtful_pages` show that records may lie between two pages. `rules` are those of the source, each
    with how often it held. `is_partial` is set where fewer pages were asked for than there are; `silent_path` is where
    a walk of a single page found nothing of a next one, nor anything else that shows the end.
    """

    records: int
    gaps: int
    advertised: int | None = None
    totals: Totals = field(default_factory=Totals)
    largest: Totals = field(default_factory=Totals)
    landed_pages: int = 0
    duplicates: int | None = None
    keyless: int = 0
    rejected_records: int = 0
    hollow: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()
    totals_fell: bool = False
    asked_again: int = 0
    came_differently: int = 0
    complaining_pages: int = 0
    is_by_key: bool = False
    moved_pages: int = 0
    doubtful_pages: int = 0
    rules: tuple[tuple[str, int], ...] = ()
    is_partial: bool = False
    silent_path: str | None = None
    proof: Proof = field(default_factory=Proof)

    @property
    def sent_records(self) -> int:
        """How many records the source sent."""
        return self.records + self.rejected_records

    @property
    def agrees(self) -> bool:
        """Whether as many records came as were advertised."""
        return self.advertised is not None and self.sent_records == self.advertised

    @property
    def is_snapshot(self) -> bool:
        """Whether two walks in a row brought the same pages."""
        return self.proof.passes > 1 and self.proof.differing_pages == 0


def gather(landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally, *, gaps: int) -> Evidence:
    """What is known about the landing.

    Raises:
        LandedTwiceError: two pages hold the same records.
    """
    options = landing.run.options
    totals = advertised(landing, receipts, tally)
    sent_records = sum(receipt.sent_records for receipt in receipts)
    refuse_repetition(receipts, totals_agree=totals.records == sent_records)
    largest = largest_told(landing, receipts)
    lengths = [length for receipt in receipts for _, length in receipt.page_lengths]
    while lengths and not lengths[-1]:
        lengths.pop()
    is_partial = options.page_range is not None and _is_partial(landing, resources, receipts, tally, largest)
    return Evidence(
        records=sum(receipt.records for receipt in receipts),
        rejected_records=sum(receipt.rejected_records for receipt in receipts),
        advertised=None if is_partial else totals.records,
        totals=totals,
        largest=largest,
        landed_pages=len(lengths),
        gaps=gaps,
        duplicates=_duplicates(landing, resources, receipts) if resources.record_key else None,
        keyless=sum(receipt.keyless for receipt in receipts),
        hollow=tuple(page for page, _ in suspicious(receipts, anyhow=True)),
        shared=tuple(_shared(receipts)),
        totals_fell=any(receipt.totals_fell for receipt in receipts) or totals.is_less_than(largest),
        asked_again=sum(receipt.asked_again for receipt in receipts) + tally.asked_again,
        came_differently=sum(receipt.came_differently for receipt in receipts),
        complaining_pages=sum(receipt.complaining_pages for receipt in receipts),
        is_by_key=isinstance(resources.source.pagination, Keyset),
        moved_pages=sum(receipt.moved_pages for receipt in receipts),
        doubtful_pages=sum(receipt.doubtful_pages for receipt in receipts),
        rules=tuple(_rules(resources, receipts)),
        is_partial=is_partial,
        silent_path=_silent_path(resources, receipts, largest),
        proof=tally.proof,
    )


def refuse_repetition(receipts: Sequence[Receipt], *, totals_agree: bool) -> None:
    """Raise LandedTwiceError where two pages hold the same records, whichever process landed them, and when.

    Where as many records came as were advertised, and most pages repeat others, they do so honestly.
    """
    digests_of_pages = [np.frombuffer(b64decode(receipt.digests), ">u8") for receipt in receipts]
    every = np.concatenate([np.zeros(0, ">u8"), *digests_of_pages])
    unique, counts = np.unique(every[every != 0], return_counts=True)
    if (counts < 2).all() or (totals_agree and 2 * unique.size <= counts.sum()):
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


def _duplicates(landing: Landing, resources: Resources, receipts: Sequence[Receipt]) -> int | None:
    """How many records have a key that came before; None where the digests of a part are gone."""
    try:
        return repeated(resources.store, landing.folder, receipts)
    except ObjectMissingError as error:
        logger.bind(error=str(error)).warning("record keys cannot be compared")
        return None


def _is_partial(
    landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally, largest: Totals
) -> bool:
    """Whether the source has pages before or behind those that were asked for."""
    first_page = resources.source.pagination.first_page
    if landing.plan.ranges[0].first > first_page or tally.proof.beyond:
        return True
    if isinstance(resources.source.pagination, Chained):
        return bool(receipts) and receipts[-1].next_token is not None
    return bool(receipts) and (largest.pages or 0) > receipts[-1].last - first_page + 1


def _shared(receipts: Sequence[Receipt]) -> Iterator[int]:
    """The pages that begin with a record of the page before, whichever part that is in."""
    tail: list[bytes] = []
    for receipt in receipts:
        head = _edge(receipt.head)
        if share(tail, head):
            yield receipt.first
        yield from receipt.shared
        if receipt.sent_records:
            tail = _edge(receipt.tail)


def _rules(resources: Resources, receipts: Sequence[Receipt]) -> Iterator[tuple[str, int]]:
    """The rules of the source, and how often each said what an answer is, by the receipts and in this process."""
    counts = sum((Counter(receipt.rules) for receipt in receipts), Counter[str]())
    for number, rule in enumerate(resources.source.rules, 1):
        yield f"{RULE}{number} ({rule})", max(counts[f"{RULE}{number}"], resources.client.rule_hits[number])


def _edge(text: str) -> list[bytes]:
    content = b64decode(text)
    return [content[at : at + DIGEST_BYTES] for at in range(0, len(content), DIGEST_BYTES)]


def _silent_path(resources: Resources, receipts: Sequence[Receipt], largest: Totals) -> str | None:
    """Where a chained walk found nothing of a next page, though its only page is as long as was asked for."""
    pagination = resources.source.pagination
    if not isinstance(pagination, Chained) or len(receipts) != 1 or len(receipts[0].pages) > 1:
        return None
    only, size = receipts[0], resources.client.page_size
    is_short = bool(pagination.size_param) and only.sent_records < size
    if not only.ends_in_silence or largest.records is not None or is_short:
        return None
    return getattr(pagination, "next_path", "the Link header")
