"""The process that lands, and may die: the body of the flow without Prefect, or the flow itself.

Most cases are landed in forks of a server that has imported all this once, since an import takes seconds.
"""

import contextvars
import json
import os
import sys
import tempfile
from concurrent import futures
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from prefect.tasks import Task
from prefect_aws import MinIOCredentials, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from seawall.clients.source import ApiSource
from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY
from seawall.flows.ingest import ingest
from seawall.formats import registry
from seawall.formats.writer import Settings
from seawall.storage import s3
from seawall.storage.targets.local import LocalFolder
from seawall.storage.targets.s3_bucket import SavedBucket
from seawall.tasks import conclude, land, report
from seawall.tasks.context import blocks, prefect_api
from seawall.tasks.options import IngestOptions
from seawall.tests.inline import shorten_backoffs
from seawall.tests.kills.disk import strike_at
from seawall.tests.kills.mutants import MUTANTS
from seawall.tests.kills.strikes import Strike, Watch

PROCESSES: Final = get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])

SESSION: Final = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name="us-east-1")
SESSION.client("s3")  # reads what forks need, too
for each in registry.FORMATS:
    registry.build(each, Settings())  # imports pandas and the like

_pool = futures.ThreadPoolExecutor(4)  # makes its threads in the fork that needs them


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a process does: `ingest(**parameters)` as the run `run_id`, or in a flow, where that is None.

    Its working and temporary folder is `folder`. With an `endpoint` it lands in a bucket there, in chunks of
    `chunk_bytes`; a `strike` kills it at a write to a folder. `mutant` names a defect that is planted.
    """

    folder: str
    source: dict[str, Any]
    parameters: dict[str, Any]
    run_id: str | None
    endpoint: str | None = None
    chunk_bytes: int | None = None
    strike: Strike | None = None
    mutant: str = ""

    def as_json(self) -> str:
        """The job as an argument of a command."""
        return json.dumps(asdict(self))


def job_of(text: str) -> Job:
    """The job that `as_json` wrote."""
    fields = json.loads(text)
    strike = fields.pop("strike")
    return Job(**fields, strike=Strike(**strike) if strike else None)


def work(job: Job) -> None:
    """Land as the job says; an error ends the process with 1, a strike by SIGKILL."""
    _move_to(Path(job.folder))
    patch = pytest.MonkeyPatch()
    shorten_backoffs(patch)
    if job.chunk_bytes:
        patch.setattr(s3, "CHUNK_BYTES", job.chunk_bytes)
    if job.run_id:
        os.environ["PREFECT__RUNTIME__FLOW_RUN__ID"] = job.run_id
        _without_prefect(job, patch)
    if job.strike:
        strike_at(Watch(job.strike), patch)
    if job.mutant:
        MUTANTS[job.mutant](patch)
    parameters = job.parameters | {"options": IngestOptions(**job.parameters["options"])}
    (ingest.fn if job.run_id else ingest)(**parameters)


def _move_to(folder: Path) -> None:
    """Work in a folder, where temporary files and all output go, too."""
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _without_prefect(job: Job, patch: pytest.MonkeyPatch) -> None:
    """Let tasks be their bodies, those that are submitted in threads, and blocks what the job says."""
    patch.setattr(Task, "__call__", lambda task, *args, **kwargs: task.fn(*args, **kwargs))
    patch.setattr(land, "submit", _submitted)
    patch.setattr(land, "next_done", lambda running: next(futures.as_completed(running)))
    patch.setattr(land, "wait", futures.wait)
    patch.setattr(ApiSource, "fingerprint", lambda source, **_: "0" * 32)  # slow by design
    patch.setattr(prefect_api, "answers", lambda: True)
    patch.setattr(report, "create_markdown_artifact", lambda **_: None)
    for event in ("dataset_published", "dataset_incomplete"):
        patch.setattr(conclude, event, lambda *_, **__: None)
    patch.setattr(MinIOCredentials, "get_boto3_session", lambda _: SESSION)
    patch.setattr(blocks, "load_source", lambda _: ApiSource(**job.source))
    patch.setattr(blocks, "load_target", lambda _, bucket, upload=None: _target(job.endpoint, bucket))


def _submitted(task: Any, *args: Any) -> futures.Future[Any]:
    return _pool.submit(contextvars.copy_context().run, task.fn, *args)


def _target(endpoint: str | None, bucket: str | None) -> Any:
    return SavedBucket(bucket_at(endpoint), bucket) if endpoint else LocalFolder(None, bucket)


def bucket_at(endpoint: str, name: str = "raw") -> S3Bucket:
    """A block for a bucket of SeaweedFS."""
    credentials = MinIOCredentials(
        minio_root_user=ACCESS_KEY,
        minio_root_password=SECRET_KEY,
        aws_client_parameters=AwsClientParameters(endpoint_url=endpoint),
    )
    return S3Bucket(bucket_name=name, credentials=credentials)


if __name__ == "__main__":
    work(job_of(sys.argv[1]))
