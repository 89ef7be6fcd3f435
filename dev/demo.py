"""The demo: 100,000 records of a hostile API, landed in a real S3 server and compared with the truth.

It starts the simulator and SeaweedFS on free ports, runs the flow with Prefect's embedded API, prints
the execution report, and stops everything that it started.
"""

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from seawall.dev.customers import Customers
from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from seawall.dev.truth import differences

SEED = 18  # with 100 pages, every kind of fault strikes at least once
PAGE_SIZE = 1_000
LOG = Path("logs/demo.log")


def main() -> int:
    """Run the demo; 0 if the landed dataset equals the truth."""
    parser = argparse.ArgumentParser(prog="python -m seawall.dev.demo", description=__doc__)
    parser.add_argument("--pages", type=int, default=100, help="pages of 1,000 records (default: 100)")
    pages = parser.parse_args().pages
    customers = Customers(seed=SEED, total=pages * PAGE_SIZE)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="seawall-demo-") as home,
        ThreadPoolExecutor() as pool,
        simulator(customers, token_requests=int(pages * 0.45)) as api,
        progress(api, pages, began),
    ):
        prefect = pool.submit(_start_prefect, Path(home))  # its database takes longest
        with SeaweedFS(Path(home)) as seaweed:
            prefect.result()
            print(f"Simulator at {api}, SeaweedFS at {seaweed.url}, log in {LOG}", flush=True)
            manifest = _ingest(api, seaweed)
            report = _read(seaweed, manifest, "_report.md")
            found = _compare(Path(home), seaweed, manifest, customers)
        stats = httpx.get(f"{api}/stats").json()
    print(f"\n{report}")
    _print_stats(stats)
    print(f"Data: {manifest.location}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.monotonic() - began:.1f} s from nothing; the process that ran the flow used {memory:.0f} MiB at most")
    print("\n".join(found) if found else f"All {manifest.records:,} records equal the truth, field by field (DuckDB).")
    return bool(found)


@contextlib.contextmanager
def simulator(customers: Customers, *, token_requests: int, port: int = 0) -> Iterator[str]:
    """The unstable API in a process of its own; its address."""
    settings = {
        "port": port, "seed": customers.seed, "total": customers.total, "token-requests": token_requests,
        "http-500": 0.05, "http-503": 0.03, "http-429": 0.05, "reset": 0.01, "truncate": 0.01,
        "latency": 0.02, "jitter": 0.02,
    }  # fmt: skip
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "seawall.dev.unstable_api", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split("/customers")[0]
        finally:
            process.terminate()


@contextlib.contextmanager
def progress(api: str, pages: int, began: float) -> Iterator[None]:
    """Tell every two seconds how far the walk is, from the server's side."""
    done = threading.Event()

    def tell() -> None:
        while not done.wait(2.0):
            stats = httpx.get(f"{api}/stats").json()
            bad = stats["requests"] - stats["answers"].get("200", 0)
            asked = (
                f"{len(stats['pages'])} of {pages} pages asked for, {stats['requests']} requests, {bad} answered badly"
            )
            print(f"  {time.monotonic() - began:4.0f} s  {asked if stats['requests'] else 'starting'}", flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _start_prefect(home: Path) -> None:
    """Start Prefect's embedded API in a home of its own; its log and the flow's go to a file."""
    os.environ |= {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    os.environ.pop("PREFECT_API_URL", None)
    LOG.parent.mkdir(exist_ok=True)
    sys.stderr = LOG.open("w")  # stays open: Prefect writes to it until the process ends
    from prefect.client.orchestration import get_client  # noqa: PLC0415  # Prefect reads its home when imported

    with get_client(sync_client=True) as client:
        client.hello()


def _ingest(api: str, seaweed: SeaweedFS) -> Any:
    """Save the blocks and run the flow."""
    from prefect_aws import MinIOCredentials, S3Bucket  # noqa: PLC0415
    from prefect_aws.client_parameters import AwsClientParameters  # noqa: PLC0415

    from seawall.clients.source import ApiSource  # noqa: PLC0415
    from seawall.flows.ingest import ingest  # noqa: PLC0415

    login = {
        "kind": "login", "login_url": f"{api}/login", "refresh_url": f"{api}/refresh",
        "username": "demo", "password": "demo-password",
    }  # fmt: skip
    ApiSource(name="customers", url=f"{api}/customers", auth=login).save("customers")
    credentials = MinIOCredentials(
        minio_root_user=ACCESS_KEY,
        minio_root_password=SECRET_KEY,
        aws_client_parameters=AwsClientParameters(endpoint_url=seaweed.url),
    )
    S3Bucket(bucket_name="raw", credentials=credentials).save("demo")
    return ingest(source="customers", storage="s3-bucket/demo")


def _read(seaweed: SeaweedFS, manifest: Any, name: str) -> str:
    bucket, _, key = manifest.location.removeprefix("s3://").partition("/")
    body = seaweed.client().get_object(Bucket=bucket, Key=key.replace("_manifest.json", name))["Body"]
    return str(body.read().decode())


def _compare(home: Path, seaweed: SeaweedFS, manifest: Any, customers: Customers) -> list[str]:
    """Download the parts with boto3 and compare them with the truth."""
    paths = [home / f"{number}.csv" for number in range(len(manifest.parts))]
    for path, part in zip(paths, manifest.parts, strict=True):
        seaweed.client().download_file("raw", part.key, str(path))
    return differences(paths, customers.records())


def _print_stats(stats: dict[str, Any]) -> None:
    told = ", ".join(f"{count} × {kind}" for kind, count in stats["answers"].items())
    print(f"The API answered {stats['requests']} requests: {told};")
    print(f"{stats['logins']} login, {stats['refreshes']} refreshes of {stats['expired_tokens']} expired tokens.")


if __name__ == "__main__":
    sys.exit(main())
