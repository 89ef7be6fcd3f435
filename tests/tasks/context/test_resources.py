"""Resources: a process that outlives runs sees mended blocks, and nothing of the runs before stays with it."""

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from seawall.clients.errors import AuthenticationError
from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource
from seawall.storage.targets.local import LocalFolder
from seawall.tasks.context import blocks, resources
from seawall.tasks.context.leftovers import close_leftovers
from seawall.tasks.context.resources import KEPT_ATTEMPTS, release, resources_of
from seawall.tasks.run import Run
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json

MENDED = "new-password-2"


class Site:
    """A source with a login, its block, and what came in."""

    def __init__(self) -> None:
        self.password, self.logins = MENDED, 0

    def route(self, request: Request) -> Answer:
        if request.path == "/login":
            self.logins += 1
            is_right = MENDED.encode() in request.body
            return as_json({"access_token": f"token-{self.logins:040d}"} if is_right else {}, 200 if is_right else 401)
        return as_json({"metadata": {"total_pages": 1, "total_records": 1}, "data": [{"id": 1}]})


@pytest.fixture
def site(served: Callable[[Route], WireServer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    site = Site()
    server = served(site.route)

    def source(_: str) -> ApiSource:
        login = {"kind": "login", "login_url": f"{server.url}/login", "username": "me", "password": site.password}
        return ApiSource(name="items", url=f"{server.url}/items", auth=login)

    monkeypatch.setattr(blocks, "load_source", source)
    monkeypatch.setattr(blocks, "load_target", lambda *_: LocalFolder(None, str(tmp_path / "data")))
    yield site
    resources._by_attempt.clear()


def a_run() -> Run:
    return Run(run_id=str(uuid4()), source="items")


def a_task(run: Run) -> None:
    """What a worker does for a run, and then it hears no more of it."""
    client = resources_of(run).client
    client.authenticate()
    client.first_page()


def fetchers() -> int:
    return sum(thread.name.startswith("fetch-") for thread in threading.enumerate())


def test_tasks_of_an_attempt_share_what_one_of_them_opened(site: Site) -> None:
    run = a_run()
    assert resources_of(run) is resources_of(replace(run))


def test_a_worker_that_outlives_a_run_sees_the_mended_block_in_the_next_attempt(site: Site) -> None:
    run, site.password = a_run(), "old-password-1"
    with pytest.raises(AuthenticationError):
        a_task(run)
    site.password = MENDED
    a_task(replace(run, attempt="the next"))
    assert len(resources._by_attempt) == 1


def test_what_a_task_of_an_earlier_attempt_works_with_is_closed_when_it_is_done(site: Site) -> None:
    run = a_run()
    working = resources_of(run)
    resources_of(replace(run, attempt="the next"))
    working.client.authenticate()
    assert working.client.first_page().sent_records == 1
    closed: list[str] = []
    close = working.store.close
    working.store.close = lambda: (closed.append("store"), close())  # type: ignore[method-assign,func-returns-value,assignment]
    release(run)  # an attempt that was let go of is no error
    assert closed == []
    del working
    gc.collect()
    close_leftovers()
    assert closed == ["store"]


def test_a_process_keeps_few_attempts_and_nothing_of_the_others(site: Site) -> None:
    a_task(a_run())
    gc.collect()
    threads, secrets, files = fetchers(), len(SECRETS._secrets), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        a_task(a_run())
    gc.collect()
    close_leftovers()
    assert len(resources._by_attempt) == KEPT_ATTEMPTS
    assert fetchers() <= threads * KEPT_ATTEMPTS
    assert len(list(Path("/proc/self/fd").iterdir())) <= files + 3 * KEPT_ATTEMPTS
    assert len(SECRETS._secrets) <= secrets + 4 * KEPT_ATTEMPTS


def test_runs_that_end_leave_nothing_in_their_process(site: Site) -> None:
    for run in (a_run(), a_run()):
        a_task(run)
        release(run)
    before = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        run = a_run()
        a_task(run)
        release(run)
    gc.collect()
    assert threading.active_count() <= before[0] + 2
    assert len(list(Path("/proc/self/fd").iterdir())) <= before[1] + 4
