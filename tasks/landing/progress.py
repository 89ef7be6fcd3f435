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

from seawall.storage.receipts import read_receipts
from seawall.tasks.context.resources import Resources
from seawall.tasks.context.submission import is_in_flow
from seawall.tasks.run import Landing

ARTIFACT: Final = "landing-progress"
INTERVAL: Final = 2.0  # seconds between two calls of Prefect's API
PATIENCE: Final = 5.0  # seconds that the end of a run waits for the last of them


def line(pages: int, total: int | None, records: int, seconds: float, limit: str = "") -> str:
    """How far a walk is, its rate, and the time left if it goes on like this; None is a total that nobody knows.

    `limit` is what holds it back.
    """
    rate = records / seconds if seconds else 0.0
    held = f" ({limit})" if limit else ""
    if total is None:
        return f"{pages:,} pages, {rate:,.0f} records/s{held}"
    left = seconds / pages * (total - pages) if pages else 0.0
    text = f"{pages:,} of {total:,} pages, {rate:,.0f} records/s{held if pages < total else ''}"
    return f"{text}, about {left:,.0f} s left" if 0 < pages < total else text


@contextmanager
def progress(landing: Landing, resources: Resources) -> Iterator[None]:
    """Show the progress of a walk while the body goes on with it, if in a flow; what fails here changes nothing."""
    if not is_in_flow():
        yield
        return
    watch = _Watch(landing, resources)
    thread = threading.Thread(target=contextvars.copy_context().run, args=(watch.run,), daemon=True, name="progress")
    thread.start()
    try:
        yield
        watch.is_complete = True
    finally:
        watch.stop.set()
        thread.join(PATIENCE)


class _Watch:
    """Shows, every INTERVAL, how far a walk is beyond what was durable when it began."""

    def __init__(self, landing: Landing, resources: Resources) -> None:
        self.stop = threading.Event()
        self.is_complete = False
        self._landing = landing
        self._resources = resources
        self._safe_pages, self._safe_records = self._durable()
        self._start = time.monotonic()
        self._artifact: UUID | None = None

    def run(self) -> None:
        """Show it until told to stop, and once more then."""
        self._show()
        while not self.stop.wait(INTERVAL):
            self._show()
        self._show()

    def _show(self) -> None:
        total = self._landing.plan.pages
        pages, records = self._new()
        left = None if total is None else total - self._safe_pages
        percent = min(100.0, 100.0 * (self._safe_pages + pages) / total) if total else 100.0 * self.is_complete
        text = line(pages, left, records, time.monotonic() - self._start, self._resources.client.limit)
        try:
            self._artifact = self._artifact or _artifact_before_a_retry()
            if self._artifact is None:
                artifact_id: Any = create_progress_artifact(progress=percent, key=ARTIFACT, description=text)
                self._artifact = UUID(str(artifact_id))
            else:
                update_progress_artifact(artifact_id=self._artifact, progress=percent, description=text)
        except Exception as error:  # noqa: BLE001  # Prefect's API may be away; the next turn tries again
            logger.bind(error=type(error).__name__).debug("progress could not be shown")

    def _new(self) -> tuple[int, int]:
        """Pages and records of this walk."""
        statistics = self._resources.client.statistics
        if statistics.pages or not self.is_complete:
            return statistics.pages, statistics.records
        pages, records = self._durable()  # a task runner had the parts landed by other processes
        return pages - self._safe_pages, records - self._safe_records

    def _durable(self) -> tuple[int, int]:
        """How many pages and records receipts cover."""
        receipts = read_receipts(self._resources.store, self._landing.folder)
        return sum(len(receipt.pages) for receipt in receipts), sum(receipt.records for receipt in receipts)


def _artifact_before_a_retry() -> UUID | None:
    """The artifact of this run from before it was retried."""
    of_the_run = ArtifactFilter(
        key=ArtifactFilterKey(any_=[ARTIFACT]), flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(str(flow_run.id))])
    )
    with get_client(sync_client=True) as client:
        return next((each.id for each in client.read_artifacts(artifact_filter=of_the_run)), None)
