"""The demo: 100,000 records of a hostile API, landed in a real S3 server and compared with the truth.

It starts the simulator and SeaweedFS on free ports, runs the flow with Prefect's embedded API, prints
the execution report, and stops everything that it started.
"""

import argparse
import contextlib
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev.customers import Customers
from dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from dev.truth import differences
from dev.unstable_api import Faults, Server, UnstableApi

SEED = 7
PAGE_SIZE = 1_000
LOG = Path("logs/demo.log")


@contextlib.contextmanager
def progress(api: UnstableApi, pages: int) -> Iterator[None]:
    """Tell about once a second how far the walk is, from the server's side."""
    done = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        while not done.wait(1.0):
            stats = api.stats()
            bad = sum(count for kind, count in stats["answers"].items() if kind != "200")
            print(
                f"  {time.monotonic() - began:5.1f} s  {len(stats['pages']):4} of {pages} pages asked for, "
                f"{stats['requests']} requests, {bad} of them answered badly",
                flush=True,
            )

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def main() -> int:
    """Run the demo; 0 if the landed dataset equals the truth."""
    parser = argparse.ArgumentParser(prog="python -m dev.demo", description=__doc__)
    parser.add_argument("--pages", type=int, default=100, help="pages of 1,000 records (default: 100)")
    pages = parser.parse_args().pages
    customers = Customers(seed=SEED, total=pages * PAGE_SIZE)
    faults = Faults(
        http_500=0.05, http_503=0.03, http_429=0.05, reset=0.01, truncate=0.01,
        latency=0.02, jitter=0.02, token_requests=int(pages * 0.45),
    )  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="seawall-demo-") as home,
        SeaweedFS(Path(home)) as seaweed,
        Server(UnstableApi(customers, faults)) as simulator,
    ):
        print(f"Simulator at {simulator.url}, SeaweedFS at {seaweed.url}; log in {LOG}", flush=True)
        began = time.monotonic()
        with progress(simulator.api, pages):
            manifest = _ingest(Path(home), simulator, seaweed)
        seconds = time.monotonic() - began
        print("\n" + _read(seaweed, manifest, "_report.md"))
        _print_stats(simulator.api)
        found = _compare(Path(home), seaweed, manifest, customers)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"Data: {manifest.location}")
        print(f"{seconds:.1f} s, {memory:.0f} MiB at most, simulator and Prefect's embedded API included")
    print("\n".join(found) if found else f"All {manifest.records:,} records equal the truth, field by field (DuckDB).")
    return bool(found)


def _ingest(home: Path, simulator: Server, seaweed: SeaweedFS) -> Any:
    """Save the blocks, run the flow; its log goes to a file, so that the progress stays readable."""
    os.environ |= {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    os.environ.pop("PREFECT_API_URL", None)
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log, contextlib.redirect_stderr(log):
        from prefect_aws import MinIOCredentials, S3Bucket  # noqa: PLC0415  # Prefect reads its home when imported
        from prefect_aws.client_parameters import AwsClientParameters  # noqa: PLC0415

        from clients.source import ApiSource  # noqa: PLC0415
        from flows.ingest import ingest  # noqa: PLC0415

        login = {
            "kind": "login", "login_url": f"{simulator.url}/login", "refresh_url": f"{simulator.url}/refresh",
            "username": "demo", "password": "demo-password",
        }  # fmt: skip
        ApiSource(name="customers", url=f"{simulator.url}/customers", auth=login).save("demo")
        credentials = MinIOCredentials(
            minio_root_user=ACCESS_KEY,
            minio_root_password=SECRET_KEY,
            aws_client_parameters=AwsClientParameters(endpoint_url=seaweed.url),
        )
        S3Bucket(bucket_name="raw", credentials=credentials).save("demo")
        return ingest(source="demo", storage="s3-bucket/demo")


def _read(seaweed: SeaweedFS, manifest: Any, name: str) -> str:
    bucket, _, key = manifest.location.removeprefix("s3://").partition("/")
    body = seaweed.client().get_object(Bucket=bucket, Key=key.replace("_manifest.json", name))["Body"]
    return str(body.read().decode())


def _print_stats(api: UnstableApi) -> None:
    stats = api.stats()
    told = ", ".join(f"{count} × {kind}" for kind, count in stats["answers"].items())
    print(f"The API answered {stats['requests']} requests: {told};")
    print(f"{stats['logins']} login, {stats['refreshes']} refreshes of {stats['expired_tokens']} expired tokens.")


def _compare(home: Path, seaweed: SeaweedFS, manifest: Any, customers: Customers) -> list[str]:
    """Download the parts with boto3 and compare them with the truth."""
    paths = [home / f"{number}.csv" for number in range(len(manifest.parts))]
    for path, part in zip(paths, manifest.parts, strict=True):
        seaweed.client().download_file("raw", part.key, str(path))
    return differences(paths, customers.records())


if __name__ == "__main__":
    sys.exit(main())
