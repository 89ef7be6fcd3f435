"""Settle what a run is asked to do, and refuse what makes no sense before anything is asked for."""

import re

from loguru import logger

from seawall.clients.pagination.kinds import Chained
from seawall.clients.source import ApiSource
from seawall.formats import registry
from seawall.storage import keys
from seawall.tasks.context import blocks, prefect_api
from seawall.tasks.errors import SettingsError
from seawall.tasks.parameters import RUN_ID
from seawall.tasks.run import Run


def settle(run: Run) -> None:
    """See that everything a run names exists and makes sense; it sends nothing but questions to Prefect's API.

    Raises:
        SettingsError: an unknown block, a relative folder in a deployment, upload options of a folder, a run id that
            is none.
        FormatError: an unknown format, or an option that the format does not take.
        UnsafeKeyError: a prefix that makes unsafe keys.
    """
    prefect_api.begin()
    if not re.fullmatch(RUN_ID, run.run_id):
        raise SettingsError(
            f"resume={run.run_id!r} is not a full run id; a run's page in the UI shows it, 36 characters"
        )
    source = blocks.load_source(run.source)
    settle_place(run)
    refuse_pages_that_are_not_there(run, source)
    if open_urls := source.open_urls():
        logger.bind(urls=", ".join(open_urls)).warning("secrets are sent over http://, as allow_http permits")
    logger.bind(source=run.source, storage=run.storage, format=run.format, run_id=run.run_id).info("settled")


def refuse_pages_that_are_not_there(run: Run, source: ApiSource) -> None:
    """Raise SettingsError where a run asks for pages before the first one, or for some that only others lead to."""
    wanted, first = run.options.page_range, source.pagination.first_page
    if wanted is not None and wanted.first < first:
        raise SettingsError(f"pages {run.options.pages!r} begin before page {first}, the first of {run.source!r}")
    if wanted is not None and wanted.first > first and isinstance(source.pagination, Chained):
        raise SettingsError(
            f"pages {run.options.pages!r}: {run.source!r} is walked by {source.pagination.kind}, page after page; "
            f"begin with page {first}"
        )


def settle_place(run: Run) -> None:
    """See that what a run says of format, storage and prefix makes sense; raises as `settle` does."""
    registry.build(run.format, run.format_settings)
    keys.checked_prefix(run.prefix)
    target = blocks.load_target(run.storage, run.bucket, run.options.upload)
    keys.checked_prefix(keys.joined(target.root_folder, run.prefix))
    if run.deployment is not None and (refusal := target.deployment_refusal) is not None:
        raise SettingsError(refusal)
