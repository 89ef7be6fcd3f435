"""The walk: which pages there are to land, by what was planned, told and found so far."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import itemgetter
from typing import Final

from seawall.clients.errors import PageRangeError
from seawall.clients.pages.page import Totals as PageTotals
from seawall.clients.pagination.kinds import Tokens
from seawall.storage import receipts
from seawall.storage.documents import Totals
from seawall.storage.keys import MAX_PAGE
from seawall.storage.ranges import PageRange, missing
from seawall.storage.receipts import Receipt
from seawall.tasks.context.resources import resources
from seawall.tasks.landing.landed import Landed
from seawall.tasks.landing.rejected import refuse_too_many
from seawall.tasks.run import Landing

OPEN_PARTS: Final = 4  # parts for each parallel one that are begun at a time where nobody tells where the end is


def merged(before: PageTotals | Totals, now: PageTotals | Totals) -> Totals:
    """What is known after hearing `now`, of which nothing is taken back that it does not speak of.

    The larger number of pages counts: answers overtake one another, and a page too many turns out to be beyond
    the end, while one too few would be lost.
    """
    pages = max((total for total in (before.pages, now.pages) if total is not None), default=None)
    return Totals(pages=pages, records=before.records if now.records is None else now.records)


def advertised(landing: Landing, written: Iterable[Receipt], landed: Landed) -> Totals:
    """What the source says about the whole, heard in the order in which its pages were read, the plan's first."""
    told = [landed.told, *((receipt.told_at, receipt.totals) for receipt in written)]
    heard = reduce(merged, (totals for _, totals in sorted(told, key=itemgetter(0))), landing.plan.totals)
    return heard if landed.end is None else Totals(pages=landed.told[1].pages, records=heard.records)


def walk(landing: Landing, written: Sequence[Receipt], landed: Landed) -> list[PageRange]:
    """The ranges of the whole walk: those planned, less what lies beyond the end, and what appeared since.

    A page with records is no page beyond the end, whatever the totals or an empty page say.
    """
    planned, end = landing.plan.ranges, landing.plan.last_page
    last, asked = _last(landing, written, landed), landing.run.options.page_range
    last = min([last, *([asked.last] if asked else []), *([landed.end - 1] if landed.end is not None else [])])
    last = max([last, *(receipt.last for receipt in written if receipt.sent)])
    ranges = [PageRange(each.first, min(each.last, last)) for each in planned if each.first <= last]
    if last > end:
        ranges += PageRange(end + 1, last).split(landing.run.options.pages_per_part)
    if not ranges:
        raise PageRangeError(f"the source ends before page {planned[0].first}, the first that was planned")
    return ranges


def uncovered(landing: Landing, landed: Landed) -> list[PageRange]:
    """The ranges that are neither in the bucket nor known to fail, none longer than a part."""
    written = receipts.read_all(resources(landing.run).store, landing.folder)
    refuse_too_many(written, landing.run.options.max_rejected_records)
    known = [PageRange(gap.page, gap.page) for gap in landed.gaps]
    if landed.end is not None:
        known.append(PageRange(landed.end, MAX_PAGE))
    return missing(walk(landing, written, landed), [*(receipt.pages for receipt in written), *known])


def links(landing: Landing) -> Iterator[tuple[PageRange, str | None]]:
    """The parts of a walk by tokens that are not in the bucket, one after the other, each with its token.

    The next one is known once the one before has its receipt.
    """
    store, asked = resources(landing.run).store, landing.run.options.page_range
    written = receipts.read_all(store, landing.folder)
    refuse_too_many(written, landing.run.options.max_rejected_records)
    newest = written[-1] if written else None
    while newest is None or newest.next is not None:
        first = newest.last + 1 if newest else landing.plan.ranges[0].first
        last = first + landing.run.options.pages_per_part - 1
        if asked and first > asked.last:
            return
        yield PageRange(first, min(last, asked.last) if asked else last), newest.next if newest else None
        newest = receipts.find(store, landing.folder, first)


def _last(landing: Landing, written: Sequence[Receipt], landed: Landed) -> int:
    """The last page as far as anybody knows."""
    pagination = resources(landing.run).source.pagination
    if isinstance(pagination, Tokens):
        reached = max((receipt.last for receipt in written), default=landing.plan.ranges[0].first)
        return reached + bool(written and written[-1].next)
    now = advertised(landing, written, landed)
    told = pagination.last(PageTotals(pages=now.pages, records=now.records))
    return _open_end(landing, written, now) if told is None else told


def _open_end(landing: Landing, written: Sequence[Receipt], now: Totals) -> int:
    """How far to walk where no total tells: as far as planned, and on from there while that held records."""
    reached = max((receipt.last for receipt in written if receipt.sent), default=0)
    if now.records is not None and sum(receipt.sent for receipt in written) >= now.records:
        return max(reached, landing.plan.ranges[0].first)
    end, options = landing.plan.last_page, landing.run.options
    while reached >= end:
        end += options.pages_per_part * options.parallel_parts * OPEN_PARTS
    return min(end, MAX_PAGE)
