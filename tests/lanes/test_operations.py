"""Operating it: a real server, a real worker, command lines, and everything that dies on the way."""

import json
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.webhook import Webhook
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Crashed

from seawall.dev.process import ROOT, Process, wait_for
from seawall.tests.figures import Figures
from seawall.tests.house import PAGES, PARTS, RETRY, House

pytestmark = pytest.mark.runs


def test_with_the_api_away_for_good_the_data_is_committed_and_the_process_ends(
    house: House, tmp_path: Path, record_property: Figures
) -> None:
    house.fresh_api(latency=0.3)
    bucket = house.bucket("away-for-good")
    with house.worker() as worker:
        run = house.run(bucket)
        wait_for(lambda: house.asked() > 20, worker, "the first pages")
        flow = house.process_of(run)
        house.server.kill()
        gone = time.monotonic()
        try:
            wait_for(lambda: bool(house.keys(bucket, "/_report.md")), worker, "the report")
            safe = time.monotonic() - gone
            wait_for(lambda: not Path(f"/proc/{flow}").exists(), worker, "the end of the flow's process", 180)
            ended = time.monotonic() - gone
        finally:
            house.server.start()
        record_property(
            "away for good", f"manifest and report after {safe:.1f} s, the process's end after {ended:.1f} s"
        )
    house.check_landed(bucket, tmp_path)
    with house.worker() as other:  # the API is back after all: the run is there, and a retry finds it published
        house.set_state(run, Crashed(message="The API was away"))
        house.set_state(run, RETRY)
        house.wait_for_state(run, other, "Completed")
    assert len(house.keys(bucket, "/_manifest.json")) == 1


def test_a_run_is_deployed_watched_and_read_back_by_command_line(house: House, tmp_path: Path) -> None:
    house.fresh_api(http_500=0.1)
    bucket = house.bucket("by-command")
    with house.worker():
        out = house.server.cli(
            "deployment", "run", "ingest/unstable-to-s3", "-p", "format=csv", "-p", f"bucket={bucket}",
            "-p", f'options={{"pages_per_part": {PARTS}}}', "--watch", "--watch-timeout", "120",
        )  # fmt: skip
    assert "Flow run finished successfully in 'Completed'" in out
    manifest = house.check_landed(bucket, tmp_path)
    run_id = UUID(manifest["run_id"])
    with house.client as client:
        run = client.read_flow_run(run_id)
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])))
        logs = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])), limit=200)
        logs += client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])), limit=200, offset=200)
    artifacts = house.artifacts(run_id)
    assert (run.name, run.state_name) == ("customers to s3-bucket/lake", "Completed")
    assert set(run.tags) >= {"seawall", "s3", "csv"}
    names: dict[UUID | None, str] = {task.id: task.name for task in tasks}
    assert {"authenticate at customers", "plan customers", "land customers pages 11-20"} <= set(names.values())
    assert {task.state_name for task in tasks} == {"Completed"}
    assert Counter(artifact.key for artifact in artifacts) == {"execution-report": 1, "landing-progress": 1}
    report = next(str(artifact.data) for artifact in artifacts if artifact.key == "execution-report")
    assert "| Records Ingested | 12,000 |" in report
    assert manifest["location"] in report
    landed = [(names.get(line.task_run_id), line.message) for line in logs if "part landed" in line.message]
    assert len(landed) == len(set(landed)) == PAGES // PARTS, "each line once"
    for task, message in landed:
        assert task is not None, "under its task"
        assert task.removeprefix("land customers pages ") in message


def kill_process(house: House, worker: Process, run: FlowRun) -> None:
    os.kill(house.process_of(run), signal.SIGKILL)


def cancel(house: House, worker: Process, run: FlowRun) -> None:
    house.set_state(run, Cancelling(message="Cancelled from the UI"))


