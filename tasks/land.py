"""Land: fetch the pages that no receipt covers, write them part by part, upload each, leave a receipt."""

import hashlib
import tempfile
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from itertools import accumulate, chain, groupby
from operator import itemgetter
from pathlib import Path

from loguru import logger
from prefect import task
from prefect.futures import PrefectFuture, as_completed, wait

from clients.errors import PageRangeError, SourceError, WalkStoppedError
from clients.page import End, Gap, Page
from clients.page import Totals as PageTotals
from formats.writer import Format, RecordError, WrittenFile
from storage import receipts
from storage.documents import Column, Totals
from storage.keys import MAX_PAGE, part_key, rejected_key
from storage.manifest import FailedPage
from storage.ranges import PageRange, missing
from storage.receipts import Receipt
from tasks.authenticate import ONCE
from tasks.errors import IngestError, RejectedRecordsError
from tasks.logs import guarded
from tasks.progress import progress
from tasks.rejected import RejectedFile, told, within_limit
from tasks.resources import Resources, resources
from tasks.run import Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What became of a range of pages: its receipts are in the bucket, its gaps here.

    `end` is the first page that turned out to lie beyond the end, `told` the totals that came with it and when, in
    seconds since 1970, `retries` what the gaps cost.
    """

    gaps: tuple[FailedPage, ...] = ()
    end: int | None = None
    told: tuple[float, Totals] = (0.0, Totals())
    retries: Counter[str]

    def and_then(self, *others: "Landed") -> "Landed":
        """This and what came of other ranges."""
        every = (self, *others)
        return Landed(
            gaps=tuple(sorted(chain.from_iterable(each.gaps for each in every), key=lambda gap: gap.page)),
            end=min((each.end for each in every if each.end is not None), default=None),
            told=max((each.told for each in every), key=lambda told: told[0]),
            retries=sum((each.retries for each in every), Counter()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPart:
    """A part that is complete in a local file and not yet in the bucket."""

    file: WrittenFile
    columns: tuple[Column, ...]
    rejected: RejectedFile
    pages: PageRange
    received: int
    retries: Counter[str]
    totals: Totals
    told_at: float


def land(landing: Landing) -> Landed:
    """Land every range that no receipt covers, then pages that appeared since; gaps once more."""
    with progress(landing):
        landed = _land_uncovered(landing, Landed(retries=Counter()))
        again = [PageRange(gap.page, gap.page) for gap in landed.gaps]
        if not again:
            return landed
        logger.bind(pages=", ".join(map(str, again))).info("trying failed pages once more")
        healed = replace(landed, gaps=()).and_then(*_in_parallel(landing, again))
        return _land_uncovered(landing, healed)


@task(name="land", task_run_name="land {landing.run.source} pages {pages}", **ONCE)
@guarded()
def land_part(landing: Landing, pages: PageRange) -> Landed:
    """Land one range: a part for each run of pages without a gap.

    Raises:
        SourceError: the source cannot be walked any further.
        RejectedRecordsError: too many records are rejected.
        StorageError: a part could not be stored.
    """
    opened = resources(landing.run)
    landed = Landed(retries=Counter())
    fetched = opened.client.pages(pages.first, pages.last, sharing=landing.run.options.parallel_parts)
    with tempfile.TemporaryDirectory(prefix="seawall-") as staging, closing(fetched):
        walked = within_limit(fetched, landing.run.options.max_rejected_records)
        for outcome in fetch_parts(walked, opened.format, Path(staging)):
            match outcome:
                case StagedPart():
                    upload_part(outcome, landing, opened)
                case Gap():
                    gap = FailedPage(page=outcome.number, error=outcome.error)
                    landed = landed.and_then(Landed(gaps=(gap,), retries=Counter(outcome.retries)))
                case End():
                    totals = Totals(pages=outcome.totals.pages, records=outcome.totals.records)
                    end = Landed(end=outcome.number, told=(outcome.read_at, totals), retries=Counter())
                    return landed.and_then(end)
                case SourceError() | RejectedRecordsError():  # what came before it is safe by now
                    raise outcome
    return landed


def fetch_parts(
    fetched: Iterable[Page | Gap | End], format: Format, staging: Path
) -> Iterator[StagedPart | Gap | End | SourceError | RejectedRecordsError]:
    """Write each run of good pages to a staged file of its own; what interrupts them passes through.

    An error that ends the walk comes last, as a value, so that the good pages before it are a part, too.
    """
    for good, outcomes in groupby(_error_last(fetched), key=lambda outcome: isinstance(outcome, Page)):
        if good:
            yield write_part((page for page in outcomes if isinstance(page, Page)), format, staging)
        else:
            yield from (outcome for outcome in outcomes if not isinstance(outcome, Page))


def _error_last(fetched: Iterable[Page | Gap | End]) -> Iterator[Page | Gap | End | SourceError | RejectedRecordsError]:
    try:
        yield from fetched
    except WalkStoppedError:  # there is no time left to land anything
        raise
    except (SourceError, RejectedRecordsError) as error:
        yield error


def write_part(pages: Iterable[Page], format: Format, staging: Path) -> StagedPart:
    """Write consecutive pages to one file, as they arrive."""
    last = received = 0
    counts: list[int] = []  # records of each page
    retries: Counter[str] = Counter()
    totals, told_at = Totals(), 0.0
    rejected = RejectedFile(staging / "rejected.jsonl")
    with format.open(staging / f"part.{format.suffix}") as writer:
        for page in pages:
            try:
                writer.write(page.records)
            except RecordError as error:
                raise IngestError(f"page {page.number}, {error}; nothing of this part was landed") from error
            rejected.add(page)
            counts.append(len(page.records))
            last = page.number
            received += page.size
            retries.update(page.retries)
            totals = merged(totals, page.totals) if page.read_at > told_at else merged(page.totals, totals)
            told_at = max(told_at, page.read_at)
        file = writer.close()
    pages_held = PageRange(last - len(counts) + 1, last)
    return StagedPart(
        file=file,
        columns=_columns(file, pages_held.first, counts),
        rejected=rejected,
        pages=pages_held,
        received=received,
        retries=retries,
        totals=totals,
        told_at=told_at,
    )


def _columns(file: WrittenFile, first: int, counts: Sequence[int]) -> tuple[Column, ...]:
    """The columns of a part, with the pages on which they came to their types."""
    ends = list(accumulate(counts))
    return tuple(
        Column(name, kind, {of: first + bisect_right(ends, record) for of, record in file.since.get(name, {}).items()})
        for name, kind in file.columns.items()
    )


def upload_part(part: StagedPart, landing: Landing, opened: Resources) -> Receipt:
    """Store a staged part, verified, and only then write its receipt."""
    key = part_key(landing.folder, part.pages.first, part.file.sha256, opened.format.suffix)
    opened.store.put_file(part.file.path, key, content_type=opened.format.content_type)
    part.file.path.unlink()
    aside = _upload_rejected(part, landing, opened)
    receipt = Receipt(
        first=part.pages.first,
        last=part.pages.last,
        records=part.file.records,
        bytes=part.file.bytes,
        sha256=part.file.sha256,
        columns=part.columns,
        key=key,
        received=part.received,
        retries=dict(part.retries),
        totals=part.totals,
        told_at=part.told_at,
        landed=datetime.now(UTC).isoformat(),
        rejected=part.rejected.records,
        rejected_key=aside,
    )
    logger.bind(pages=str(part.pages), records=receipt.records, bytes=receipt.bytes).info("part landed")
    return receipts.write(opened.store, landing.folder, receipt)


def _upload_rejected(part: StagedPart, landing: Landing, opened: Resources) -> str | None:
    """Store the rejected records of a part; their key, if there are any."""
    if not part.rejected.records:
        return None
    with part.rejected.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    key = rejected_key(landing.folder, part.pages.first, sha256)
    opened.store.put_file(part.rejected.path, key, content_type="application/x-ndjson")
    part.rejected.path.unlink()
    logger.bind(pages=str(part.pages), records=part.rejected.records, key=key).warning("records set aside")
    return key


def refuse_too_many_rejected(landing: Landing, written: Iterable[Receipt]) -> None:
    """Raise RejectedRecordsError where the parts of a run, together, hold more than its options allow."""
    rejected, limit = sum(receipt.rejected for receipt in written), landing.run.options.max_rejected_records
    if rejected > limit:
        raise RejectedRecordsError(told(rejected, limit))


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
    now = advertised(landing, written, landed)
    last = resources(landing.run).source.pagination.last(PageTotals(pages=now.pages, records=now.records)) or end
    asked = landing.run.options.page_range
    last = min([last, *([asked.last] if asked else []), *([landed.end - 1] if landed.end is not None else [])])
    last = max([last, *(receipt.last for receipt in written if receipt.records or receipt.rejected)])
    ranges = [PageRange(each.first, min(each.last, last)) for each in planned if each.first <= last]
    if last > end:
        ranges += PageRange(end + 1, last).split(landing.run.options.pages_per_part)
    if not ranges:
        raise PageRangeError(f"the source ends before page {planned[0].first}, the first that was planned")
    return ranges


def _land_uncovered(landing: Landing, landed: Landed) -> Landed:
    while ranges := _uncovered(landing, landed):
        landed = landed.and_then(*_in_parallel(landing, ranges))
    return landed


def _uncovered(landing: Landing, landed: Landed) -> list[PageRange]:
    """The ranges that are neither in the bucket nor known to fail, none longer than a part."""
    written = receipts.read_all(resources(landing.run).store, landing.folder)
    refuse_too_many_rejected(landing, written)
    known = [PageRange(gap.page, gap.page) for gap in landed.gaps]
    if landed.end is not None:
        known.append(PageRange(landed.end, MAX_PAGE))
    return missing(walk(landing, written, landed), [*(receipt.pages for receipt in written), *known])


def _in_parallel(landing: Landing, ranges: Iterable[PageRange]) -> Iterator[Landed]:
    """Land ranges in tasks, `parallel_parts` at a time; the first error stops the rest."""
    waiting = deque(ranges)
    running: list[PrefectFuture[Landed]] = []
    try:
        while waiting or running:
            while waiting and len(running) < landing.run.options.parallel_parts:
                running.append(land_part.submit(landing, waiting.popleft()))
            done = next(as_completed(running))
            running.remove(done)
            yield done.result()
    except BaseException:
        resources(landing.run).client.stop()
        wait(running)
        raise
