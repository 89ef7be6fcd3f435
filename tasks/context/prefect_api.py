"""Prefect's API: whether it answers, and how a process ends that cannot reach it any more."""

import contextvars
import os
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from loguru import logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext, SettingsContext, get_settings_context

REPORT_PATIENCE: Final = 30.0  # seconds that the report waits for an API that is away
END_PATIENCE: Final = 60.0  # seconds that a process lives on after its run, while the API stays away
POLL: Final = 2.0  # seconds
RUNS: Final = 200  # that Prefect's API gives at once

_watched = threading.Event()  # cleared while a process waits for the end of its run to be told


def start_of_run() -> datetime:
    """When the flow run began for the first time, as Prefect keeps it: the same for all of its attempts."""
    context = FlowRunContext.get()
    start = context.flow_run.start_time if context and context.flow_run else None
    return start.astimezone(UTC) if start else datetime.now(UTC)


def runs_inside(run_id: str) -> list[FlowRun]:
    """The runs that were parts of another one, the latest first."""
    inside = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[UUID(run_id)]))
    runs: list[FlowRun] = []
    with get_client(sync_client=True) as client:
        while page := client.read_flow_runs(
            flow_run_filter=inside, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=RUNS, offset=len(runs)
        ):
            runs += page
    return runs


def answers() -> bool:
    """Whether Prefect's API answers now; asked once, and for at most POLL seconds."""
    with hasty(POLL):
        try:
            with get_client(sync_client=True) as client:
                return client.api_healthcheck() is None
        except Exception:  # noqa: BLE001  # whatever keeps a client from being made
            return False


def hasty(seconds: float) -> SettingsContext:
    """Prefect's settings, but for a client that asks once, for at most some seconds; entered by `with`.

    It does what `temporary_settings` takes a tenth of a second for.
    """
    context = get_settings_context()
    settings = context.settings
    client, api = settings.client, settings.api
    hasty = {
        "client": client.model_copy(update={"max_retries": 0}),
        "api": api.model_copy(update={"request_timeout": seconds}),
    }
    return context.model_copy(update={"settings": settings.model_copy(update=hasty)})


def answers_within(seconds: float) -> bool:
    """Whether Prefect's API answers within some seconds, asked again and again."""
    deadline = time.monotonic() + seconds
    while not (answering := answers()) and time.monotonic() < deadline:
        time.sleep(POLL)
    return answering


def begin() -> None:
    """A run begins, or begins anew: nothing waits for the end of one any more."""
    _watched.set()


def end() -> None:
    """See to it that this process ends, now that its run is over, though Prefect's API stays away.

    Prefect waits a minute and more for each state, and seconds for each event that it could not send, hundreds of
    them after a long run. The data is committed or resumable by now. A process that Prefect made for one run
    ends after END_PATIENCE without an answer, any other one only when its own program is over, too. A run within
    another leaves that to the outer one, which goes on.
    """
    if not _is_inside_another() and not answers():
        _watched.clear()
        watch = contextvars.copy_context().run
        threading.Thread(target=watch, args=(_watch,), daemon=True, name="end-of-run").start()


def _is_inside_another() -> bool:
    """Whether the run is a part of another one."""
    context = FlowRunContext.get()
    return bool(context and context.flow_run and context.flow_run.parent_task_run_id)


def _is_made_for_one_run() -> bool:
    """Whether Prefect made this process for the run."""
    return "PREFECT__FLOW_RUN_ID" in os.environ


def _program_is_over() -> bool:
    """Whether only Prefect's drain of events keeps this process from ending; no public name of Python says so."""
    return bool(threading._SHUTTING_DOWN)  # type: ignore[attr-defined]  # noqa: SLF001


def _watch() -> None:
    began = time.monotonic()
    while not _watched.wait(POLL) and not answers():
        if (_is_made_for_one_run() or _program_is_over()) and time.monotonic() - began > END_PATIENCE:
            logger.error("Prefect's API stays away, so it cannot be told how the run ended; this process ends now")
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
