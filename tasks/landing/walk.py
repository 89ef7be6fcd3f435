"""The walk: which pages there are to land, by what was planned, said and landed so far."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final

from seawall.clients.errors import PageRangeError
from seawall.clients.pages.page import End, Page, larger
from seawall.clients.pagination.extent import last_page
from seawall.clients.pagination.kinds import Chained
from seawall.storage.documents import Notice, Totals
from seawall.storage.keys import MAX_PAGE
from seawall.storage.ranges import PageRange, missing
from seawall.storage.receipts import Receipt, find_receipt, read_receipts
from seawall.tasks.context.resources import Resources
from seawall.tasks.landing.rejected import refuse_too_many
from seawall.tasks.landing.tally import Tally
from seawall.tasks.run import Landing

OPEN_PARTS: Final = 4  # parts for each parallel one that are begun before the end is looked for behind them


def notice_of(page: Page | End) -> Notice:
    """What a page said about the whole, as documents keep it."""
    return Notice(totals=Totals(pages=page.totals.pages, records=page.totals.records), at=page.read_at)


def merged(before: Totals, now: Totals) -> Totals:
    """What is known after `now`: silence takes nothing back, and of numbers of pages the larger counts."""
    records = before.records if now.records is None else now.records
    return Totals(pages=larger(before.pages, now.pages), records=records)


def largest_of(*totals: Totals) -> Totals:
    """The largest numbers that were told."""
    return Totals(pages=larger(*(each.pages for each in totals)), records=larger(*(each.records for each in totals)))


def advertised(landing: Landing, receipts: Iterable[Receipt], tally: Tally) -> Totals:
    """What the source says about the whole, in the order in which its pages were read, the plan's first."""
    notices = sorted([tally.notice, *(receipt.notice for receipt in receipts)], key=lambda notice: notice.at)
    totals = reduce(merged, (notice.totals for notice in notices), landing.plan.totals)
    return totals if tally.end is None else Totals(pages=tally.notice.totals.pages, records=totals.records)


def largest_told(landing: Landing, receipts: Iterable[Receipt]) -> Totals:
    """The most that was ever told of the whole."""
    return largest_of(landing.plan.totals, *(receipt.largest for receipt in receipts))


def reach_of(receipts: Iterable[Receipt]) -> int:
    """The last page that was landed with records; 0 where none was."""
    return max((receipt.reach for receipt in receipts), default=0)


def informed(landing: Landing, receipts: Sequence[Receipt]) -> Landing:
    """The landing with what its receipts tell of the whole, for processes that did not see its pages."""
    longest = max((length for receipt in receipts for length, _ in receipt.lengths), default=0)
    totals = advertised(landing, receipts, Tally())
    return replace(landing, totals=totals, reach=reach_of(receipts), longest=longest)


def end_of(receipts: Iterable[Receipt], tally: Tally) -> int | None:
    """The first page beyond the end, if one turned out to be, and no page behind it came with records since."""
    is_contradicted = tally.end is not None and max(tally.reach, reach_of(receipts)) > tally.end
    return None if is_contradicted else tally.end


def walk(landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally) -> list[PageRange]:
    """The ranges of the whole walk: those planned, less what lies beyond the end, and what appeared since.

    A page with records is no page beyond the end, whatever the totals or an empty page say.
    """
    options, end = landing.run.options, landing.plan.last_page
    bounds = [_last(landing, resources, receipts, tally)]
    if options.page_range is not None:
        bounds.append(options.page_range.last)
    if (beyond := end_of(receipts, tally)) is not None:
        bounds.append(beyond - 1)
    last = max([min(bounds), *(receipt.last for receipt in receipts if receipt.sent_records)])
    ranges = [PageRange(each.first, min(each.last, last)) for each in landing.plan.ranges if each.first <= last]
    if last > end:
        ranges += PageRange(end + 1, last).split(options.pages_per_part)
    if not ranges:
        raise PageRangeError(f"the source ends before page {landing.plan.ranges[0].first}, the first that was planned")
    return ranges


