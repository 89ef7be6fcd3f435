"""Runs that die: killed in the middle, resumed by another process elsewhere, equal to the truth."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL
from prefect_aws import S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from seawall.dev.process import ROOT
from seawall.dev.seaweed import SeaweedFS
from seawall.dev.truth import differences
from seawall.dev.unstable_api import Server
from seawall.tests.figures import Figures
from seawall.tests.storeproxy import Exchange, on, proxy_before, times

pytestmark = pytest.mark.runs

FULL = bool(os.environ.get("SEAWALL_FULL"))
PAGES, KILLS = (1_000, 3) if FULL else (120, 2)
PATIENCE = 600 if FULL else 60


class Worker:
    """A process of its own that runs the flow, with its own working folder and Prefect home."""

    def __init__(self, folder: Path, **parameters: Any) -> None:
        folder.mkdir()
        stacks = "import faulthandler, signal; faulthandler.register(signal.SIGUSR1)"
        code = f"{stacks}; from seawall import ingest; ingest(**{parameters!r})"
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
            "TMPDIR": str(folder),
        }
        self._log = (folder / "log").open("w")
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=folder, env=environment, stdout=self._log, stderr=self._log
        )

    def finish(self) -> None:
        """Wait for a good end."""
        assert self.process.wait(PATIENCE) == 0, (self.folder / "log").read_text()[-3000:]

    def end(self, how: signal.Signals) -> float:
        """Send a signal; the seconds until the process is gone. One that stays shows where its threads are."""
        sent = time.monotonic()
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)
            raise AssertionError((self.folder / "log").read_text()[-10_000:]) from None
        return time.monotonic() - sent


def wait_until(happened: Callable[[], bool], worker: Worker) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert worker.process.poll() is None, (worker.folder / "log").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def plan_in(seaweed: SeaweedFS, bucket: str) -> tuple[str, str]:
    """The only landing folder of a bucket, and its run id."""
    found = seaweed.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    (key,) = [each["Key"] for each in found if each["Key"].endswith("_plan.json")]
    plan = json.loads(seaweed.client().get_object(Bucket=bucket, Key=key)["Body"].read())
    return key.removesuffix("/_plan.json"), plan["run_id"]


def keys_in(seaweed: SeaweedFS, bucket: str, part: str) -> list[str]:
    """The keys that hold a text."""
    found = seaweed.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    return [each["Key"] for each in found if part in each["Key"]]


def test_a_run_killed_again_and_again_loses_nothing_and_lands_nothing_twice(
    serve: Callable[..., Server], save_source: Callable[..., str], bucket: str, seaweed: SeaweedFS, tmp_path: Path,
    record_property: Figures,
) -> None:  # fmt: skip
    server = serve(total=PAGES * 100, seed=9, http_500=0.05, latency=0.02, jitter=0.02)
    source = save_source(server, page_size=100, max_attempts=12)
    per_part = max(10, PAGES // 50)
    options = {"pages_per_part": per_part, "parallel_parts": 2}
    parameters: dict[str, Any] = {"source": source, "storage": "s3-bucket/judge", "options": options}
    for kill in range(KILLS):
        asked = len(server.api.stats()["pages"])
        worker = Worker(tmp_path / f"worker-{kill}", **parameters)
        target = asked + (PAGES - asked) // 3
        wait_until(lambda: len(server.api.stats()["pages"]) > target, worker)  # noqa: B023  # called within the turn
        worker.end(signal.SIGKILL)
        folder, run_id = plan_in(seaweed, bucket)
        parameters |= {"resume": run_id}
    orphan = seaweed.client().create_multipart_upload(Bucket=bucket, Key=f"{folder}/orphan.csv")
    assert orphan["UploadId"]
    covered = len(keys_in(seaweed, bucket, "/_receipts/"))
    Worker(tmp_path / "last", **parameters).finish()

    manifest = json.loads(seaweed.client().get_object(Bucket=bucket, Key=f"{folder}/_manifest.json")["Body"].read())
    paths = []
    for number, part in enumerate(manifest["parts"]):
        paths.append(tmp_path / f"{number}.csv")
        seaweed.client().download_file(bucket, part["key"], str(paths[-1]))
    assert differences(paths, server.api.customers.records()) == []
    assert (manifest["verdict"], manifest["records"], manifest["run_id"]) == ("complete", PAGES * 100, run_id)
    assert not seaweed.client().list_multipart_uploads(Bucket=bucket).get("Uploads")

    stats = server.api.stats()
    good = stats["answers"]["200"]
    twice = good - PAGES - 1  # page 1 is read once more for the plan
    told = f"{twice} good pages asked twice, {covered} parts were safe at the last kill"
    record_property(f"{KILLS} kills in {PAGES} pages", told)
    assert twice <= KILLS * (2 * per_part + 32), "at most the parts in flight, and what was read ahead"


def test_sigterm_ends_a_run_within_its_grace_period_and_leaves_it_resumable(
    serve: Callable[..., Server], save_source: Callable[..., str], bucket: str, seaweed: SeaweedFS, tmp_path: Path
) -> None:
    server = serve(total=4_000, http_429=0.2, retry_after=30, latency=0.05)
    source = save_source(server, page_size=100)
    parameters: dict[str, Any] = {
        "source": source, "storage": "s3-bucket/judge", "options": {"pages_per_part": 2}
    }  # fmt: skip
    worker = Worker(tmp_path / "first", **parameters)
    wait_until(lambda: server.api.stats()["answers"].get("429 with Retry-After", 0) > 0, worker)
    assert worker.end(signal.SIGTERM) < 10, "the Retry-After of 30 s is not sat out"
    assert not list((tmp_path / "first").glob("seawall-*")), "no staging is left behind"
    server.api.faults = type(server.api.faults)()
    Worker(tmp_path / "second", **parameters, resume=plan_in(seaweed, bucket)[1]).finish()
    assert not list((tmp_path / "second").glob("seawall-*"))


@pytest.mark.parametrize(
    "part", ["/_plan.json", "/_receipts/", "/_widened/"], ids=["while planned", "while parts land", "while published"]
)
def test_sigterm_ends_a_run_within_its_grace_period_though_the_store_hangs(
    part: str, serve: Callable[..., Server], save_source: Callable[..., str], bucket: str, seaweed: SeaweedFS,
    tmp_path: Path, record_property: Figures,
) -> None:  # fmt: skip
    server = serve(total=4_000, late=3_990, latency=0.02)
    parameters: dict[str, Any] = {
        "source": save_source(server, page_size=100), "storage": "s3-bucket/judge", "options": {"pages_per_part": 2}
    }  # fmt: skip
    with proxy_before(seaweed.url) as proxy:
        block: Any = S3Bucket.load("judge")
        block.credentials.aws_client_parameters = AwsClientParameters(endpoint_url=proxy.url)
        block.save("judge", overwrite=True)
        with contextlib.ExitStack() as pause:
            hangs = threading.Event()

            def hang(exchange: Exchange) -> bool:
                pause.enter_context(seaweed.paused())
                hangs.set()
                return False

            proxy.before = on("PUT", times(1, hang), part)
            worker = Worker(tmp_path / "first", **parameters)
            wait_until(hangs.is_set, worker)
            time.sleep(1)  # by now every call on the store hangs
            assert worker.process.poll() is None
            seconds = worker.end(signal.SIGTERM)
        record_property(f"SIGTERM to end, the store hangs at {part}", f"{seconds:.1f} s")
        assert seconds < 10
        if "_plan" not in part:
            parameters |= {"resume": plan_in(seaweed, bucket)[1]}
        Worker(tmp_path / "second", **parameters).finish()
    assert not seaweed.client().list_multipart_uploads(Bucket=bucket).get("Uploads")


@pytest.mark.skipif(not FULL, reason="make test-full runs it")
def test_four_parts_at_once_land_a_thousand_pages_in_order(
    serve: Callable[..., Server], save_source: Callable[..., str], bucket: str, seaweed: SeaweedFS, tmp_path: Path
) -> None:
    server = serve(total=1_000_000, seed=2, http_500=0.05)
    options = {"pages_per_part": 100, "parallel_parts": 4}
    parameters = {"source": save_source(server, max_attempts=12), "storage": "s3-bucket/judge", "options": options}
    Worker(tmp_path / "worker", **parameters).finish()
    folder, _ = plan_in(seaweed, bucket)
    manifest = json.loads(seaweed.client().get_object(Bucket=bucket, Key=f"{folder}/_manifest.json")["Body"].read())
    paths = []
    for number, part in enumerate(manifest["parts"]):
        paths.append(tmp_path / f"{number}.csv")
        seaweed.client().download_file(bucket, part["key"], str(paths[-1]))
    assert [part["first"] for part in manifest["parts"]] == list(range(1, 1_001, 100))
    assert differences(paths, server.api.customers.records()) == []
