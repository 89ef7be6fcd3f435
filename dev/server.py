"""Prefect's server and a process worker: for `make stack`, and for tests."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from seawall.dev.database import copy_migrated_database
from seawall.dev.process import ROOT, Process, free_ports, wait_for

LEASES = {  # else a server that restarts forgets who holds the slot of a deployment, which then is taken for ever
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem"
}
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_CLI_PROMPT": "false"}


class PrefectServer:
    """A Prefect server on loopback with its home in `folder`; it can die and come back.

    `python` is the interpreter of the environment that it runs in, ours without it; commands and workers, too.
    """

    def __init__(self, folder: Path, *, port: int | None = None, python: Path = Path(sys.executable)) -> None:
        self._folder = folder
        self._python = python
        self.port = port or free_ports(1)[0]
        self._process: Process | None = None

    @property
    def ui(self) -> str:
        """The address that people open."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to talk to this server; it imports what is installed."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return inherited | QUIET | LEASES | {
            "PREFECT_HOME": str(self._folder / "prefect"),
            "PREFECT_API_URL": f"{self.ui}/api",
        }  # fmt: skip

    def start(self) -> None:
        """Start, and wait until it answers."""
        if not (database := self._folder / "prefect/prefect.db").exists():
            copy_migrated_database(database)
        command = [*_program(self._python), "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = Process(command, log=self._folder / "server.log", environment=self.environment)
        wait_for(lambda: _is_healthy(self.ui), self._process, "Prefect's server")

    def kill(self) -> None:
        """Be gone at once."""
        if self._process is not None:
            self._process.kill()

    def cli(self, *arguments: str, folder: Path = ROOT, **more: str) -> str:
        """The output of one command of Prefect's program, run in `folder`; `more` adds to its environment.

        Raises:
            RuntimeError: the command failed; with what it printed.
        """
        environment = self.environment | {"COLUMNS": "300"} | more
        command = [*_program(self._python), "--no-prompt", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"prefect {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def worker(self, folder: Path, pool: str = "seawall", *, python: Path | None = None) -> Iterator[Process]:
        """A process worker that works in `folder`, stopped at the end; `python` where it has another environment."""
        folder.mkdir(parents=True, exist_ok=True)
        python = python or self._python
        environment = self.environment | {"PREFECT_WORKER_QUERY_SECONDS": "2", "TMPDIR": str(folder)}
        environment["PATH"] = f"{python.parent}:{environment['PATH']}"  # as in an environment that is activated
        command = [*_program(python), "worker", "start", "--pool", pool, "--type", "process"]
        process = Process(command, log=folder / "worker.log", environment=environment, folder=folder)
        try:
            yield process
        finally:
            process.stop()

    def __enter__(self) -> "PrefectServer":
        self._folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop()


def _program(python: Path) -> list[str]:
    return [str(python), "-m", "prefect"]


def _is_healthy(ui: str) -> bool:
    try:
        return httpx.get(f"{ui}/api/health", timeout=2).is_success
    except httpx.HTTPError:
        return False