def uncovered(landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally) -> list[PageRange]:
    """The ranges that are neither in the bucket nor known to fail, none longer than a part."""
    refuse_too_many(receipts, landing.run.options.max_rejected_records)
    covers = [*(receipt.pages for receipt in receipts), *(PageRange(gap.page, gap.page) for gap in tally.gaps)]
    if (end := end_of(receipts, tally)) is not None:
        covers.append(PageRange(end, MAX_PAGE))
    return missing(walk(landing, resources, receipts, tally), covers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A part to land: its pages, and what is known where it begins.

    `token` asks for its first page where only the page before tells, `records_before` is how many records the source
    sent before it. Where its pages are landed already, `supersedes` is their receipt: the part is landed anew if it
    comes differently, with `only_longer` if it comes with more records.
    """

    pages: PageRange
    token: str | None = None
    records_before: int = 0
    supersedes: Receipt | None = None
    only_longer: bool = False


def links(landing: Landing, resources: Resources) -> Iterator[Link]:
    """The parts of a chained walk that are not in the bucket, one after the other, each with its token.

    The next one is known once the one before has its receipt.
    """
    options = landing.run.options
    receipts = read_receipts(resources.store, landing.folder)
    refuse_too_many(receipts, options.max_rejected_records)
    newest = receipts[-1] if receipts else None
    records = sum(receipt.sent_records for receipt in receipts)
    end = options.page_range.last if options.page_range else MAX_PAGE
    while newest is None or newest.next_token is not None:
        first = newest.last + 1 if newest else landing.plan.ranges[0].first
        if first > end:
            return
        last = min(first + options.pages_per_part - 1, end)
        token = newest.next_token if newest else None
        yield Link(pages=PageRange(first, last), token=token, records_before=records)
        newest = find_receipt(resources.store, landing.folder, first)
        records += newest.sent_records


def links_again(receipts: Sequence[Receipt], chosen: Iterable[int], *, only_longer: bool) -> list[Link]:
    """The parts that begin with the `chosen` pages, to be landed anew where they come differently."""
    wanted = set(chosen)
    again: list[Link] = []
    records = 0
    for before, receipt in zip([None, *receipts], receipts, strict=False):
        if receipt.first in wanted:
            token = before.next_token if before else None
            again.append(
                Link(
                    pages=receipt.pages,
                    token=token,
                    records_before=records,
                    supersedes=receipt,
                    only_longer=only_longer,
                )
            )
        records += receipt.sent_records
    return again


def _last(landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally) -> int:
    """The last page as far as anybody knows."""
    pagination = resources.source.pagination
    if isinstance(pagination, Chained):
        reach = max((receipt.last for receipt in receipts), default=landing.plan.ranges[0].first)
        return reach + bool(receipts and receipts[-1].next_token)
    totals = advertised(landing, receipts, tally)
    last = last_page(pagination.first_page, totals.pages)
    if last is not None and max(tally.reach, reach_of(receipts)) <= last:
        return last
    return _open_end(landing, receipts, totals, tally)


def _open_end(landing: Landing, receipts: Sequence[Receipt], totals: Totals, tally: Tally) -> int:
    """How far to walk where no total tells: as far as planned, and twice as far once that held records.

    A total of records that is reached is believed until a page beyond it is seen to hold some, or one within is
    missing, whose records would be too many. A page that failed may hold some: it is walked past, unless more have
    failed than a run may be published without.
    """
    reach = max((receipt.last for receipt in receipts), default=0)
    is_reached = totals.records is not None and sum(receipt.sent_records for receipt in receipts) == totals.records
    if is_reached and reach >= tally.reach and not any(gap.page < reach for gap in tally.gaps):
        return max(reach, landing.plan.ranges[0].first)
    last_failed = tally.gaps[-1].page if tally.gaps else 0
    reach = max(reach, tally.reach)
    if len(tally.gaps) <= landing.run.options.max_failed_pages:
        reach = max(reach, last_failed)
    if reach < landing.plan.last_page:
        return max(landing.plan.last_page, last_failed)
    return min(max(last_begun(landing, reach + 1), 2 * reach), MAX_PAGE)


def last_begun(landing: Landing, page: int) -> int:
    """How far an open walk goes whose end seems to be at `page`: parts are begun OPEN_PARTS for each parallel one."""
    options, planned = landing.run.options, landing.plan.last_page
    step = options.pages_per_part * options.parallel_parts * OPEN_PARTS
    return planned + max(0, -(-(page - planned) // step)) * step
