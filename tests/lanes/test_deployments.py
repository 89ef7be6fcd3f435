"""Run by Prefect: blocks from the environment, deployments, and a worker, by command line only."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect_aws import S3Bucket

from seawall.clients.source import ApiSource
from seawall.dev import blocks
from seawall.dev.process import ROOT
from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from seawall.dev.truth import differences
from seawall.dev.unstable_api import Server
from seawall.tests.simulator import PASSWORD, USERNAME

pytestmark = pytest.mark.runs

YAML = (ROOT / "prefect.yaml").read_text()


@pytest.fixture
def cli(prefect_api: None, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command of Prefect's own program against the tests' server, from the project root."""
    environment = os.environ | {
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_CLI_PROMPT": "false",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "300",
    }

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).parent / "prefect"), "--no-prompt", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def deployed(cli: Callable[..., "subprocess.CompletedProcess[str]"]) -> Iterator[None]:
    cli("work-pool", "create", "seawall", "--type", "process")
    done = cli("deploy", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    yield
    cli("work-pool", "delete", "seawall")


def values(server: Server, seaweed: SeaweedFS) -> dict[str, str]:
    """The environment that dev.blocks reads."""
    return {
        "SEAWALL_API_URL": f"{server.url}/customers",
        "SEAWALL_LOGIN_URL": f"{server.url}/login",
        "SEAWALL_USERNAME": USERNAME,
        "SEAWALL_PASSWORD": PASSWORD,
        "SEAWALL_S3_BUCKET": "raw",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL": seaweed.url,
    }


def test_no_secret_and_no_path_of_a_machine_stands_in_prefect_yaml() -> None:
    assert not re.search(r"(^|[\s\"'])/\w", YAML)
    assert not re.search(r"password|secret_key|token", YAML, re.IGNORECASE)
    assert "{{" not in YAML


@pytest.mark.usefixtures("prefect_api")
def test_blocks_are_saved_from_the_environment_however_often(
    serve: Callable[..., Server], seaweed: SeaweedFS, capsys: pytest.CaptureFixture[str]
) -> None:
    given = values(serve(), seaweed)
    assert blocks.save(given) == blocks.save(given | {"SEAWALL_S3_BUCKET": "other"}) == ["customers", "lake"]
    assert "minio: left out, set SEAWALL_MINIO_URL" in capsys.readouterr().out
    source: Any = ApiSource.load("customers")
    assert source.auth.password.get_secret_value() == PASSWORD
    bucket: Any = S3Bucket.load("lake")
    assert bucket.bucket_name == "other"
    assert PASSWORD not in capsys.readouterr().out


@pytest.mark.usefixtures("deployed")
def test_deployments_hold_names_and_are_checked_when_a_run_is_created(
    cli: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name("ingest/unstable-to-s3")
    assert (found.entrypoint, found.path, found.pull_steps) == ("seawall.flows.ingest.ingest", None, [])
    assert found.parameters == {"source": "customers", "storage": "s3-bucket/lake", "bucket": "raw", "format": "csv"}
    assert [schedule.active for schedule in found.schedules] == [False]
    assert found.global_concurrency_limit is not None
    assert found.global_concurrency_limit.limit == 1
    assert set(found.tags) == {"seawall", "s3", "csv"}
    for bad, told in (
        ("format=xml", "'xml' is not one of"),
        ("storage=ftp/x", "does not match"),
        ("source=../customers", "does not match"),
        ("prefix=/absolute", "does not match"),
        ("resume=1234-abcd", "does not match"),
        ('options={"max_in_flight": 65}', "65 is greater than the maximum"),
        ('options={"speed": 9}', "speed"),
        ('options={"parallel_parts": 0}', "0 is less than the minimum"),
    ):
        refused = cli("deployment", "run", "ingest/unstable-to-s3", "-p", bad)
        assert refused.returncode != 0
        assert told in refused.stdout + refused.stderr


@pytest.mark.usefixtures("deployed")
def test_a_worker_lands_what_a_command_line_asks_for(
    cli: Callable[..., "subprocess.CompletedProcess[str]"],
    serve: Callable[..., Server],
    seaweed: SeaweedFS,
    bucket: str,
    tmp_path: Path,
) -> None:
    server = serve(total=6_000, seed=6, http_500=0.1)
    blocks.save(values(server, seaweed))
    asked = cli(
        "deployment", "run", "ingest/unstable-to-s3", "-p", "format=csv", "-p", f"bucket={bucket}",
        "-p", "prefix=raw/crm",
    )  # fmt: skip
    assert asked.returncode == 0, asked.stdout + asked.stderr
    worked = cli("worker", "start", "--pool", "seawall", "--run-once")
    assert worked.returncode == 0, worked.stderr

    objects = seaweed.client().list_objects_v2(Bucket=bucket)["Contents"]
    (key,) = [found["Key"] for found in objects if found["Key"].endswith("_manifest.json")]
    manifest = json.loads(seaweed.client().get_object(Bucket=bucket, Key=key)["Body"].read())
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(manifest["run_id"])
    assert (run.name, run.state_name) == ("customers to s3-bucket/lake", "Completed")
    assert run.state is not None
    assert run.state.message == f"Landed 6,000 records in 1 part: s3://{bucket}/{key}"
    path = tmp_path / "part.csv"
    seaweed.client().download_file(bucket, manifest["parts"][0]["key"], str(path))
    assert differences([path], server.api.customers.records()) == []


@pytest.mark.usefixtures("deployed")
def test_a_worker_probes_what_a_command_line_asks_for(
    cli: Callable[..., "subprocess.CompletedProcess[str]"], serve: Callable[..., Server], seaweed: SeaweedFS
) -> None:
    blocks.save(values(serve(total=6_000), seaweed))
    asked = cli("deployment", "run", "probe/probe", "-p", "source=customers")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    worked = cli("worker", "start", "--pool", "seawall", "--run-once")
    assert worked.returncode == 0, worked.stderr
    with get_client(sync_client=True) as client:
        (run,) = [each for each in client.read_flow_runs() if each.name == "probe customers"]
        (artifact,) = [each for each in client.read_artifacts() if each.flow_run_id == run.id]
    assert run.state_name == "Completed"
    assert (artifact.key, str(artifact.data).partition("\n")[0]) == ("probe", "# page_number: `customers`")
