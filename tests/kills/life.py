"""The life of a case: processes that die at their strikes, others that go on, and a last one that nobody strikes."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from prefect.settings import PREFECT_API_URL

from seawall.clients.source import ApiSource
from seawall.dev.process import ROOT
from seawall.dev.seaweed import SeaweedFS
from seawall.tests.kills.cases import CHUNK_BYTES, Case
from seawall.tests.kills.judge import compare, left_behind, manifests_in, plan_in
from seawall.tests.kills.places import Bucket, Folder, Place
from seawall.tests.kills.proxy import Proxy
from seawall.tests.kills.stock import SIZE
from seawall.tests.kills.strikes import Strike, Watch
from seawall.tests.kills.worker import PROCESSES, Job, bucket_at, work
from seawall.tests.wireserver import WireServer

SECONDS: Final = 60.0
BUCKET: Final = "raw"
PAGE_FAILED: Final = re.compile(r"^seawall\.\S+\.(IncompleteError|PageFailedError): ", re.MULTILINE)


@dataclass(slots=True)
class Ending:
    """How a case ended: what a reader lacks or has twice, what is left behind, and what else is wrong.

    `strikes` are those that were met, `processes` how many it took.
    """

    strikes: list[Strike] = field(default_factory=list)
    missed: list[Strike] = field(default_factory=list)
    processes: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    trouble: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is lost, doubled or wrong, whatever is left behind."""
        return not self.wrong and not self.trouble


class Life:
    """One case, landed in `folder` or, through a proxy, in a bucket of SeaweedFS."""

    def __init__(self, case: Case, folder: Path, seaweed: SeaweedFS, proxy: Proxy, mutant: str = "") -> None:
        self.case, self.stock, self.mutant = case, case.stock(), mutant
        self.ending = Ending()
        self._staging, data = folder / "work", folder / "data"
        for each in (self._staging, data):
            each.mkdir(parents=True)
        self._proxy, self._is_s3 = proxy, case.store == "s3"
        self._prefix = f"kills-{uuid.uuid4().hex[:8]}"
        self._bucket = BUCKET if self._is_s3 else str(data)
        self._place: Place = Bucket(seaweed.client(), BUCKET, self._prefix) if self._is_s3 else Folder(data)
        self._run_id = str(uuid.uuid4())

    def run(self) -> Ending:
        """Live it to its end."""
        case, ending = self.case, self.ending
        with WireServer(self.stock.route) as server:
            self._url = server.url
            self._until(case.strikes, self._expected_first)
            if case.trouble in ("gap", "fill") and ending.is_sound:
                self.stock.heal()
                self._until(case.later, "complete")
        ending.left = left_behind(self._place, self._staging)
        return ending

    @property
    def _expected_first(self) -> str:
        """The verdict as long as nothing is mended; empty where nothing may be published."""
        return {"gap": "", "fill": "gaps", "lasting": "gaps"}.get(self.case.trouble, "complete")

    def _until(self, strikes: list[Strike], verdict: str) -> None:
        """Let a process die at each of the strikes, and the last one live; what it publishes has this verdict."""
        for strike in (*strikes, None):
            code = self._process(strike)
            died = code == -signal.SIGKILL
            if strike:
                (self.ending.strikes if died else self.ending.missed).append(strike)
            is_as_expected = code == 0 if verdict else code == 1 and PAGE_FAILED.search(self._last_words())
            if not died and not is_as_expected:
                self.ending.trouble = f"a process ended with {code}: {self._last_words()}"
            published = manifests_in(self._place)
            if published:
                self.ending.wrong += compare(self._place, published[-1], self.stock)
            verdicts = [manifest["verdict"] for manifest in published[-1:]]
            if not self.ending.trouble and not died and verdicts != [verdict][: bool(verdict)]:
                self.ending.trouble = f"published {verdicts}: {self._last_words()}"
            if not self.ending.is_sound:
                return

    def _process(self, strike: Strike | None) -> int:
        self.ending.processes += 1
        job = self._job(strike)
        code = self._as_flow(job, strike) if self.case.is_flow else self._as_fork(job, strike)
        self._proxy.settle()
        return code

    def _as_fork(self, job: Job, strike: Strike | None) -> int:
        process, is_started = PROCESSES.Process(target=work, args=(job,)), threading.Event()

        def kill() -> None:
            is_started.wait()
            process.kill()

        self._proxy.watch(Watch(strike if self._is_s3 else None), kill)
        process.start()
        is_started.set()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"a process hangs: {self._last_words()}")
        return process.exitcode

    def _as_flow(self, job: Job, strike: Strike | None) -> int:
        environment = os.environ | {
            "PYTHONPATH": str(ROOT), "PREFECT_API_URL": str(PREFECT_API_URL.value()), "TMPDIR": job.folder,
            "PREFECT_HOME": f"{job.folder}/prefect",
        }  # fmt: skip
        command = [sys.executable, "-m", "seawall.tests.kills.worker", job.as_json()]
        process = subprocess.Popen(command, env=environment, cwd=job.folder)
        self._proxy.watch(Watch(strike if self._is_s3 else None), process.kill)
        try:
            return process.wait(2 * SECONDS)
        finally:
            process.kill()
            process.wait()

    def _job(self, strike: Strike | None) -> Job:
        case, planned = self.case, plan_in(self._place)
        parameters = {"bucket": self._bucket, "prefix": self._prefix, "format": case.format, "options": case.options}
        if planned and not case.retries:
            parameters["resume"] = planned
        return Job(
            folder=str(self._staging), source=self._source().model_dump(mode="json"), mutant=self.mutant,
            parameters=parameters | (self._saved_blocks() if case.is_flow else {"source": "items"}),
            run_id=None if case.is_flow else self._run_id, endpoint=self._proxy.url if self._is_s3 else None,
            chunk_bytes=CHUNK_BYTES if case.is_heavy else None, strike=None if self._is_s3 else strike,
        )  # fmt: skip

    def _saved_blocks(self) -> dict[str, str]:
        """The parameters that name the blocks of a flow."""
        self._source().save(self._prefix, overwrite=True)
        if not self._is_s3:
            return {"source": self._prefix}
        bucket_at(self._proxy.url).save(self._prefix, overwrite=True)
        return {"source": self._prefix, "storage": f"s3-bucket/{self._prefix}"}

    def _source(self) -> ApiSource:
        fields: dict[str, Any] = {"pagination": self.stock.pagination, "page_size": SIZE, "max_attempts": 4}
        return ApiSource(name="items", url=f"{self._url}/items", record_key=self.case.record_key, **fields)

    def _last_words(self) -> str:
        return (self._staging / "log").read_text(errors="replace")[-2000:]
