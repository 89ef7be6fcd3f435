"""Many runs in one process, good and failing: nothing of them stays in it."""

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource
from seawall.flows.ingest import ingest
from seawall.tasks.context.leftovers import close_leftovers
from seawall.tests.figures import Figures
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, page, whole

pytestmark = [pytest.mark.runs, pytest.mark.usefixtures("short_backoffs", "prefect_api")]

RUNS, WARM_UP = (50, 8) if os.environ.get("SEAWALL_FULL") else (12, 8)
PAGES = 4


class Site:
    """A source with a login, whose every other run fails: at the login, or at a page."""

    def __init__(self) -> None:
        self.number = 0

    def route(self, request: Request) -> Answer:
        if request.path == "/login":
            refuses = self.number % 4 == 1
            return whole(b"", 401) if refuses else as_json({"access_token": f"token-of-run-{self.number:040d}"})
        if self.number % 4 == 3 and request.page == 2:
            return whole(b"", 500)
        return whole(page(request.page, PAGES, size=2 if request.page <= PAGES else 0))


def left_in_process() -> dict[str, int]:
    """What may pile up in this process, whose test server lives in it, too."""
    gc.collect()
    close_leftovers()
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return {
        "threads": threading.active_count(),
        "sockets": sum(link.startswith("socket:") for link in links),
        "files": len(links),
        "secrets": SECRETS._secrets.total(),
        "KiB": int(Path("/proc/self/statm").read_text().split()[1]) * 4,
    }


def test_runs_good_and_failing_leave_nothing_in_their_process(
    served: Callable[[Route], WireServer], record_property: Figures
) -> None:
    site = Site()
    url = served(site.route).url
    login = {"kind": "login", "login_url": f"{url}/login", "username": "me", "password": "correct-horse"}
    source: dict[str, Any] = {"name": "items", "url": f"{url}/items", "auth": login, "max_attempts": 2}
    ApiSource(**source).save("items", overwrite=True)

    def land() -> bool:
        site.number += 1
        return ingest(source="items", format="parquet", return_state=True).is_completed()

    ends = [land() for _ in range(WARM_UP)]
    before = left_in_process()
    ends += [land() for _ in range(RUNS)]
    after = left_in_process()
    record_property(f"{RUNS} runs, {ends.count(False)} of {len(ends)} failed", f"{before} before, {after} after")
    assert ends == [number % 2 == 0 for number in range(1, len(ends) + 1)]
    assert after["secrets"] == before["secrets"]
    assert after["threads"] <= before["threads"] + 2
    assert after["sockets"] <= before["sockets"] + 2
    assert after["KiB"] - before["KiB"] < 2048 * RUNS, "1 MiB a run at first, and less and less: what Prefect keeps"
