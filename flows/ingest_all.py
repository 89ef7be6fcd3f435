"""The flow: land several sources, each in a run of its own, and sum up their verdicts."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from prefect import flow
from prefect.futures import PrefectFuture, as_completed, wait
from prefect.runtime import deployment, flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from seawall.flows.ingest import ingest
from seawall.tasks.conclude import explained
from seawall.tasks.context import logs, prefect_api
from seawall.tasks.context.resources import ACCOUNTS, stop_all
from seawall.tasks.context.step import step
from seawall.tasks.options import IngestOptions
from seawall.tasks.overview import Outcome, concluded, earlier_runs, outcome_of, resume_command, settle_all, to_resume
from seawall.tasks.parameters import (
    MAX_PARALLEL_SOURCES,
    Bucket,
    FormatName,
    ParallelSources,
    Params,
    Prefix,
    RunId,
    SourceNames,
    StorageSlug,
)
from seawall.tasks.run import Run

STOP_PATIENCE: Final = 1.0  # seconds until runs that are to end are stopped again, for one may just have begun

_runner: Any = ThreadPoolTaskRunner(max_workers=MAX_PARALLEL_SOURCES)  # `parallel_sources` are submitted at a time


@flow(name="ingest-all", flow_run_name="several to {storage}", task_runner=_runner)
def ingest_all(  # noqa: PLR0913, PLR0917  # those of ingest, and one
    sources: SourceNames,
    storage: StorageSlug = "local",
    bucket: Bucket = None,
    prefix: Prefix = "",
    format: FormatName = "csv",
    params: Params = None,
    options: IngestOptions = IngestOptions(),  # noqa: B008  # a frozen value
    parallel_sources: ParallelSources = 2,
    resume: RunId = None,
) -> list[Outcome]:
    """Land every record of several sources, each as one verified dataset; one that fails stops no other.

    Sources with the same credentials at the same API share one login and one pacing.

    Args:
        sources: Names of saved API Source blocks.
        storage: local, or the slug of a block, such as s3-bucket/NAME or local-file-system/NAME.
        bucket: Bucket to use in place of the block's own; with local, the folder (default ./data).
        prefix: Folder in the bucket, such as raw/crm.
        format: How records are written.
        params: Extra query parameters of this run.
        options: Page range, parallelism and what may be missing, of each source.
        parallel_sources: Sources that are landed at once.
        resume: Full id of the run of several sources to go on with.
    """
    logs.configure()
    run = Run(
        run_id=str(flow_run.id),
        deployment=deployment.name,
        source="", storage=storage, bucket=bucket, prefix=prefix,
        format=format, params=params or {}, options=options,
    )  # fmt: skip
    try:
        settle_all(run, sources)
        runs = [replace(run, source=source) for source in sources]
        by_source = {each.source: each for each in _landed(runs, earlier_runs(run, resume), at_once=parallel_sources)}
        outcomes = [by_source[source] for source in sources]
        return concluded(outcomes, resume_command(run, sources, parallel_sources))  # type: ignore[return-value]
    except Exception as error:  # noqa: BLE001  # raised again, with what kind it is
        raise explained(error)  # noqa: B904  # the same error, or one that says what caused it
    finally:
        prefect_api.end()


def _landed(runs: Sequence[Run], earlier: Mapping[str, str], *, at_once: int) -> Iterator[Outcome]:
    """Land sources in runs of their own, some at once; the outcome of each, as they end."""
    waiting = iter(runs)
    running: list[PrefectFuture[Outcome]] = []
    try:
        with ACCOUNTS.kept():  # so that a source which begins late finds the login of those that are landed
            while True:
                free = at_once - len(running)
                running += [_land.submit(run, earlier.get(run.source)) for run in islice(waiting, free)]
                if not running:
                    return
                future = next(as_completed(running))
                running.remove(future)
                yield future.result()
    except BaseException:
        while running:
            stop_all()
            running = list(wait(running, timeout=STOP_PATIENCE).not_done)
        raise


@step("ingest", "ingest {run.source}")
def _land(run: Run, earlier: str | None) -> Outcome:
    """Land one source in a run within this one; how it ends is its outcome, whatever that is."""
    begin = time.monotonic()
    state = ingest(
        source=run.source, storage=run.storage, bucket=run.bucket, prefix=run.prefix, format=run.format,
        params=run.params, options=run.options, resume=to_resume(run, earlier), return_state=True,
    )  # fmt: skip
    return outcome_of(run.source, state, time.monotonic() - begin)
