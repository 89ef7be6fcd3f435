"""The whole house on loopback, until Ctrl-C: Prefect server and worker, simulator, SeaweedFS, blocks, deployments.

Everything lives in a temporary folder and is gone at the end. Ports are fixed, so that addresses can be kept.
"""

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from seawall.dev.customers import Customers
from seawall.dev.demo import simulator
from seawall.dev.process import ROOT, Process
from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from seawall.dev.server import PrefectServer

PORTS: Final = {"ui": 4200, "api": 8480, "s3": 8333}
WHAT: Final = {"ui": "Prefect's server and UI", "api": "the simulator", "s3": "SeaweedFS"}
RECORDS: Final = 100_000


def main() -> int:
    """Run the stack; 0 after Ctrl-C, 1 where a port is taken or a process died."""
    parser = argparse.ArgumentParser(prog="python -m seawall.dev.stack", description=__doc__)
    for name, port in PORTS.items():
        parser.add_argument(f"--{name}-port", type=int, default=port, help=f"{WHAT[name]} (default: {port})")
    arguments = parser.parse_args()
    ports = {name: getattr(arguments, f"{name}_port") for name in PORTS}
    if taken := [name for name, port in ports.items() if _is_taken(port)]:
        for name in taken:
            print(
                f"port {ports[name]} is taken, {WHAT[name]} needs it: is another stack running? "
                f"Choose another with: python -m seawall.dev.stack --{name}-port N",
                file=sys.stderr,
            )
        return 1
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with tempfile.TemporaryDirectory(prefix="seawall-stack-") as folder, stack(Path(folder), ports) as (server, worker):
        print(_welcome(server, ports, worker), flush=True)
        while worker.running and not stopped.wait(1.0):
            pass
        if not stopped.is_set():
            print(f"the worker died:\n{worker.log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        print("Stopping…", flush=True)
    return not stopped.is_set()


@contextlib.contextmanager
def stack(folder: Path, ports: Mapping[str, int], records: int = RECORDS) -> Iterator[tuple[PrefectServer, Process]]:
    """Start everything below `folder`, with blocks saved and flows deployed; the server and its worker."""
    customers = Customers(seed=18, total=records)
    server = PrefectServer(folder, port=ports["ui"])
    with (
        simulator(customers, token_requests=max(45, records // 2_000), port=ports["api"]) as api,
        SeaweedFS(folder, port=ports["s3"]) as seaweed,
        server,
    ):
        deploy(server, block_values(api, seaweed.url))
        with server.worker(folder / "worker") as worker:
            yield server, worker


def block_values(api: str, s3: str) -> dict[str, str]:
    """What `seawall.dev.blocks` reads from the environment, for a simulator and a SeaweedFS."""
    return {
        "SEAWALL_API_URL": f"{api}/customers",
        "SEAWALL_LOGIN_URL": f"{api}/login",
        "SEAWALL_REFRESH_URL": f"{api}/refresh",
        "SEAWALL_USERNAME": "demo",
        "SEAWALL_PASSWORD": "demo-password",
        "SEAWALL_S3_BUCKET": "raw",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL": s3,
        "SEAWALL_MINIO_URL": s3,
        "SEAWALL_MINIO_BUCKET": "raw",
        "SEAWALL_MINIO_USER": ACCESS_KEY,
        "SEAWALL_MINIO_PASSWORD": SECRET_KEY,
    }


def deploy(server: PrefectServer, values: Mapping[str, str]) -> None:
    """Register the block type, save the example blocks, make the work pool, deploy what prefect.yaml names."""
    server.cli("block", "register", "-m", "seawall")
    environment = server.environment | dict(values)
    subprocess.run(
        [sys.executable, "-m", "seawall.dev.blocks"], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    server.cli("work-pool", "create", "seawall", "--type", "process", "--overwrite")
    server.cli("deploy", "--all")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _welcome(server: PrefectServer, ports: Mapping[str, int], worker: Process) -> str:
    prefect = f"PREFECT_API_URL={server.ui}/api {Path(sys.executable).parent.relative_to(ROOT)}/prefect"
    return f"""
Prefect's UI   {server.ui}
Simulator      http://127.0.0.1:{ports["api"]}/stats
SeaweedFS      http://127.0.0.1:{ports["s3"]}  (access key {ACCESS_KEY}, secret key {SECRET_KEY})
Worker's log   {worker.log}

Try, in another shell:
  {prefect} deployment run ingest/unstable-to-s3 -p format=csv -p bucket=raw --watch
  {prefect} deployment run ingest/unstable-to-minio -p prefix=crm --watch
  {prefect} flow-run ls

Ctrl-C stops everything and removes what it landed.
"""


if __name__ == "__main__":
    sys.exit(main())
