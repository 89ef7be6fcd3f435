"""Progress: one artifact a run, so that its page in the UI shows how far it is."""

import contextvars
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from loguru import logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.runtime import flow_run

from seawall.storage import receipts
from seawall.tasks.context.resources import resources
from seawall.tasks.run import Landing

ARTIFACT: Final = "landing-progress"
INTERVAL: Final = 2.0  # seconds between two calls of Prefect's API
PATIENCE: Final = 5.0  # seconds that the end of a run waits for the last of them


def told(done: int, total: int | None, records: int, seconds: float) -> str:
    """How far a walk is, its rate, and the time left if it goes on like this; None is a total that nobody knows."""
    rate = records / seconds if seconds else 0.0
    if total is None:
        return f"{done:,} pages, {rate:,.0f} records/s"
    left = seconds / done * (total - done) if done else 0.0
    text = f"{done:,} of {total:,} pages, {rate:,.0f} records/s"
    return f"{text}, about {left:,.0f} s left" if 0 < done < total else text


def _shown_before() -> UUID | None:
    """The artifact of this run from before it was retried."""
    of_the_run = ArtifactFilter(
        key=ArtifactFilterKey(any_=[ARTIFACT]), flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(str(flow_run.id))])
    )
    with get_client(sync_client=True) as client:
        return next((each.id for each in client.read_artifacts(artifact_filter=of_the_run)), None)


def _durable(landing: Landing) -> tuple[int, int]:
    """How many pages and records receipts cover."""
    written = list(receipts.read_all(resources(landing.run).store, landing.folder))
    return sum(len(receipt.pages) for receipt in written), sum(receipt.records for receipt in written)


@contextmanager
def progress(landing: Landing) -> Iterator[None]:
    """Show the progress of a walk while the body goes on with it; what fails here changes nothing."""
    opened = resources(landing.run)
    statistics, total = opened.client.statistics, landing.plan.pages
    safe, held = _durable(landing)
    began, stop, walked = time.monotonic(), threading.Event(), threading.Event()

    def show(artifact: UUID | None) -> UUID | None:
        pages, records = statistics.pages, statistics.records
        if not pages and walked.is_set():  # a task runner had the parts landed by other processes
            pages, records = (now - before for now, before in zip(_durable(landing), (safe, held), strict=True))
        left = None if total is None else total - safe
        text = told(pages, left, records, time.monotonic() - began)
        percent = min(100.0, 100.0 * (safe + pages) / total) if total else 100.0 * walked.is_set()
        try:
            artifact = artifact or _shown_before()
            if artifact is None:
                created: Any = create_progress_artifact(progress=percent, key=ARTIFACT, description=text)
                return UUID(str(created))
            update_progress_artifact(artifact_id=artifact, progress=percent, description=text)
        except Exception as error:  # noqa: BLE001  # Prefect's API may be away; the next turn tries again
            logger.bind(error=type(error).__name__).debug("progress could not be shown")
        return artifact

    def watch() -> None:
        artifact = show(None)
        while not stop.wait(INTERVAL):
            artifact = show(artifact)
        show(artifact)

    watcher = threading.Thread(target=contextvars.copy_context().run, args=(watch,), daemon=True, name="progress")
    watcher.start()
    try:
        yield
        walked.set()
    finally:
        stop.set()
        watcher.join(PATIENCE)
