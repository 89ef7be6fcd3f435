"""The flow: land every record of a source in a store, whole, once, and with proof."""

from typing import Any

from prefect import flow
from prefect.runtime import deployment, flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from seawall.storage.manifest import Manifest
from seawall.tasks.conclude import completed, failed
from seawall.tasks.context import logs, prefect_api
from seawall.tasks.context.resources import release
from seawall.tasks.land import land
from seawall.tasks.options import MAX_PARALLEL_PARTS, IngestOptions
from seawall.tasks.parameters import Bucket, FormatName, Params, Prefix, RunId, SourceName, StorageSlug
from seawall.tasks.plan import make_plan
from seawall.tasks.preflight import authenticate, reach_bucket
from seawall.tasks.publish import publish
from seawall.tasks.report import report
from seawall.tasks.run import Run
from seawall.tasks.settle import settle

_runner: Any = ThreadPoolTaskRunner(max_workers=MAX_PARALLEL_PARTS)  # `land` submits `parallel_parts` at a time


@flow(name="ingest", flow_run_name="{source} to {storage}", task_runner=_runner)
def ingest(
    source: SourceName,
    storage: StorageSlug = "local",
    bucket: Bucket = None,
    prefix: Prefix = "",
    format: FormatName = "csv",
    params: Params = None,
    options: IngestOptions = IngestOptions(),  # noqa: B008  # a frozen value
    resume: RunId = None,
) -> Manifest:
    """Land every record of a source as one verified dataset.

    Args:
        source: Name of a saved API Source block.
        storage: local, or the slug of a block, such as s3-bucket/NAME or local-file-system/NAME.
        bucket: Bucket to use in place of the block's own; with local, the folder (default ./data).
        prefix: Folder in the bucket, such as raw/crm.
        format: How records are written.
        params: Extra query parameters of this run.
        options: Page range, parallelism and what may be missing.
        resume: Full id of the run to go on with.
    """
    logs.configure()
    run = Run(
        run_id=resume or str(flow_run.id),
        started=prefect_api.start_of_run(),
        resuming=resume is not None,
        deployment=deployment.name,
        source=source, storage=storage, bucket=bucket, prefix=prefix,
        format=format, params=params or {}, options=options,
    )  # fmt: skip
    landing = None
    try:
        settle(run)
        authenticate(run)
        reach_bucket(run)
        landing = make_plan(run)
        tally = land(landing)
        manifest = publish(landing, tally)
        report(run, is_news=manifest != landing.previous)
        return completed(landing, manifest)  # type: ignore[return-value]  # Prefect hands the state's data on
    except Exception as error:  # noqa: BLE001  # raised again, with the way to go on
        raise failed(run, error, landing)  # noqa: B904  # the same error, or one that says what caused it
    finally:
        release(run)
