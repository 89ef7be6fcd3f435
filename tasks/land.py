"""Land: fetch the pages that no receipt covers, in tasks, a few ranges at a time."""

from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

from loguru import logger

from seawall.clients.errors import SourceError
from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.pagination.extent import last_page
from seawall.clients.pagination.kinds import Chained
from seawall.formats.writer import OneSchema
from seawall.storage.disk import staging_folder
from seawall.storage.keys import MAX_PAGE
from seawall.storage.manifest import FailedPage, find_manifest
from seawall.storage.parallel import stopping_at_signals
from seawall.storage.ranges import PageRange
from seawall.storage.receipts import find_receipt, read_receipts
from seawall.tasks.context.resources import Resources, resources_of
from seawall.tasks.context.step import step
from seawall.tasks.context.submission import Future, next_done, submit, wait
from seawall.tasks.errors import RejectedRecordsError, StalledError
from seawall.tasks.landing.confirm import confirmed
from seawall.tasks.landing.progress import progress
from seawall.tasks.landing.rejected import too_many, within_limit
from seawall.tasks.landing.staged import StagedPart, staged_parts
from seawall.tasks.landing.tally import Tally
from seawall.tasks.landing.upload import differing_pages, may_supersede, upload_part
from seawall.tasks.landing.walk import Link, informed, last_begun, links, links_again, notice_of, reach_of, uncovered
from seawall.tasks.landing.width import refuse_too_many_columns
from seawall.tasks.run import Landing


def land(landing: Landing) -> Tally:
    """Land every range that no receipt covers, then pages that appeared since; gaps once more; then see if that is all.

    A chained walk is landed part after part; there a page that fails for good ends the run, which can be resumed.
    """
    resources = resources_of(landing.run)
    newest = find_manifest(resources.store, landing.folder)
    if newest is not None and (landing.previous is None or not landing.previous.is_fillable):
        return Tally()  # what is missing stays so
    with progress(landing, resources):
        return confirmed(_Walker(landing, resources))


@dataclass(frozen=True, slots=True)
class _Walker:
    """The walks of a landing: over what no receipt covers, and over what is landed already."""

    landing: Landing
    resources: Resources

    def land_rest(self, tally: Tally) -> Tally:
        """Land what no receipt covers."""
        landing, resources = self.landing, self.resources
        receipts = read_receipts(resources.store, landing.folder)
        landing = informed(landing, receipts)
        if isinstance(resources.source.pagination, Chained):
            return tally.and_then(*_landed(landing, resources, links(landing, resources), at_once=1))
        tally = _without_removed_pages(landing, resources, _land_uncovered(landing, resources, tally))
        if not tally.gaps:
            return tally
        return _land_uncovered(landing, resources, _gaps_tried_again(landing, resources, tally))

    def land_again(self, firsts: Iterable[int], *, only_longer: bool) -> Tally:
        """Land the parts that begin with these pages anew, where they come differently; what that came to."""
        landing, resources = self.landing, self.resources
        receipts = read_receipts(resources.store, landing.folder)
        landing = informed(landing, receipts)
        at_once = 1 if isinstance(resources.source.pagination, Chained) else None
        again = links_again(receipts, firsts, only_longer=only_longer)
        return Tally().and_then(*_landed(landing, resources, again, at_once=at_once))


@step("land", "land {landing.run.source} pages {link.pages}")
def land_range(landing: Landing, link: Link) -> Tally:
    """Land one range: a part for each run of pages without a gap; or land it anew, where it comes differently.

    Raises:
        SourceError: the source cannot be walked any further.
        RejectedRecordsError: too many records are rejected.
        StorageError: a part could not be staged or stored.
    """
    resources, options = resources_of(landing.run), landing.run.options
    tally = Tally()
    with (
        staging_folder() as staging,
        closing(_outcomes(landing, resources, link)) as outcomes,
    ):
        outcomes_within_limit = within_limit(outcomes, options.max_rejected_records)
        for outcome in staged_parts(outcomes_within_limit, resources.format, staging, resources.record_key):
            match outcome:
                case StagedPart() if link.supersedes is not None:
                    differing = differing_pages(link.supersedes, outcome)
                    if differing and may_supersede(link.supersedes, outcome, only_longer=link.only_longer):
                        receipt = upload_part(outcome, landing, resources, generation=link.supersedes.generation + 1)
                        tally = tally.and_then(Tally(landed=((receipt.first, receipt.generation),)))
                    tally = tally.and_then(Tally(differing_pages=differing))
                case StagedPart():
                    receipt = upload_part(outcome, landing, resources)
                    landed = Tally(landed=((receipt.first, receipt.generation),))
                    tally = tally.and_then(landed, _counted(outcome, resources))
                case Gap():
                    gap = FailedPage(page=outcome.number, error=outcome.error)
                    tally = tally.and_then(Tally(gaps=(gap,), retries=Counter(outcome.retries)))
                case End():
                    asked_again = outcome.askings > 1
                    end = Tally(end=outcome.number, notice=notice_of(outcome), asked_again=asked_again)
                    return tally.and_then(end)
                case SourceError() | RejectedRecordsError():  # what came before it is safe by now
                    raise outcome
    return tally


