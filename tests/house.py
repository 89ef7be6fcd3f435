"""A Prefect server with deployments and workers, an unstable API and a bucket: what operators have."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact, FlowRun, State, StateType

from seawall.dev.customers import Customers
from seawall.dev.process import Process, wait_for
from seawall.dev.seaweed import SeaweedFS
from seawall.dev.server import PrefectServer
from seawall.dev.truth import differences
from seawall.dev.unstable_api import Faults, Server, UnstableApi

PAGES, SIZE = 120, 100
PARTS = 10  # pages in a part
RETRY = State(type=StateType.SCHEDULED, name="AwaitingRetry", message="Retry from the UI")  # as the UI's button says it


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


class House:
    """A Prefect server with deployments, an unstable API, a bucket, and what the tests ask of them."""

    def __init__(self, folder: Path, seaweed: SeaweedFS) -> None:
        self.folder = folder
        self.api = Server(UnstableApi(Customers(seed=3, total=PAGES * SIZE)))
        self.seaweed = seaweed
        self.server = PrefectServer(folder)
        self.workers = 0

    @property
    def client(self) -> SyncPrefectClient:
        return SyncPrefectClient(f"{self.server.ui}/api")

    def fresh_api(self, **faults: Any) -> None:
        """Forget what was asked so far; from now on answer with these faults."""
        self.api.api = UnstableApi(self.api.api.customers, Faults(**faults))

    def worker(self) -> Any:
        """A worker with a folder of its own, as on another machine."""
        self.workers += 1
        return self.server.worker(self.folder / f"worker-{self.workers}")

    def bucket(self, name: str) -> str:
        self.seaweed.client().create_bucket(Bucket=name)
        return name

    def run(self, bucket: str, **options: Any) -> FlowRun:
        """Ask for a run, as `prefect deployment run` does."""
        parameters = {"bucket": bucket, "options": {"pages_per_part": PARTS} | options}
        with self.client as client:
            deployment = client.read_deployment_by_name("ingest/unstable-to-s3")
            return client.create_flow_run_from_deployment(deployment.id, parameters=parameters)

    def state(self, run: FlowRun) -> State:
        with self.client as client:
            state = client.read_flow_run(run.id).state
        assert state is not None
        return state

    def set_state(self, run: FlowRun, state: State) -> None:
        with self.client as client:
            client.set_flow_run_state(run.id, state, force=True)

    def wait_for_state(self, run: FlowRun, worker: Process, *names: str) -> State:
        with self.client as client:
            wait_for(
                lambda: client.read_flow_run(run.id).state_name in names,
                worker,
                f"a run that is {' or '.join(names)}",
                90,
            )
        return self.state(run)

    def process_of(self, run: FlowRun) -> int:
        """The process that a worker made for a run: the one that has its id in its environment."""
        mark = f"PREFECT__FLOW_RUN_ID={run.id}\0".encode()
        found = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _read(path)]
        (pid,) = found
        return pid

    def artifacts(self, run_id: UUID) -> list[Artifact]:
        of_the_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        with self.client as client:
            return client.read_artifacts(artifact_filter=of_the_run)

    def asked(self) -> int:
        return len(self.api.api.stats()["pages"])

    def keys(self, bucket: str, part: str) -> list[str]:
        found = self.seaweed.client().list_objects_v2(Bucket=bucket).get("Contents", [])
        return [each["Key"] for each in found if part in each["Key"]]

    def check_landed(self, bucket: str, folder: Path) -> dict[str, Any]:
        """The manifest of the only dataset of a bucket, once its parts equal the truth."""
        (key,) = self.keys(bucket, "/_manifest.json")
        client = self.seaweed.client()
        manifest: dict[str, Any] = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        paths = []
        for number, part in enumerate(manifest["parts"]):
            paths.append(folder / f"{number}.csv")
            client.download_file(bucket, part["key"], str(paths[-1]))
        assert differences(paths, self.api.api.customers.records()) == []
        assert manifest["verdict"] == "complete"
        assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
        return manifest

    def check_only_parts_in_flight_were_asked_twice(self, parallel: int = 2) -> None:
        """Beyond one good answer a page, only the parts in flight, what was read ahead, and page 1 for the plan."""
        good = self.api.api.stats()["answers"]["200"]
        assert good - PAGES - 1 <= parallel * PARTS + 32
