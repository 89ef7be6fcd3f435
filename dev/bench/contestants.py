"""What is measured: bare fetching, each writer, the engine in each format, and other tools."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from seawall.dev.bench.nginx import Nginx
from seawall.dev.process import ROOT
from seawall.formats import registry

RIVALS: Final = ROOT / ".venv-bench/bin/python"
PATIENCE: Final = 1_800.0  # seconds for one process

_READERS: Final = {
    "csv": """read_csv(?, header=true, all_varchar=true, delim=',', quote='"', escape='"')""",  # rather than guessed
    "jsonl": "read_json(?, format='newline_delimited', columns={id: 'VARCHAR'})",
    "json": "read_json(?, format='array', columns={id: 'VARCHAR'})",
    "parquet": "read_parquet(?)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What all run over: the server with its prepared pages, and a folder to work in."""

    server: Nginx
    pages: Path
    count: int
    records: int
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: seconds from its first request to its end, and the seconds of each phase where it has some."""

    seconds: float
    mebibytes: float
    phases: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One thing to measure: its `kind` is `floor`, `writer`, `engine`, `dlt` or `loop`."""

    kind: str
    format: str = ""

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.kind} {self.format}".strip()

    def run(self, course: Course, profile: Path | None = None) -> Measured:
        """Run it once in a process of its own; what it wrote is counted, then removed."""
        out = course.folder / "out"
        out.mkdir()
        try:
            course.server.forget()
            told = _told(self._command(course, out), course.folder, profile)
            return self._measured(course, out, told)
        finally:
            shutil.rmtree(out)

    def _command(self, course: Course, out: Path) -> list[str]:
        url = course.server.url
        python, *arguments = {
            "floor": [sys.executable, "floor", url, str(course.count)],
            "writer": [sys.executable, "writer", str(course.pages), self.format, str(out)],
            "engine": [sys.executable, "engine", url, self.format, str(out)],
            "dlt": [str(RIVALS), "pipeline", url, str(out), self.format],
            "loop": [str(RIVALS), "loop", url, str(out)],
        }[self.kind]
        return [python, "-m", "seawall.dev.bench.child", *arguments]

    def _measured(self, course: Course, out: Path, told: dict[str, Any]) -> Measured:
        if self.kind == "writer":
            verify(list(out.glob("part.*")), self.format, course.records)
            return Measured(seconds=told["result"], mebibytes=told["mebibytes"], phases={})
        requests, first = course.server.requests()
        if requests < course.count:
            raise RuntimeError(f"{self.name} made {requests} requests for {course.count} pages")
        ended: float = told["ended"]
        phases: dict[str, float] = {}
        if self.kind == "engine":
            ended, phases = _phases(Path(told["result"]), first)
        if self.kind != "floor":
            verify(_files(self.kind, out), self.format, course.records)
        return Measured(seconds=ended - first, mebibytes=told["mebibytes"], phases=phases)


def contestants() -> list[Contestant]:
    """All of them; a format that is registered takes part."""
    ours = [Contestant(kind=kind, format=name) for kind in ("writer", "engine") for name in registry.names()]
    dlt = [Contestant(kind="dlt", format=name) for name in ("csv", "jsonl", "parquet")]
    return [Contestant(kind="floor"), *ours, *dlt, Contestant(kind="loop", format="csv")]


def verify(paths: Sequence[Path], format: str, records: int) -> None:
    """See with DuckDB that the files hold the ids 1 to `records`, each once.

    Raises:
        RuntimeError: they do not; a measurement of what is incomplete is worth nothing.
    """
    if format not in _READERS:  # a plug-in's format; the engine has counted it
        return
    query = f"SELECT count(*), count(DISTINCT id::BIGINT), min(id::BIGINT), max(id::BIGINT) FROM {_READERS[format]}"
    found = duckdb.connect().execute(query, [[str(path) for path in paths]]).fetchone()
    if found != (records, records, 1, records):
        raise RuntimeError(f"{format} holds (rows, ids, first, last) = {found}, not {records:,} records: {paths}")


def _files(kind: str, out: Path) -> list[Path]:
    if kind == "engine":
        (manifest,) = out.glob("customers/*/_manifest.json")
        return [out / part["key"] for part in json.loads(manifest.read_bytes())["parts"]]
    return sorted(out.glob({"dlt": "out/landed/customers/*", "loop": "*.csv"}[kind]))


def _phases(manifest: Path, first: float) -> tuple[float, dict[str, float]]:
    """When the manifest was there, and how long the phases took, told by the server's log and the files' times."""
    planned = manifest.with_name("_plan.json").stat().st_mtime
    landed = max(path.stat().st_mtime for path in manifest.parent.glob("_receipts/*"))
    ended = manifest.stat().st_mtime
    return ended, {
        "plan": planned - first,
        "land": landed - planned,
        "publish": ended - landed,
    }


def _told(command: list[str], folder: Path, profile: Path | None) -> dict[str, Any]:
    """Run a process to its end; the JSON of its last line."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / ".venv/source"),
        "TMPDIR": str(folder),
        "HOME": str(folder),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    environment.pop("PREFECT_API_URL", None)
    if profile is not None:
        environment["SEAWALL_PROFILE"] = str(profile)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
