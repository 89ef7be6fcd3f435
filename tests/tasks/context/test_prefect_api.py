"""Prefect's API, there and away; that a process ends without it, `test_operations.py` shows with real ones."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from seawall.dev.process import free_ports
from seawall.tasks.context import prefect_api


@pytest.fixture
def nobody_answers() -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_ports(1)[0]}/api"}):
        yield


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "end-of-run"]


@pytest.mark.usefixtures("prefect_api")
def test_an_api_that_answers_is_known_for_one_and_nothing_watches_the_end_of_a_run() -> None:
    assert prefect_api.answers()
    prefect_api.end()
    assert not watchers()


@pytest.mark.usefixtures("nobody_answers")
def test_an_api_that_is_away_is_asked_again_for_some_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_api, "POLL", 0.01)
    assert not prefect_api.answers_within(0.1)


@pytest.mark.usefixtures("nobody_answers")
def test_a_process_that_others_use_is_left_alone_and_a_new_run_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_api, "POLL", 0.01)
    monkeypatch.setattr(prefect_api, "END_PATIENCE", 0.0)
    monkeypatch.delenv("PREFECT__FLOW_RUN_ID", raising=False)
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    prefect_api.end()
    (watcher,) = watchers()
    watcher.join(0.2)
    assert watcher.is_alive()
    assert not left
    prefect_api.begin()
    watcher.join(5)
    assert not watcher.is_alive()


@pytest.mark.usefixtures("nobody_answers")
def test_a_process_that_prefect_made_for_the_run_ends_once_patience_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_api, "POLL", 0.01)
    monkeypatch.setattr(prefect_api, "END_PATIENCE", 0.0)
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "0193a1b2-0000-0000-0000-000000000000")
    ended = threading.Event()

    def end(code: int) -> None:
        ended.set()
        prefect_api.begin()

    monkeypatch.setattr(os, "_exit", end)
    prefect_api.end()
    assert ended.wait(5)


def test_python_still_says_where_we_look_that_a_program_is_over() -> None:
    code = """
import threading, time
from seawall.tasks.context.prefect_api import _program_is_over

def wait():
    before, deadline = _program_is_over(), time.monotonic() + 30
    while not _program_is_over() and time.monotonic() < deadline:
        time.sleep(0.01)
    print(before, _program_is_over())

threading.Thread(target=wait).start()
time.sleep(0.1)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]
