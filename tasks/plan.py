"""Plan: read the first page, cut the walk into parts, write `_plan.json`; or read it, when resuming."""

from loguru import logger

from seawall.clients.errors import PageRangeError
from seawall.clients.pages.page import Page
from seawall.clients.pagination.extent import last_page
from seawall.storage import keys
from seawall.storage.datasets import landing_above
from seawall.storage.errors import ObjectExistsError
from seawall.storage.manifest import find_manifest
from seawall.storage.plan import Plan, check_same, locate_plan, read_plan, write_plan
from seawall.storage.ranges import PageRange
from seawall.tasks.context.resources import Resources, release, resources_of
from seawall.tasks.context.step import step
from seawall.tasks.errors import SettingsError
from seawall.tasks.landing.walk import notice_of
from seawall.tasks.run import Landing, Run


@step("plan", "plan {run.source}")
def make_plan(run: Run) -> Landing:
    """The landing of a run: its folder and its plan, which is written or, where the run has one, read.

    Raises:
        CorruptObjectError: it was planned for another source, format or shape.
        SettingsError: there is no such run to resume, or no record of the first page has the record key.
        SourceError: the first page cannot be had, or the pages asked for do not exist.
    """
    resources = resources_of(run)
    folder_and_plan = locate_plan(resources.store, resources.parent, run.run_id)
    if folder_and_plan is not None:
        return _resume(run, resources, *folder_and_plan)
    if run.resuming:
        where = resources.store.uri(resources.parent)
        raise SettingsError(
            f"resume={run.run_id!r}: no such run in {where}; are source, storage, bucket and prefix its own?"
        )
    return _begin(run, resources)


def is_begun(run: Run) -> bool:
    """Whether the plan of a run stands in its bucket, so that it can be resumed."""
    try:
        resources = resources_of(run)
        return locate_plan(resources.store, resources.parent, run.run_id) is not None
    finally:
        release(run)


def _begin(run: Run, resources: Resources) -> Landing:
    _refuse_inside_landing(run, resources)
    page_range, source = run.options.page_range, resources.source
    first = page_range.first if page_range else source.pagination.first_page
    page = resources.client.first_page(first, keep=True)
    if (key := resources.record_key) and page.records and not page.identity.keys:
        field = "options.record_key" if run.options.record_key else "record_key of the source"
        raise SettingsError(f"{field} {key!r}: none of the {len(page.records):,} records of page {first} has it")
    ranges = _ranges(run, resources, page)
    folder = keys.joined(resources.parent, keys.run_name(run.started, run.run_id))
    plan = Plan(
        run_id=run.run_id,
        source=source.name,
        fingerprint=_fingerprint(run, resources),
        format=run.format,
        options=run.options.model_dump(mode="json"),
        totals=notice_of(page).totals,
        ranges=ranges,
        started=run.started.isoformat(timespec="seconds"),
    )
    try:
        write_plan(resources.store, folder, plan)
    except ObjectExistsError:  # another attempt of this run was first
        return _resume(run, resources, folder, read_plan(resources.store, folder, run.run_id))
    logger.bind(pages=plan.totals.pages, parts=len(ranges), folder=folder).info("planned")
    return Landing(run=run, folder=folder, plan=plan)


def _refuse_inside_landing(run: Run, resources: Resources) -> None:
    """Raise SettingsError where the landings of this dataset would lie in one: its readers and its sweep would meet."""
    if (landing := landing_above(resources.store, resources.parent)) is not None:
        raise SettingsError(
            f"prefix {run.prefix!r}: {resources.store.uri(landing)} is the landing folder of another run; "
            "choose a prefix outside of it"
        )


def _ranges(run: Run, resources: Resources, page: Page) -> tuple[PageRange, ...]:
    """The pages to land, cut into parts; an empty source is one part of one empty page."""
    first, cap, options = resources.source.pagination.first_page, resources.source.max_pages, run.options
    last = last_page(first, page.totals.pages)
    if last is None:
        last = first + _likely_pages(page, options.pages_per_part) - 1
    if last - first >= cap:
        raise PageRangeError(
            f"the source advertises {last - first + 1:,} pages, its cap is max_pages={cap:,}; ask for larger pages, "
            "or raise the cap"
        )
    if options.page_range is None:
        return tuple(PageRange(page.number, max(page.number, last)).split(options.pages_per_part))
    if page.number > last:
        raise PageRangeError(f"pages {options.pages!r} lie beyond the source's last page, {last}")
    return tuple(PageRange(page.number, min(last, options.page_range.last)).split(options.pages_per_part))


def _likely_pages(page: Page, otherwise: int) -> int:
    """How many pages there may be where no total tells: by the number of records, or `otherwise`."""
    if page.totals.records is None or not page.sent_records:
        return otherwise
    return -(-page.totals.records // page.sent_records)


def _resume(run: Run, resources: Resources, folder: str, plan: Plan) -> Landing:
    manifest = find_manifest(resources.store, folder)
    previous = manifest if run.resuming else None
    if previous is not None and not previous.is_fillable:
        logger.bind(verdict=previous.verdict, manifest=previous.location).info("published already, nothing to do")
        return Landing(run=run, folder=folder, plan=plan, previous=previous)
    check_same(
        plan,
        where=resources.store.uri(folder),
        fingerprint=_fingerprint(run, resources),
        format=run.format,
        options=run.options.model_dump(mode="json"),
    )
    logger.bind(folder=folder).info("filling" if previous else "resuming")
    return Landing(run=run, folder=folder, plan=plan, previous=previous)


def _fingerprint(run: Run, resources: Resources) -> str:
    page_size = run.options.page_size or resources.source.page_size
    return resources.source.fingerprint(page_size=page_size, params=run.params, salt=run.run_id)
