"""Land: fetch the pages that no receipt covers, write them part by part, upload each, leave a receipt."""

import tempfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path

from loguru import logger
from prefect import task
from prefect.futures import PrefectFuture, as_completed

from clients.page import End, Gap, Page
from clients.page import Totals as PageTotals
from formats.writer import Format, RecordError, WrittenFile
from storage import receipts
from storage.documents import Column, Totals
from storage.keys import part_key
from storage.manifest import FailedPage
from storage.ranges import PageRange, missing
from storage.receipts import Receipt
from tasks.authenticate import ONCE
from tasks.errors import IngestError
from tasks.logs import guarded
from tasks.progress import progress
from tasks.resources import Resources, resources
from tasks.run import Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What became of a range of pages: its receipts are in the bucket, its gaps here.

    `end` is the first page that turned out to lie beyond the end, `retries` what the gaps cost.
    """

    gaps: tuple[FailedPage, ...] = ()
    end: int | None = None
    retries: Counter[str]

    def and_then(self, *others: "Landed") -> "Landed":
        """This and what came of other ranges."""
        every = (self, *others)
        return Landed(
            gaps=tuple(sorted(chain.from_iterable(each.gaps for each in every), key=lambda gap: gap.page)),
            end=min((each.end for each in every if each.end is not None), default=None),
            retries=sum((each.retries for each in every), Counter()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPart:
    """A part that is complete in a local file and not yet in the bucket."""

    file: WrittenFile
    pages: PageRange
    received: int
    retries: Counter[str]
    totals: Totals


def land(landing: Landing) -> Landed:
    """Land every range that no receipt covers, then pages that appeared since, then gaps once more."""
    landed = Landed(retries=Counter())
    with progress(landing):
        while ranges := _uncovered(landing, landed):
            landed = landed.and_then(*_in_parallel(landing, ranges))
        again = [PageRange(gap.page, gap.page) for gap in landed.gaps]
        if again:
            logger.bind(pages=", ".join(map(str, again))).info("trying failed pages once more")
        healed = Landed(end=landed.end, retries=landed.retries)
        return healed.and_then(*_in_parallel(landing, again))


@task(name="land", task_run_name="land {landing.run.source} pages {pages}", **ONCE)
@guarded()
def land_part(landing: Landing, pages: PageRange) -> Landed:
    """Land one range: a part for each run of pages without a gap.

    Raises:
        SourceError: the source cannot be walked any further.
        StorageError: a part could not be stored.
    """
    opened = resources(landing.run)
    landed = Landed(retries=Counter())
    fetched = opened.client.pages(pages.first, pages.last, sharing=landing.run.options.parallel_parts)
    with tempfile.TemporaryDirectory(prefix="seawall-") as staging, closing(fetched):
        for outcome in fetch_parts(fetched, opened.format, Path(staging)):
            match outcome:
                case StagedPart():
                    upload_part(outcome, landing, opened)
                case Gap():
                    gap = FailedPage(page=outcome.number, error=outcome.error)
                    landed = landed.and_then(Landed(gaps=(gap,), retries=Counter(outcome.retries)))
                case End():
                    return landed.and_then(Landed(end=outcome.number, retries=Counter()))
    return landed


def fetch_parts(fetched: Iterable[Page | Gap | End], format: Format, staging: Path) -> Iterator[StagedPart | Gap | End]:
    """Write each run of good pages to a staged file of its own; what interrupts them passes through."""
    for good, outcomes in groupby(fetched, key=lambda outcome: isinstance(outcome, Page)):
        if good:
            yield write_part((page for page in outcomes if isinstance(page, Page)), format, staging)
        else:
            yield from (outcome for outcome in outcomes if not isinstance(outcome, Page))


def write_part(pages: Iterable[Page], format: Format, staging: Path) -> StagedPart:
    """Write consecutive pages to one file, as they arrive."""
    count = last = received = 0
    retries: Counter[str] = Counter()
    totals = Totals()
    with format.open(staging / f"part.{format.suffix}") as writer:
        for page in pages:
            try:
                writer.write(page.records)
            except RecordError as error:
                raise IngestError(f"page {page.number}, {error}; nothing of this part was landed") from error
            count, last = count + 1, page.number
            received += page.size
            retries.update(page.retries)
            if page.totals.pages is not None:  # a page that says nothing takes nothing back
                totals = Totals(pages=page.totals.pages, records=page.totals.records)
        file = writer.close()
    pages_held = PageRange(last - count + 1, last)
    return StagedPart(file=file, pages=pages_held, received=received, retries=retries, totals=totals)


def upload_part(part: StagedPart, landing: Landing, opened: Resources) -> Receipt:
    """Store a staged part, verified, and only then write its receipt."""
    key = part_key(landing.folder, part.pages.first, part.file.sha256, opened.format.suffix)
    opened.store.put_file(part.file.path, key, content_type=opened.format.content_type)
    part.file.path.unlink()
    receipt = Receipt(
        first=part.pages.first,
        last=part.pages.last,
        records=part.file.records,
        bytes=part.file.bytes,
        sha256=part.file.sha256,
        columns=tuple(Column(name, kind) for name, kind in part.file.columns.items()),
        key=key,
        received=part.received,
        retries=dict(part.retries),
        totals=part.totals,
        landed=datetime.now(UTC).isoformat(),
    )
    logger.bind(pages=str(part.pages), records=receipt.records, bytes=receipt.bytes).info("part landed")
    return receipts.write(opened.store, landing.folder, receipt)


def advertised(landing: Landing, written: Iterable[Receipt]) -> Totals:
    """What the source said last about the whole: the newest receipt knows, at first the plan."""
    telling = (receipt for receipt in written if receipt.totals.pages is not None)
    newest = max(telling, key=lambda receipt: receipt.landed, default=None)
    return newest.totals if newest else landing.plan.totals


def walk(landing: Landing, written: Iterable[Receipt], landed: Landed) -> list[PageRange]:
    """The ranges of the whole walk: those planned, less what lies beyond the end, and what appeared since."""
    planned, end = landing.plan.ranges, landing.plan.last_page
    now = advertised(landing, written)
    last = resources(landing.run).source.pagination.last(PageTotals(pages=now.pages, records=now.records)) or end
    asked = landing.run.options.page_range
    last = min([last, *([asked.last] if asked else []), *([landed.end - 1] if landed.end is not None else [])])
    ranges = [PageRange(each.first, min(each.last, last)) for each in planned if each.first <= last]
    if last > end:
        ranges += PageRange(end + 1, last).split(landing.run.options.pages_per_part)
    return ranges


def _uncovered(landing: Landing, landed: Landed) -> list[PageRange]:
    """The ranges that are neither in the bucket nor known to fail, none longer than a part."""
    written = receipts.read_all(resources(landing.run).store, landing.folder)
    known = [PageRange(gap.page, gap.page) for gap in landed.gaps]
    return missing(walk(landing, written, landed), [*(receipt.pages for receipt in written), *known])


def _in_parallel(landing: Landing, ranges: Iterable[PageRange]) -> Iterator[Landed]:
    """Land ranges in tasks, `parallel_parts` at a time; the first error stops the rest."""
    waiting = deque(ranges)
    running: list[PrefectFuture[Landed]] = []
    while waiting or running:
        while waiting and len(running) < landing.run.options.parallel_parts:
            running.append(land_part.submit(landing, waiting.popleft()))
        done = next(as_completed(running))
        running.remove(done)
        yield done.result()
