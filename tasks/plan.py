"""Plan: read the first page, cut the walk into parts, write `_plan.json`; or read it, when resuming."""

from loguru import logger
from prefect import task

from seawall.clients.errors import PageRangeError
from seawall.clients.pages.page import Page
from seawall.storage import keys, manifest, plan
from seawall.storage.documents import Totals
from seawall.storage.plan import Plan
from seawall.storage.ranges import PageRange
from seawall.tasks.context.logs import guarded
from seawall.tasks.context.resources import Resources, resources
from seawall.tasks.errors import PublishedError, SettingsError
from seawall.tasks.landing.record_keys import digests
from seawall.tasks.preflight import ONCE
from seawall.tasks.publishing.sweep import sweep
from seawall.tasks.run import Landing, Run


@task(name="plan", task_run_name="plan {run.source}", **ONCE)
@guarded
def make_plan(run: Run) -> Landing:
    """The landing of a run: its folder and its plan, which is written or, where the run has one, read.

    Raises:
        PublishedError: the run to resume is complete.
        CorruptObjectError: it was planned for another source, format or shape.
        SettingsError: there is no such run to resume, or no record of the first page has the record key.
        SourceError: the first page cannot be had, or the pages asked for do not exist.
    """
    found = plan.locate(resources(run).store, resources(run).parent, run.run_id)
    if found is not None:
        return _resumed(run, *found)
    if run.resuming:
        where = resources(run).store.uri(resources(run).parent)
        raise SettingsError(
            f"resume={run.run_id!r}: no such run in {where}; are source, storage, bucket and prefix its own?"
        )
    return _begun(run)


def _begun(run: Run) -> Landing:
    opened = resources(run)
    wanted = run.options.page_range
    first = wanted.first if wanted else opened.source.pagination.first_page
    page = opened.client.first_page(first)
    if (key := run.options.record_key) and page.records and not digests(page.records, key):
        raise SettingsError(
            f"options.record_key {key!r}: none of the {len(page.records):,} records of page {first} has it"
        )
    ranges = _ranges(opened, run, page)
    folder = keys.joined(opened.parent, keys.run_name(run.started, run.run_id))
    made = Plan(
        run_id=run.run_id,
        source=opened.source.name,
        fingerprint=_fingerprint(opened, run),
        format=run.format,
        options=run.options.model_dump(mode="json"),
        totals=Totals(pages=opened.client.totals.pages, records=opened.client.totals.records),
        ranges=ranges,
        started=run.started.isoformat(timespec="seconds"),
    )
    plan.write(opened.store, folder, made)
    logger.bind(pages=made.totals.pages, parts=len(ranges), folder=folder).info("planned")
    return Landing(run=run, folder=folder, plan=made)


def _ranges(opened: Resources, run: Run, page: Page) -> tuple[PageRange, ...]:
    """The pages to land, cut into parts; an empty source is one part of one empty page."""
    last, cap = opened.source.pagination.last(page.totals), opened.source.max_pages
    asked, first = run.options.page_range, opened.source.pagination.first_page
    if last is None:
        last = first + _guessed(page, run.options.pages_per_part) - 1
    if last - first >= cap:
        raise PageRangeError(
            f"the source advertises {last - first + 1:,} pages, its cap is max_pages={cap:,}; ask for larger pages, "
            "or raise the cap"
        )
    if asked and page.number > last:
        raise PageRangeError(f"pages {run.options.pages!r} lie beyond the source's last page, {last}")
    whole = PageRange(page.number, max(page.number, min(last, asked.last if asked else last)))
    return tuple(whole.split(run.options.pages_per_part))


def _guessed(page: Page, otherwise: int) -> int:
    """How many pages there may be where no total tells: by the number of records, or `otherwise`."""
    if page.totals.records is None or not page.sent:
        return otherwise
    return -(-page.totals.records // page.sent)


def _resumed(run: Run, folder: str, found: Plan) -> Landing:
    opened = resources(run)
    published = manifest.find(opened.store, folder)
    if published is not None and run.resuming:
        sweep(opened.store, folder, published)
        raise PublishedError(f"run {run.run_id} is published already, there is nothing to resume: {published.location}")
    plan.check_same(
        found,
        where=opened.store.uri(folder),
        fingerprint=_fingerprint(opened, run),
        format=run.format,
        options=run.options.model_dump(mode="json"),
    )
    logger.bind(folder=folder).info("resuming")
    return Landing(run=run, folder=folder, plan=found)


def _fingerprint(opened: Resources, run: Run) -> str:
    page_size = run.options.page_size or opened.source.page_size
    return opened.source.fingerprint(page_size=page_size, params=run.params, salt=run.run_id)
