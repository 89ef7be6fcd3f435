"""Attempts of one flow run: presumed dead and made again, or begun twice at once, they agree on one dataset."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun
from prefect.flow_engine import run_flow

from seawall.clients.source import ApiSource
from seawall.flows.ingest import ingest
from seawall.storage.manifest import Manifest
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json

pytestmark = pytest.mark.usefixtures("prefect_api", "short_backoffs")

PATIENCE = 30
PAGES = {1: [{"id": 1}, {"id": 2}], 2: [{"id": 3}]}


class Site:
    """A source whose answer to the first request of all comes late."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def route(self, request: Request) -> Answer:
        if not self.asked.is_set():
            self.asked.set()
            assert self.go_on.wait(PATIENCE)
        records = PAGES.get(int(request.query["page"]), [])
        return as_json({"metadata": {"total_pages": 2, "total_records": 3}, "data": records})


def new_run() -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.create_flow_run(ingest)


def attempt(run: FlowRun, folder: Path) -> State[Manifest]:
    """One attempt at a flow run, as a worker makes it, with what the API says of the run by now."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(run.id)
    parameters = {"source": "items", "storage": "local", "bucket": str(folder)}
    return run_flow(ingest, flow_run=run, parameters=parameters, return_type="state")  # type: ignore[arg-type,return-value]


def test_two_attempts_at_once_of_one_flow_run_publish_one_dataset_in_one_folder(
    served: Callable[[Route], WireServer], tmp_path: Path
) -> None:
    site, run = Site(), new_run()
    server = served(site.route)
    ApiSource(name="items", url=f"{server.url}/items", page_size=2).save("items", overwrite=True)
    with ThreadPoolExecutor(1) as worker:
        presumed_dead = worker.submit(attempt, run, tmp_path)
        assert site.asked.wait(PATIENCE)
        threading.Event().wait(1.1)  # names of folders hold seconds
        again = attempt(run, tmp_path)
        site.go_on.set()
        states = (presumed_dead.result(), again)
    assert [state.type.value for state in states] == ["COMPLETED", "COMPLETED"]
    (manifest,) = {state.result().location for state in states}
    assert [path.name for path in tmp_path.glob("items/*")] == [Path(manifest).parent.name]
    assert (states[0].result().records, states[0].result().verdict) == (3, "complete")