@pytest.mark.parametrize(("end", "name"), [(kill_process, "Crashed"), (cancel, "Cancelled")])
def test_retry_of_a_run_that_was_ended_fetches_only_what_no_receipt_covers(
    house: House, tmp_path: Path, end: Callable[[House, Process, FlowRun], None], name: str
) -> None:
    house.fresh_api(latency=0.3)
    bucket = house.bucket(f"retry-{name.lower()}")
    with house.worker() as worker:
        run = house.run(bucket)
        wait_for(lambda: house.asked() > PAGES // 2, worker, "half of the walk")
        end(house, worker, run)
        house.wait_for_state(run, worker, name)
        if end is kill_process:  # Prefect's worker reports the crash once more, and would crash a retry with it
            told = "prefect.flow_runs.worker - Check whether"
            wait_for(lambda: told in worker.log.read_text(), worker, "the worker's own report")
        assert house.keys(bucket, "/_receipts/")
        assert not house.keys(bucket, "/_manifest.json")
        house.set_state(run, RETRY)
        house.wait_for_state(run, worker, "Completed")
    assert house.check_landed(bucket, tmp_path)["run_id"] == str(run.id)
    assert [each.key for each in house.artifacts(run.id)].count("landing-progress") == 1
    house.check_only_parts_in_flight_were_asked_twice()


def test_retry_of_a_run_whose_machine_was_lost_goes_on_at_another_worker(house: House, tmp_path: Path) -> None:
    house.fresh_api(latency=0.3)
    bucket = house.bucket("lost-machine")
    with house.worker() as worker:
        run = house.run(bucket)
        wait_for(lambda: house.asked() > PAGES // 2, worker, "half of the walk")
        flow = house.process_of(run)
        worker.kill()
        os.kill(flow, signal.SIGKILL)
    assert house.state(run).name == "Running", "nobody is left who could tell"
    house.set_state(run, Crashed(message="The machine is gone"))
    with house.worker() as other:
        house.set_state(run, RETRY)
        house.wait_for_state(run, other, "Completed")
    house.check_landed(bucket, tmp_path)
    house.check_only_parts_in_flight_were_asked_twice()


def test_a_run_that_failed_heals_by_the_retry_command(house: House, tmp_path: Path) -> None:
    house.fresh_api(fail_pages=frozenset({27}))
    bucket = house.bucket("failed")
    with house.worker() as worker:
        run = house.run(bucket)
        failed = house.wait_for_state(run, worker, "Failed")
        assert str(run.id) in str(failed.message)
        assert "prefect deployment run ingest/unstable-to-s3" in str(failed.message)
        assert "resume=" in str(failed.message)
        house.fresh_api()
        house.server.cli("flow-run", "retry", str(run.id))
        house.wait_for_state(run, worker, "Completed")
    house.check_landed(bucket, tmp_path)
    asked = {"1", "27", str(PAGES + 1)}  # the page that failed; the first one, and the one behind the last, for proof
    assert set(house.api.api.stats()["pages"]) <= asked


def test_sigterm_ends_the_flow_process_of_a_worker_within_its_grace_period(
    house: House, tmp_path: Path, record_property: Figures
) -> None:
    house.fresh_api(http_429=0.3, retry_after=60, latency=0.1)
    bucket = house.bucket("sigterm")
    with house.worker() as worker:
        run = house.run(bucket)
        wait_for(lambda: house.api.api.stats()["answers"].get("429 with Retry-After", 0) > 0, worker, "a long pause")
        flow = house.process_of(run)
        sent = time.monotonic()
        os.kill(flow, signal.SIGTERM)
        wait_for(lambda: not Path(f"/proc/{flow}").exists(), worker, "the end of the flow's process", 30)
        took = time.monotonic() - sent
        record_property("SIGTERM to end", f"{took:.1f} s")
        assert took < 10
        house.wait_for_state(run, worker, "Crashed", "Failed")
        assert not house.seaweed.client().list_multipart_uploads(Bucket=bucket).get("Uploads")
        assert not list(worker.log.parent.glob("seawall-*")), "no staging is left"
        house.fresh_api()
        house.set_state(run, RETRY)
        house.wait_for_state(run, worker, "Completed")
    house.check_landed(bucket, tmp_path)


class Script:
    """A process of its own that runs the flow, talking to the house's server, without a worker."""

    def __init__(self, house: House, folder: Path, code: str) -> None:
        environment = house.server.environment | {"PREFECT_HOME": str(folder / "home"), "TMPDIR": str(folder)}
        self.process = Process(
            [sys.executable, "-c", code], log=folder / "script.log", environment=environment, folder=folder
        )

    def seconds_to_end(self, limit: float) -> float:
        began = time.monotonic()
        while self.process.running:
            assert time.monotonic() - began < limit, self.process.log.read_text()[-3000:]
            time.sleep(0.1)
        return time.monotonic() - began


def ingest_code(bucket: str) -> str:
    options = {"pages_per_part": PARTS}
    return (
        "from seawall import ingest\n"
        f"ingest(source='customers', storage='s3-bucket/lake', bucket={bucket!r}, options={options!r})"
    )


def test_an_api_that_is_away_at_the_start_is_named_and_nothing_is_asked(
    house: House, tmp_path: Path, record_property: Figures
) -> None:
    house.fresh_api()
    house.server.kill()
    try:
        script = Script(house, tmp_path, ingest_code("never"))
        took = script.seconds_to_end(180)
    finally:
        house.server.start()
    record_property("away at the start", f"the process ended after {took:.1f} s")
    told = script.process.log.read_text()
    assert f"Failed to reach API at {house.server.ui}/api/" in told
    assert house.asked() == 0


def test_an_api_that_is_away_for_15_seconds_in_mid_run_changes_nothing(house: House, tmp_path: Path) -> None:
    house.fresh_api(latency=1.0)
    bucket = house.bucket("away-15")
    with house.worker() as worker:
        run = house.run(bucket)
        wait_for(lambda: house.asked() > 20, worker, "the first pages")
        house.server.kill()
        time.sleep(15)  # the outage itself
        house.server.start()
        house.wait_for_state(run, worker, "Completed")
    assert house.check_landed(bucket, tmp_path)["run_id"] == str(run.id)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address that takes webhooks, and what it was told so far."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing to print."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", told
        server.shutdown()


def test_the_documented_automations_tell_of_datasets_published_and_incomplete(
    house: House, listener: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    address, told = listener
    with temporary_settings({PREFECT_API_URL: f"{house.server.ui}/api"}):
        webhook = Webhook(url=address, allow_private_urls=True).save("next-step", overwrite=True)
        notification = CustomWebhookNotificationBlock(
            name="people", url=address, json_data={"text": "{{body}}"}, allow_private_urls=True
        ).save("people", overwrite=True)
    docs = (ROOT / "docs/operations.md").read_text()
    (text,) = re.findall(
        r"<!-- created and triggered by tests/lanes/test_operations.py -->\n```yaml\n(.*?)```", docs, re.DOTALL
    )
    text = text.replace("ID_OF_A_WEBHOOK_BLOCK", str(webhook)).replace("ID_OF_A_NOTIFICATION_BLOCK", str(notification))
    file = tmp_path / "automations.yaml"
    file.write_text(text)
    house.server.cli("automation", "create", "--from-file", str(file))

    house.fresh_api(fail_pages=frozenset({27}))
    bucket = house.bucket("automations")
    with house.worker() as worker:
        run = house.run(bucket)
        house.wait_for_state(run, worker, "Failed")
        wait_for(lambda: len(told) == 1, worker, "the notification", 30)
        house.fresh_api()
        house.set_state(run, RETRY)
        house.wait_for_state(run, worker, "Completed")
        wait_for(lambda: len(told) == 2, worker, "the webhook", 30)
    (manifest,) = house.keys(bucket, "/_manifest.json")
    assert f"resume={run.id}" in told[0]["text"]
    assert "page 27" in told[0]["text"]
    assert told[1] == {"manifest": f"s3://{bucket}/{manifest}", "verdict": "complete"}
