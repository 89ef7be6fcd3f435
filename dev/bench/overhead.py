"""What a flow run costs around the engine, against a running Prefect server: `python -m seawall.dev.bench.overhead`.

A script runs the flow in a process of its own: from the call to the first request, from the manifest to the end of
the process. A part's cost is the difference between runs of one page a part and of all pages in one.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from seawall.dev.customers import Customers
from seawall.dev.server import PrefectServer
from seawall.dev.unstable_api import Request, Server, UnstableApi

PAGES: Final = 101
PAGE_SIZE: Final = 10
CODE: Final = """
import sys, time
from seawall.flows.ingest import ingest
began = time.time()
ingest(source="customers", bucket=sys.argv[1], options={"pages_per_part": int(sys.argv[2])})
print(began, flush=True)
"""


class Stopwatch(UnstableApi):
    """The simulator, which remembers when it was asked first."""

    first: float | None = None

    def answer(self, request: Request) -> object:  # type: ignore[override]
        """The answer, and the time noted."""
        self.first = self.first or time.time()
        return super().answer(request)


def measured(server: PrefectServer, api: Stopwatch, folder: Path, pages_per_part: int) -> tuple[float, float, float]:
    """Seconds from the call to the first request, from there to the manifest, and from there to the process's end."""
    api.first = None
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(folder), str(pages_per_part)],
        env=server.environment, cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ended = time.time()
    (manifest,) = folder.glob("customers/*/_manifest.json")
    committed = manifest.stat().st_mtime
    assert api.first is not None
    return api.first - float(done.stdout.split()[-1]), committed - api.first, ended - committed


def main() -> None:
    """Print the medians as a table."""
    parser = argparse.ArgumentParser(prog="python -m seawall.dev.bench.overhead", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    api = Stopwatch(Customers(seed=1, total=PAGES * PAGE_SIZE))
    with tempfile.TemporaryDirectory() as name, Server(api) as simulator, PrefectServer(Path(name)) as server:
        code = f"ApiSource.model_validate_json({_source(simulator.url)!r}).save('customers')"
        subprocess.run(
            [sys.executable, "-c", f"from seawall import ApiSource; {code}"], env=server.environment, check=True
        )
        runs: dict[int, list[tuple[float, float, float]]] = {PAGES: [], 1: []}
        for turn in range(rounds):
            for pages_per_part, found in runs.items():
                folder = Path(name, f"{turn}-{pages_per_part}")
                folder.mkdir()
                found.append(measured(server, api, folder, pages_per_part))
    print(
        "| parts | call to first request | first request to manifest | manifest to end of process |\n|---|---|---|---|"
    )
    for pages_per_part, found in runs.items():
        medians = [statistics.median(column) for column in zip(*found, strict=True)]
        print(f"| {PAGES // pages_per_part} | {' | '.join(f'{seconds:.2f} s' for seconds in medians)} |")
    each = (statistics.median(run[1] for run in runs[1]) - statistics.median(run[1] for run in runs[PAGES])) / (
        PAGES - 1
    )
    print(f"\na part: {1000 * each:.1f} ms")


def _source(url: str) -> str:
    login = {"kind": "login", "login_url": f"{url}/login", "username": "demo", "password": "demo-password"}
    return json.dumps({"name": "customers", "url": f"{url}/customers", "auth": login, "page_size": PAGE_SIZE})


if __name__ == "__main__":
    main()
