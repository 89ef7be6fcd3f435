"""Land: fetch the pages that no receipt covers, in tasks, a few ranges at a time."""

import tempfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from loguru import logger
from prefect import task
from prefect.futures import PrefectFuture, as_completed, wait

from seawall.clients.errors import SourceError
from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.pages.page import Totals as PageTotals
from seawall.clients.pagination.kinds import Tokens
from seawall.storage import manifest, receipts
from seawall.storage.documents import Totals
from seawall.storage.keys import MAX_PAGE
from seawall.storage.manifest import FailedPage
from seawall.storage.ranges import PageRange
from seawall.tasks.context.logs import guarded
from seawall.tasks.context.resources import resources
from seawall.tasks.errors import RejectedRecordsError
from seawall.tasks.landing.landed import Landed
from seawall.tasks.landing.progress import progress
from seawall.tasks.landing.rejected import told, within_limit
from seawall.tasks.landing.staged import StagedPart, fetch_parts
from seawall.tasks.landing.upload import upload_part
from seawall.tasks.landing.walk import advertised, links, uncovered
from seawall.tasks.preflight import ONCE
from seawall.tasks.run import Landing


def land(landing: Landing) -> Landed:
    """Land every range that no receipt covers, then pages that appeared since; gaps once more.

    A walk by tokens is landed part after part; there a page that fails for good ends the run, which can be resumed.
    """
    nothing = Landed(retries=Counter())
    if manifest.find(resources(landing.run).store, landing.folder) is not None:  # then what is missing stays so
        return nothing
    with progress(landing):
        if isinstance(resources(landing.run).source.pagination, Tokens):
            return nothing.and_then(*_in_parallel(landing, links(landing), at_once=1))
        written = receipts.read_all(resources(landing.run).store, landing.folder)
        landing = replace(landing, told=advertised(landing, written, nothing))
        landed = _without_what_went(landing, _land_uncovered(landing, nothing))
        again = [PageRange(gap.page, gap.page) for gap in landed.gaps]
        if not again:
            return landed
        logger.bind(pages=", ".join(map(str, again))).info("trying failed pages once more")
        healed = replace(landed, gaps=()).and_then(*_in_parallel(landing, ((pages, None) for pages in again)))
        return _land_uncovered(landing, healed)


@task(name="land", task_run_name="land {landing.run.source} pages {pages}", **ONCE)
@guarded
def land_part(landing: Landing, pages: PageRange, token: str | None = None) -> Landed:
    """Land one range: a part for each run of pages without a gap; `token` is what asks for its first page.

    Raises:
        SourceError: the source cannot be walked any further.
        RejectedRecordsError: too many records are rejected.
        StorageError: a part could not be stored.
    """
    opened = resources(landing.run)
    landed = Landed(retries=Counter())
    fetched: Generator[Page | Gap | End, None, None]
    if isinstance(opened.source.pagination, Tokens):
        fetched = opened.client.follow(pages.first, pages.last, token)
    else:
        opened.client.expect(PageTotals(pages=landing.told.pages, records=landing.told.records))
        fetched = opened.client.pages(pages.first, pages.last, sharing=landing.run.options.parallel_parts)
    with tempfile.TemporaryDirectory(prefix="seawall-") as staging, closing(fetched):
        walked = within_limit(fetched, landing.run.options.max_rejected_records)
        for outcome in fetch_parts(walked, opened.format, Path(staging), landing.run.options.record_key):
            match outcome:
                case StagedPart():
                    upload_part(outcome, landing, opened)
                    landed = landed.and_then(Landed(rejected=outcome.rejected.records, retries=Counter()))
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


def _land_uncovered(landing: Landing, landed: Landed) -> Landed:
    while ranges := uncovered(landing, landed):
        landed = landed.and_then(*_in_parallel(landing, ((pages, None) for pages in ranges)))
    return landed


def _without_what_went(landing: Landing, landed: Landed) -> Landed:
    """What landed, less the gaps after its last page which the source says, asked twice, that it has no more."""
    if not landed.gaps:
        return landed
    opened = resources(landing.run)
    held = max((each.last for each in receipts.read_all(opened.store, landing.folder) if each.sent), default=0)
    if landed.gaps[-1].page < held:
        return landed
    try:
        pages = [opened.client.first_page() for _ in range(2)]
    except SourceError:  # whoever cannot be asked has not lost a page
        return landed
    ends = [opened.source.pagination.last(page.totals) for page in pages]
    last = max(MAX_PAGE if end is None else end for end in ends)
    if not held <= last < landed.gaps[-1].page:
        return landed
    logger.bind(last=last).info("the source has become shorter")
    totals = Totals(pages=pages[-1].totals.pages, records=pages[-1].totals.records)
    left = tuple(gap for gap in landed.gaps if gap.page <= last)
    return replace(landed, gaps=left, end=last + 1, told=(pages[-1].read_at, totals))


def _in_parallel(
    landing: Landing, parts: Iterable[tuple[PageRange, str | None]], *, at_once: int | None = None
) -> Iterator[Landed]:
    """Land ranges in tasks, `parallel_parts` at a time; the first error stops the rest.

    Raises:
        RejectedRecordsError: parts hold too many together, though none of them does alone.
    """
    waiting = iter(parts)
    running: list[PrefectFuture[Landed]] = []
    rejected, limit = 0, landing.run.options.max_rejected_records
    try:
        while True:
            for pages, token in islice(waiting, (at_once or landing.run.options.parallel_parts) - len(running)):
                running.append(land_part.submit(landing, pages, token))
            if not running:
                return
            done = next(as_completed(running))
            running.remove(done)
            landed = done.result()
            rejected += landed.rejected
            if rejected > limit:
                raise RejectedRecordsError(told(rejected, limit))
            yield landed
    except BaseException:
        resources(landing.run).client.stop()
        wait(running)
        raise
