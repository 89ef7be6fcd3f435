"""Land: fetch the pages that no receipt covers, in tasks, a few ranges at a time."""

import tempfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from loguru import logger
from prefect.futures import PrefectFuture, as_completed, wait

from seawall.clients.errors import SourceError
from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.pagination.extent import last_page
from seawall.clients.pagination.kinds import Chained
from seawall.storage.keys import MAX_PAGE
from seawall.storage.manifest import FailedPage, find_manifest
from seawall.storage.ranges import PageRange
from seawall.storage.receipts import read_receipts
from seawall.tasks.context.resources import Resources, resources_of
from seawall.tasks.context.step import step
from seawall.tasks.errors import RejectedRecordsError
from seawall.tasks.landing.progress import progress
from seawall.tasks.landing.rejected import too_many, within_limit
from seawall.tasks.landing.staged import StagedPart, staged_parts
from seawall.tasks.landing.tally import Tally
from seawall.tasks.landing.upload import upload_part
from seawall.tasks.landing.walk import advertised, links, notice_of, uncovered
from seawall.tasks.run import Landing

Link = tuple[PageRange, str | None]  # a range, and what asks for its first page where only the page before tells


def land(landing: Landing) -> Tally:
    """Land every range that no receipt covers, then pages that appeared since; gaps once more.

    A chained walk is landed part after part; there a page that fails for good ends the run, which can be resumed.
    """
    resources = resources_of(landing.run)
    if find_manifest(resources.store, landing.folder) is not None:  # then what is missing stays so
        return Tally()
    with progress(landing, resources):
        if isinstance(resources.source.pagination, Chained):
            return Tally().and_then(*_in_parallel(landing, resources, links(landing, resources), at_once=1))
        receipts = read_receipts(resources.store, landing.folder)
        landing = replace(landing, totals=advertised(landing, receipts, Tally()))
        tally = _without_removed_pages(landing, resources, _land_uncovered(landing, resources, Tally()))
        gaps = [PageRange(gap.page, gap.page) for gap in tally.gaps]
        if not gaps:
            return tally
        logger.bind(pages=", ".join(map(str, gaps))).info("trying failed pages once more")
        links_of_gaps = ((pages, None) for pages in gaps)
        retried = replace(tally, gaps=()).and_then(*_in_parallel(landing, resources, links_of_gaps))
        return _land_uncovered(landing, resources, retried)


@step("land", "land {landing.run.source} pages {pages}")
def land_range(landing: Landing, pages: PageRange, token: str | None = None) -> Tally:
    """Land one range: a part for each run of pages without a gap; `token` is what asks for its first page.

    Raises:
        SourceError: the source cannot be walked any further.
        RejectedRecordsError: too many records are rejected.
        StorageError: a part could not be stored.
    """
    resources, options = resources_of(landing.run), landing.run.options
    tally = Tally()
    with (
        tempfile.TemporaryDirectory(prefix="seawall-") as staging,
        closing(_outcomes(landing, resources, pages, token)) as outcomes,
    ):
        outcomes_within_limit = within_limit(outcomes, options.max_rejected_records)
        for outcome in staged_parts(outcomes_within_limit, resources.format, Path(staging), options.record_key):
            match outcome:
                case StagedPart():
                    upload_part(outcome, landing, resources)
                    tally = tally.and_then(Tally(rejected_records=outcome.rejected.records))
                case Gap():
                    gap = FailedPage(page=outcome.number, error=outcome.error)
                    tally = tally.and_then(Tally(gaps=(gap,), retries=Counter(outcome.retries)))
                case End():
                    return tally.and_then(Tally(end=outcome.number, notice=notice_of(outcome)))
                case SourceError() | RejectedRecordsError():  # what came before it is safe by now
                    raise outcome
    return tally


def _outcomes(
    landing: Landing, resources: Resources, pages: PageRange, token: str | None
) -> Generator[Page | Gap | End, None, None]:
    """What becomes of each page of a range, in order."""
    client = resources.client
    if isinstance(resources.source.pagination, Chained):
        return client.follow(pages.first, pages.last, token)
    client.expect(pages=landing.totals.pages, records=landing.totals.records)
    return client.pages(pages.first, pages.last, sharing=landing.run.options.parallel_parts)


def _land_uncovered(landing: Landing, resources: Resources, tally: Tally) -> Tally:
    while ranges := uncovered(landing, resources, tally):
        tally = tally.and_then(*_in_parallel(landing, resources, ((pages, None) for pages in ranges)))
    return tally


def _without_removed_pages(landing: Landing, resources: Resources, tally: Tally) -> Tally:
    """What landed, less the gaps after its last page, where the source says twice that it has no more pages."""
    if not tally.gaps:
        return tally
    receipts = read_receipts(resources.store, landing.folder)
    reach = max((receipt.last for receipt in receipts if receipt.sent_records), default=0)
    if tally.gaps[-1].page < reach:
        return tally
    try:
        first_pages = [resources.client.first_page() for _ in range(2)]
    except SourceError:  # whoever cannot be asked has not lost a page
        return tally
    first = resources.source.pagination.first_page
    ends = [last_page(first, page.totals.pages) for page in first_pages]
    last = max(MAX_PAGE if end is None else end for end in ends)
    if not reach <= last < tally.gaps[-1].page:
        return tally
    logger.bind(last=last).info("the source has become shorter")
    gaps = tuple(gap for gap in tally.gaps if gap.page <= last)
    return replace(tally, gaps=gaps, end=last + 1, notice=notice_of(first_pages[-1]))


def _in_parallel(
    landing: Landing, resources: Resources, links: Iterable[Link], *, at_once: int | None = None
) -> Iterator[Tally]:
    """Land ranges in tasks, `parallel_parts` at a time; the first error stops the rest.

    Raises:
        RejectedRecordsError: parts hold too many together, though none of them does alone.
    """
    waiting = iter(links)
    running: list[PrefectFuture[Tally]] = []
    rejected_records, limit = 0, landing.run.options.max_rejected_records
    try:
        while True:
            for pages, token in islice(waiting, (at_once or landing.run.options.parallel_parts) - len(running)):
                running.append(land_range.submit(landing, pages, token))
            if not running:
                return
            future = next(as_completed(running))
            running.remove(future)
            tally = future.result()
            rejected_records += tally.rejected_records
            if rejected_records > limit:
                raise RejectedRecordsError(too_many(rejected_records, limit))
            yield tally
    except BaseException:
        resources.client.stop()
        wait(running)
        raise
