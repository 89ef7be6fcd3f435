"""Confirm: is that all? The source is asked once more when all is landed, until nothing else comes."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from loguru import logger

from seawall.clients.errors import (
    PageFailedError,
    PageRepeatedError,
    RequestRefusedError,
    SourceError,
    WalkStoppedError,
)
from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.pages.records import DIGEST_BYTES
from seawall.clients.pagination.kinds import Chained
from seawall.storage.documents import Totals
from seawall.storage.keys import MAX_PAGE
from seawall.storage.receipts import Receipt, read_receipts
from seawall.tasks.context.resources import Resources
from seawall.tasks.landing.tally import Proof, Tally
from seawall.tasks.landing.walk import advertised, end_of, informed, largest_told, notice_of, reach_of
from seawall.tasks.run import Landing

EMPTY_PROMISE: Final = "it is empty, and says that there is more"
ROUNDS: Final = 5  # of asking once more; a source that grows all the time is not waited for
MAX_SUSPECTS: Final = 100  # pages that are empty or short, which are asked for once more at the end
FEW_SUSPECTS: Final = 10  # the same where no total tells that anything is missing, and most pages are short
PASSES: Final = 3  # walks at the most until two in a row agree, where the option `passes` asks for two


class Walker(Protocol):
    """Walks over a landing."""

    @property
    def landing(self) -> Landing:
        """What is landed."""

    @property
    def resources(self) -> Resources:
        """What it is landed with."""

    def land_rest(self, tally: Tally) -> Tally:
        """Land what no receipt covers."""

    def land_again(self, firsts: Iterable[int], *, only_longer: bool) -> Tally:
        """Land parts anew, where they come differently."""


def confirmed(walker: Walker) -> Tally:
    """Land all, ask whether that is all, and land what that brings; then walk again, where the options say so."""
    tally = _settled(walker, Tally())
    if walker.landing.run.options.passes == 1 or tally.gaps:
        return tally
    for number in range(2, PASSES + 1):
        firsts = [receipt.first for receipt in _receipts(walker)]
        again = walker.land_again(firsts, only_longer=False)
        differing = again.differing_pages + len(again.gaps) + (again.end is not None)
        logger.bind(walk=number, differing_pages=differing).info("walked once more")
        tally = replace(tally, proof=replace(tally.proof, passes=number, differing_pages=differing))
        if not differing:
            break
        tally = _settled(walker, replace(tally, end=None))
    return tally


def _settled(walker: Walker, tally: Tally) -> Tally:
    """Land the rest, and what asking once more brings, until it brings nothing new."""
    for number in range(1, ROUNDS + 1):
        tally = walker.land_rest(tally)
        if len(tally.gaps) > walker.landing.run.options.max_failed_pages:
            return tally  # nothing will be published
        before = _marks(walker, tally)
        tally = _asked_beyond(walker, tally)
        if tally.reach > reach_of(_receipts(walker)):
            continue
        if not tally.gaps:
            tally = _healed(walker, tally)
        tally = _asked_for_first_page(walker, tally, waits_for_more=number < ROUNDS)
        if _marks(walker, tally) == before:
            break
        tally = replace(tally, end=None) if number < ROUNDS else tally  # what changed may have moved the end
    return tally


def _marks(walker: Walker, tally: Tally) -> tuple[object, ...]:
    """What changes when asking once more brought something."""
    receipts = _receipts(walker)
    landed = tuple((receipt.first, receipt.generation) for receipt in receipts)
    return landed, advertised(walker.landing, receipts, tally), tally.reach


def _receipts(walker: Walker) -> list[Receipt]:
    return read_receipts(walker.resources.store, walker.landing.folder)


def _asked_beyond(walker: Walker, tally: Tally) -> Tally:
    """Look one page beyond the last one, where that came as long as others; pages tell that by number or offset."""
    landing, receipts = walker.landing, _receipts(walker)
    pagination = walker.resources.source.pagination
    last_landed = receipts[-1].last if receipts else MAX_PAGE
    last = max([last_landed, *(gap.page for gap in tally.gaps)])
    if isinstance(pagination, Chained) or last >= MAX_PAGE:
        return tally
    if end_of(receipts, tally) == last + 1:
        goes_on = walker.resources.client.unkept > last
        return _with_proof(tally, beyond=None, refusal=EMPTY_PROMISE) if goes_on else _with_proof(tally, beyond=False)
    page_range, told = landing.run.options.page_range, largest_told(landing, receipts)
    if page_range is None or last < page_range.last:
        ends_short = last == last_landed and _ends_short(receipts)
        return tally if ends_short else tally.with_look_beyond(_look_at(walker, last + 1, told))
    is_told_of = (told.pages or 0) > last - pagination.first_page + 1
    seen = Tally(proof=Proof(beyond=True)) if is_told_of else _look_at(walker, last + 1, told)
    return tally.with_look_beyond(replace(seen, reach=0))  # nobody asked for that page


def _look_at(walker: Walker, number: int, told: Totals) -> Tally:
    """What a page behind the last one shows of the end."""
    known, client = informed(walker.landing, _receipts(walker)), walker.resources.client
    client.expect(pages=told.pages, records=told.records, reach=known.reach, longest=known.longest)
    try:
        (outcome,) = client.pages(number, number)
    except WalkStoppedError:
        raise
    except (PageRepeatedError, RequestRefusedError) as error:  # as servers answer to a number that is too large
        if told == Totals() and isinstance(error, PageRepeatedError):
            raise
        return Tally(proof=Proof(beyond=None if told == Totals() else False, refusal=str(error)))
    except SourceError as error:
        return Tally(proof=Proof(refusal=str(error)))
    match outcome:
        case End():
            proof = Proof(beyond=False)
            return Tally(end=number, notice=notice_of(outcome), asked_again=outcome.askings > 1, proof=proof)
        case Page() if outcome.sent_records:
            return Tally(reach=number, proof=Proof(beyond=True))
        case Page():
            refusal = EMPTY_PROMISE if outcome.says_more else ""
        case Gap():
            refusal = "" if outcome.missing else outcome.error
    return Tally(proof=Proof(beyond=None if refusal else False, refusal=refusal))


def _ends_short(receipts: Sequence[Receipt]) -> bool:
    """Whether the last page is shorter than most others, as last pages are."""
    lengths = [length for receipt in receipts for _, length in receipt.page_lengths]
    longest = max(lengths)
    return lengths[-1] < longest and 2 * lengths.count(longest) >= len(lengths)


def _healed(walker: Walker, tally: Tally) -> Tally:
    """Ask for suspicious pages once more, and land the parts anew whose pages come with more records."""
    receipts = _receipts(walker)
    missing = missing_records(walker.landing, receipts, tally)
    if missing == 0 or not receipts:
        return tally
    is_chained = isinstance(walker.resources.source.pagination, Chained)
    full = walker.resources.client.page_size if missing and not is_chained else 0
    suspects = [*suspicious(receipts, full=full)][:MAX_SUSPECTS]
    if not suspects and not missing:
        suspects = [*suspicious(receipts, anyhow=True)][:FEW_SUSPECTS]
    if missing:
        suspects.append((receipts[-1].last, receipts[-1]))
    if is_chained:
        alone = [receipt for page, receipt in suspects if page == receipts[0].first == receipt.last]
        firsts = {receipt.first for _, receipt in suspects} if missing else {receipt.first for receipt in alone}
    else:
        firsts = {receipt.first for page, receipt in suspects if _is_longer_now(walker, page, receipt)}
    if not firsts:
        return tally
    again = walker.land_again(sorted(firsts), only_longer=True)
    return tally.and_then(Tally(asked_again=len(suspects) + again.asked_again))


def suspicious(receipts: Sequence[Receipt], *, full: int = 0, anyhow: bool = False) -> Iterator[tuple[int, Receipt]]:
    """The pages that are empty or shorter than most others, before the last one with records, each with its receipt.

    Where most pages are shorter than the longest, their length says nothing, unless it counts `anyhow`. Where a
    `full` page has so many records, those from the last one on count, too.
    """
    lengths = [(page, length, receipt) for receipt in receipts for page, length in receipt.page_lengths]
    longest = max((length for _, length, _ in lengths), default=0)
    is_regular = anyhow or full > longest or 2 * sum(length == longest for _, length, _ in lengths) >= len(lengths)
    last = reach_of(receipts)
    for page, length, receipt in lengths:
        is_short = length == 0 or (is_regular and length < max(longest, full))
        if is_short and (page < last or full):
            yield page, receipt


def missing_records(landing: Landing, receipts: Sequence[Receipt], tally: Tally) -> int | None:
    """How many of the advertised records are not there; None where nobody says how many there are, or not all count."""
    whole = advertised(landing, receipts, tally).records
    if whole is None or landing.run.options.page_range is not None:
        return None
    return max(0, whole - sum(receipt.sent_records for receipt in receipts))


def _is_longer_now(walker: Walker, page: int, receipt: Receipt) -> bool:
    """Whether a page comes with more records than it was landed with."""
    landed = dict(receipt.page_lengths)[page]
    try:
        return walker.resources.client.page(page).sent_records > landed
    except PageFailedError:
        return False


def _asked_for_first_page(walker: Walker, tally: Tally, *, waits_for_more: bool) -> Tally:
    """Read the first page again: whether it moved, and what it says about the whole now.

    Where that is more than before and nobody `waits_for_more`, it is only noted that the source goes on growing.
    """
    landing, receipts = walker.landing, _receipts(walker)
    first = landing.plan.ranges[0].first
    if not receipts or receipts[0].first != first or receipts[-1].last == first:
        return tally
    try:
        page = walker.resources.client.first_page(first)
        if _is_one_of_two(walker, page):
            page = max(page, walker.resources.client.first_page(first), key=lambda answer: answer.sent_records)
    except WalkStoppedError:
        raise
    except PageRepeatedError:  # it holds what another page held: all rows moved by whole pages
        return _with_proof(tally, first_page_moved=True)
    except SourceError as error:
        logger.bind(page=first, error=str(error)).warning("the first page cannot be had again, to see whether it moved")
        return _with_proof(tally, first_page_moved=None)
    if page.sent_records > next(receipts[0].page_lengths)[1]:  # it was the last one, perhaps, and has grown
        walker.land_again([receipts[0].first], only_longer=True)
        receipts = _receipts(walker)
    before, now = advertised(landing, receipts, tally), notice_of(page)
    tally = _with_proof(tally, first_page_moved=_is_another(receipts[0], page), goes_on=False)
    if not before.is_less_than(now.totals):
        return tally.and_then(Tally(notice=now))
    if not waits_for_more:
        return _with_proof(tally, goes_on=True)
    return replace(tally, end=None).and_then(Tally(notice=now))


def _is_one_of_two(walker: Walker, page: Page) -> bool:
    """Whether a first page is shorter than asked for, and one more is all there is to compare it with.

    By number or offset, the walk itself asks for such a page again.
    """
    is_chained = isinstance(walker.resources.source.pagination, Chained)
    return (
        is_chained
        and reach_of(_receipts(walker)) <= page.number + 1
        and (page.sent_records < walker.resources.client.page_size)
    )


def _is_another(receipt: Receipt, page: Page) -> bool | None:
    """Whether the first page holds other records than when it was landed; None where its receipt does not tell."""
    if not receipt.digests or receipt.first != page.number:
        return None
    return page.identity.digest != b64decode(receipt.digests)[:DIGEST_BYTES]


def _with_proof(tally: Tally, **changes: object) -> Tally:
    return replace(tally, proof=replace(tally.proof, **changes))  # type: ignore[arg-type]