def _counted(part: StagedPart, resources: Resources) -> Tally:
    """What of a part counts together with others."""
    names = (column.name for column in part.columns) if isinstance(resources.format, OneSchema) else ()
    return Tally(rejected_records=part.rejected.records, columns=frozenset(names))


def _outcomes(landing: Landing, resources: Resources, link: Link) -> Generator[Page | Gap | End, None, None]:
    """What becomes of each page of a range, in order."""
    client, pages, totals = resources.client, link.pages, landing.totals
    client.expect(pages=totals.pages, records=totals.records, reach=landing.reach, longest=landing.longest)
    if isinstance(resources.source.pagination, Chained):
        return client.follow(pages.first, pages.last, link.token, records_before=link.records_before)
    return client.pages(pages.first, pages.last, sharing=landing.run.options.parallel_parts)


def _land_uncovered(landing: Landing, resources: Resources, tally: Tally) -> Tally:
    """Land what no receipt covers, round after round, each with what the one before has learnt.

    Raises:
        StalledError: a round came to nothing, so that the next one would be the same.
    """
    before = None
    while True:
        receipts = read_receipts(resources.store, landing.folder)
        landing = informed(landing, receipts)
        ranges = uncovered(landing, resources, receipts, tally)
        if not ranges:
            return tally
        if before == (landing, ranges):
            where = resources.store.uri(landing.folder)
            raise StalledError(f"pages {ranges[0]} were landed, and {where} has neither a receipt of them nor a gap")
        before = landing, ranges
        last = MAX_PAGE
        for part in _landed(landing, resources, (Link(pages=pages) for pages in ranges if pages.first <= last)):
            tally = tally.and_then(part)
            last = min(last, MAX_PAGE if part.end is None else last_begun(landing, part.end))


def _landed(
    landing: Landing, resources: Resources, links: Iterable[Link], *, at_once: int | None = None
) -> Iterator[Tally]:
    """Land ranges, and read their receipts by name: where another process wrote them, lists may show them late."""
    for tally in _in_parallel(landing, resources, links, at_once=at_once):
        for first, generation in tally.landed:
            find_receipt(resources.store, landing.folder, first, generation)
        yield replace(tally, landed=())


def _gaps_tried_again(landing: Landing, resources: Resources, tally: Tally) -> Tally:
    """What came of trying failed pages once more, until more have failed twice than a run may be published without."""
    untried, again = deque(tally.gaps), replace(tally, gaps=())
    logger.bind(pages=", ".join(str(gap.page) for gap in untried)).info("trying failed pages once more")

    def links_to_gaps() -> Iterator[Link]:
        while untried and len(again.gaps) <= landing.run.options.max_failed_pages:
            page = untried.popleft().page
            yield Link(pages=PageRange(page, page))

    for outcome in _landed(landing, resources, links_to_gaps()):
        again = again.and_then(outcome)
    return again.and_then(Tally(gaps=tuple(untried)))


def _without_removed_pages(landing: Landing, resources: Resources, tally: Tally) -> Tally:
    """What landed, less the gaps after its last page, where the source says twice that it has no more pages."""
    if not tally.gaps:
        return tally
    receipts = read_receipts(resources.store, landing.folder)
    reach = reach_of(receipts)
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
        IngestError: they have too many columns together.
    """
    waiting = iter(links)
    running: list[Future[Tally]] = []
    total, options = Tally(), landing.run.options
    try:
        with stopping_at_signals(resources.store):
            while True:
                free = (at_once or landing.run.options.parallel_parts) - len(running)
                running += [submit(land_range, landing, link) for link in islice(waiting, free)]
                if not running:
                    return
                future = next_done(running)
                running.remove(future)
                tally = future.result()
                total = total.and_then(tally)
                if total.rejected_records > options.max_rejected_records:
                    raise RejectedRecordsError(too_many(total.rejected_records, options.max_rejected_records))
                refuse_too_many_columns(total.columns, options)
                yield tally
    except BaseException:
        resources.client.stop()
        wait(running)
        raise
