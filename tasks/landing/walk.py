"""The walk: which pages there are to land, by what was planned, said and landed so far."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Final

from seawall.clients.errors import PageRangeError
from seawall.clients.pages.page import End, Page
from seawall.clients.pagination.extent import larger, last_page
from seawall.clients.pagination.kinds import Chained
from seawall.storage.documents import Notice, Totals
from seawall.storage.keys import MAX_PAGE
from seawall.storage.ranges import PageRange, missing
from seawall.storage.receipts import Receipt, find_receipt, read_receipts
from seawall.tasks.context.resources import Resources
from seawall.tasks.landing.rejected import refuse_too_many
from seawall.tasks.landing.tally import Tally
from seawall.tasks.run import Landing

OPEN_PARTS: Final = 4  # parts for each parallel one that are begun at a time where nobody tells where the end is


def notice_of(page: Page | End) -> Notice:
    """What a page said about the whole, as documents keep it."""
    return Notice(totals=Totals(pages=page.totals.pages, records=page.totals.records), at=page.read_at)


def merged(before: Totals, now: Totals) -> Totals:
    """What is known after `now`, which takes nothing back that it does not speak of; see `extent.larger` for pages."""
    records = before.records if now.records is None else now.records
    return Totals(pages=larger(before.pages, now.pages), records=records)


def advertised(landing: Landing, receipts: Iterable[Receipt], tally: Tally) -> Totals:
    """What the source says about the whole, in the order in which its pages were read, the plan's first."""
    notices = sorted([tally.notice, *(receipt.notice for receipt in receipts)], key=lambda notice: notice.at)
    totals = reduce(merged, (notice.totals for notice in notices), landing.plan.totals)
    return totals if tally.end is None else Totals(pages=tally.notice.totals.pages, records=totals.records)


def walk(landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally) -> list[PageRange]:
    """The ranges of the whole walk: those planned, less what lies beyond the end, and what appeared since.

    A page with records is no page beyond the end, whatever the totals or an empty page say.
    """
    options, end = landing.run.options, landing.plan.last_page
    bounds = [_last(landing, resources, receipts, tally)]
    if options.page_range is not None:
        bounds.append(options.page_range.last)
    if tally.end is not None:
        bounds.append(tally.end - 1)
    last = max([min(bounds), *(receipt.last for receipt in receipts if receipt.sent_records)])
    ranges = [PageRange(each.first, min(each.last, last)) for each in landing.plan.ranges if each.first <= last]
    if last > end:
        ranges += PageRange(end + 1, last).split(options.pages_per_part)
    if not ranges:
        raise PageRangeError(f"the source ends before page {landing.plan.ranges[0].first}, the first that was planned")
    return ranges


def uncovered(landing: Landing, resources: Resources, tally: Tally) -> list[PageRange]:
    """The ranges that are neither in the bucket nor known to fail, none longer than a part."""
    receipts = read_receipts(resources.store, landing.folder)
    refuse_too_many(receipts, landing.run.options.max_rejected_records)
    covers = [*(receipt.pages for receipt in receipts), *(PageRange(gap.page, gap.page) for gap in tally.gaps)]
    if tally.end is not None:
        covers.append(PageRange(tally.end, MAX_PAGE))
    return missing(walk(landing, resources, receipts, tally), covers)


def links(landing: Landing, resources: Resources) -> Iterator[tuple[PageRange, str | None]]:
    """The parts of a chained walk that are not in the bucket, one after the other, each with its token.

    The next one is known once the one before has its receipt.
    """
    options = landing.run.options
    receipts = read_receipts(resources.store, landing.folder)
    refuse_too_many(receipts, options.max_rejected_records)
    newest = receipts[-1] if receipts else None
    end = options.page_range.last if options.page_range else MAX_PAGE
    while newest is None or newest.next_token is not None:
        first = newest.last + 1 if newest else landing.plan.ranges[0].first
        if first > end:
            return
        last = min(first + options.pages_per_part - 1, end)
        yield PageRange(first, last), newest.next_token if newest else None
        newest = find_receipt(resources.store, landing.folder, first)


def _last(landing: Landing, resources: Resources, receipts: Sequence[Receipt], tally: Tally) -> int:
    """The last page as far as anybody knows."""
    pagination = resources.source.pagination
    if isinstance(pagination, Chained):
        reach = max((receipt.last for receipt in receipts), default=landing.plan.ranges[0].first)
        return reach + bool(receipts and receipts[-1].next_token)
    totals = advertised(landing, receipts, tally)
    last = last_page(pagination.first_page, totals.pages)
    return _open_end(landing, receipts, totals) if last is None else last


def _open_end(landing: Landing, receipts: Sequence[Receipt], totals: Totals) -> int:
    """How far to walk where no total tells: as far as planned, and on from there while that held records."""
    reach = max((receipt.last for receipt in receipts if receipt.sent_records), default=0)
    if totals.records is not None and sum(receipt.sent_records for receipt in receipts) >= totals.records:
        return max(reach, landing.plan.ranges[0].first)
    end, options = landing.plan.last_page, landing.run.options
    while reach >= end:
        end += options.pages_per_part * options.parallel_parts * OPEN_PARTS
    return min(end, MAX_PAGE)
