"""Other task runners: only small values cross to a task, so parts can be landed by other processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.task_runners import ProcessPoolTaskRunner

from seawall.clients.source import ApiSource
from seawall.dev.truth import differences
from seawall.dev.unstable_api import Server
from seawall.flows.ingest import ingest
from seawall.tests.artifacts import newest
from seawall.tests.shelf import Shelf
from seawall.tests.wireserver import Answer, Request, Route, WireServer, whole

pytestmark = [pytest.mark.runs, pytest.mark.usefixtures("prefect_api")]

PROCESSES = 2
runner: Any = ProcessPoolTaskRunner(max_workers=PROCESSES)  # to mypy no TaskRunner, whose futures are of any kind
by_processes: Any = ingest.with_options(task_runner=runner)


def test_parts_are_landed_by_processes_which_log_in_once_each(
    serve: Callable[..., Server], save_source: Callable[..., str]
) -> None:
    server = serve(total=12_000, seed=4, http_500=0.1)
    source = save_source(server, page_size=100, max_attempts=12)
    state = by_processes(source=source, options={"pages_per_part": 15}, return_state=True)
    manifest = state.result()
    assert (manifest.verdict, manifest.records, len(manifest.parts)) == ("complete", 12_000, 8)
    assert differences([Path("data", part.key) for part in manifest.parts], server.api.customers.records()) == []
    assert 2 <= server.api.stats()["logins"] <= 1 + PROCESSES
    progress = newest("landing-progress")
    assert (progress.flow_run_id, float(str(progress.data))) == (state.state_details.flow_run_id, 100.0)
    assert str(progress.description).startswith("120 of 120 pages, ")


def test_an_error_in_another_process_keeps_its_type_and_the_way_to_go_on(
    served: Callable[[Route], WireServer],
) -> None:
    shelf, broken = Shelf("cursor", 40), True

    def route(request: Request) -> Answer:
        return whole(b"", 403) if broken and request.query.get("cursor") == "c10" else shelf.route(request)

    url = f"{served(route).url}/items"
    ApiSource(name="items", url=url, page_size=5, pagination=shelf.pagination).save("items", overwrite=True)
    state = by_processes(source="items", options={"pages_per_part": 2}, return_state=True)
    assert "RequestRefusedError: " in str(state.message)
    assert "answers 403 for page 3" in str(state.message)
    assert f"resume='{state.state_details.flow_run_id}'" in str(state.message)
    broken = False
    again = by_processes(source="items", options={"pages_per_part": 2}, resume=str(state.state_details.flow_run_id))
    assert (again.verdict, again.records) == ("complete", 40)
