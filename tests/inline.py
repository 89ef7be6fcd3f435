"""The steps of a run without Prefect, where submitted tasks are done at once."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import pytest
from loguru import logger

from seawall.clients.source import ApiSource
from seawall.storage.manifest import Manifest
from seawall.tasks import land, plan, publish
from seawall.tasks.context.resources import Resources
from seawall.tasks.run import Run

_of_this_process: ContextVar[Resources] = ContextVar("resources")  # a thread stands for a process


def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `ingested` be all that a run takes."""
    monkeypatch.setattr(ApiSource, "fingerprint", lambda source, **_: "0" * 32)  # slow by design
    for module in (plan, land, publish):
        monkeypatch.setattr(module, "resources_of", lambda run: _of_this_process.get())


def shorten_backoffs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds between the attempts of a request, and before a claim is asked for again."""
    monkeypatch.setattr("seawall.clients.http.retries.BACKOFF_BASE", 0.002)
    monkeypatch.setattr("seawall.clients.pace.door.GAP", 0.001)
    monkeypatch.setattr("seawall.clients.pace.door.GAP_CAP", 0.002)
    monkeypatch.setattr("seawall.clients.http.retries.BACKOFF_CAP", 0.02)
    monkeypatch.setattr("seawall.clients.walks.claims.CLAIM_PAUSE", 0.01)
    monkeypatch.setattr("seawall.clients.fetcher.CLAIM_PAUSE", 0.01)


def ingested(run: Run, resources: Resources) -> Manifest:
    """Plan, land and publish with these resources; raises what a run raises."""
    token = _of_this_process.set(resources)
    try:
        landing = plan.make_plan.fn(run)
        return publish.publish.fn(landing, land.land(landing))
    finally:
        _of_this_process.reset(token)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without log lines, which would take longer than the runs."""
    names = ("seawall.clients", "seawall.tasks")
    for name in names:
        logger.disable(name)
    yield
    for name in names:
        logger.enable(name)
