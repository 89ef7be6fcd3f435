"""The keeper: rotating tokens in the saved block, taken in turns by processes that know nothing of each other."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.variables import Variable

from seawall.clients.auth.keepers import KeptTokens
from seawall.clients.auth.oauth import OAuth2
from seawall.clients.errors import AuthenticationError, WalkStoppedError
from seawall.clients.source import ApiSource
from seawall.tasks.context import keeper as keeping
from seawall.tasks.context.keeper import BlockKeeper
from seawall.tests import rotating_run
from seawall.tests.rotation import FIRST, MINUTES, RUNS, Rotation, refresh_grant
from seawall.tests.wireserver import Route, WireServer

pytestmark = pytest.mark.usefixtures("prefect_api")

NEW = KeptTokens(refresh="refreshed", access="accessible", stale_at=1234.5)


@pytest.fixture
def saved() -> Callable[..., str]:
    """Save a source with a refresh token under a new name."""

    def save(url: str = "http://127.0.0.1:9", **changes: Any) -> str:
        name = f"rotating-{uuid4().hex[:8]}"
        fields: dict[str, Any] = {"name": "items", "url": f"{url}/items", "auth": refresh_grant(url)}
        ApiSource(**fields | changes).save(name)
        return name

    return save


def loaded(name: str) -> ApiSource:
    return cast(ApiSource, ApiSource.load(name))


def wait(seconds: float) -> None:
    time.sleep(seconds / 10)


def test_what_is_saved_is_in_the_block_and_nothing_else_of_it_has_changed(saved: Callable[..., str]) -> None:
    name = saved(params={"state": "complete"}, secret_params={"pin": "p1n-of-this"})
    before, keeper = loaded(name), BlockKeeper(name)
    assert keeper.load(wait) == KeptTokens(refresh=FIRST)
    keeper.save(NEW)
    assert keeper.load(wait) == NEW
    after = loaded(name)
    assert isinstance(after.auth, OAuth2)
    assert (after.secret_params, after.params) == (before.secret_params, before.params)
    assert {"refreshed", "accessible"} <= set(after.secrets())
    prints = {each.fingerprint(page_size=1, params={}, salt="run") for each in (before, after)}
    assert len(prints) == 1, "a run could not be resumed once its token was refreshed"


def test_the_server_shows_none_of_the_tokens(saved: Callable[..., str]) -> None:
    name = saved()
    BlockKeeper(name).save(NEW)
    path = f"{PREFECT_API_URL.value()}/block_types/slug/api-source/block_documents/name/{name}"
    shown = httpx.get(path, trust_env=False).text
    assert "token_url" in shown
    assert "refreshed" not in shown
    assert "accessible" not in shown


def test_what_somebody_changes_in_the_block_meanwhile_stays(saved: Callable[..., str]) -> None:
    name = saved()
    keeper = BlockKeeper(name)
    keeper.load(wait)
    changed = loaded(name)
    changed.max_rate = 7
    changed.save(name, overwrite=True)
    keeper.save(NEW)
    assert loaded(name).max_rate == 7


def test_one_has_its_turn_at_a_time_and_leaves_nothing_behind(saved: Callable[..., str]) -> None:
    name, inside, most = saved(), 0, 0

    def renew() -> None:
        nonlocal inside, most
        for _ in range(3):
            with BlockKeeper(name).turn(wait):
                inside += 1
                most = max(most, inside)
                time.sleep(0.02)
                inside -= 1

    threads = [threading.Thread(target=renew) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 1
    assert turns() == []


def turns() -> list[str]:
    with get_client(sync_client=True) as client:
        return [each.name for each in client.read_variables() if each.name.startswith("seawall_turn_")]


def test_the_turn_of_a_process_that_died_is_passed_on(
    saved: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "TURN_LIFE", 0.5)
    name = saved()
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name(name, "api-source")
    Variable.set(f"seawall_turn_{document.id.hex}", {"holder": "who died", "sign": 3})
    with BlockKeeper(name).turn(wait):
        pass
    assert turns() == []


def test_a_process_that_takes_its_time_keeps_its_turn(prefect_api: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now, rounds = 0.0, 0
    monkeypatch.setattr(keeping, "time", SimpleNamespace(monotonic=lambda: now, sleep=time.sleep))
    slow, next_one = keeping._Turn("seawall_turn_slow"), keeping._Turn("seawall_turn_slow")
    slow.begin(wait)

    def a_while(_: float) -> None:
        nonlocal now, rounds
        now, rounds = now + 0.9 * keeping.TURN_LIFE, rounds + 1
        with get_client(sync_client=True) as client:
            if rounds < 5:
                slow._sign(client, rounds)
            else:
                slow.end(client)

    next_one.begin(a_while)
    assert rounds == 5
    with get_client(sync_client=True) as client:
        next_one.end(client)


def test_signs_of_life_are_given_again_and_again(prefect_api: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "TURN_SIGN", 0.01)
    turn = keeping._Turn("seawall_turn_signs")
    signs: set[str] = set()
    turn.begin(wait)
    with get_client(sync_client=True) as client:
        with turn.signs_of_life():
            while len(signs) < 3:
                variable = client.read_variable_by_name("seawall_turn_signs")
                assert variable is not None
                signs.add(str(variable.value))
        turn.end(client)


def test_who_is_told_to_stop_waits_for_no_turn(saved: Callable[..., str]) -> None:
    def stopped(_: float) -> None:
        raise WalkStoppedError("the walk was stopped")

    name = saved()
    with BlockKeeper(name).turn(wait), pytest.raises(WalkStoppedError), BlockKeeper(name).turn(stopped):
        pass
    assert turns() == []


def test_an_api_that_is_away_costs_no_token(saved: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "API_PATIENCE", 0.1)
    keeper = BlockKeeper(saved())
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        for ask in (lambda: keeper.load(wait), lambda: keeper.save(NEW)):
            with pytest.raises(AuthenticationError, match="tokens that rotate are kept by Prefect's API, which"):
                ask()


def test_a_block_that_is_gone_or_has_no_refresh_token_is_named(saved: Callable[..., str]) -> None:
    with pytest.raises(AuthenticationError, match="does not take part"):
        BlockKeeper("nobody-saved-this").load(wait)
    name = saved(auth={"kind": "none"})
    with pytest.raises(AuthenticationError, match=r"holds no auth.refresh_token any more"):
        BlockKeeper(name).load(wait)


@pytest.mark.runs
def test_three_processes_share_a_login_for_an_hour(
    saved: Callable[..., str], served: Callable[[Route], WireServer], record_property: Any
) -> None:
    rotation = Rotation(life=1200)
    server = served(rotation.route)
    name = saved(server.url)
    command = [sys.executable, "-m", rotating_run.__name__, name, server.url]
    environment = {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "PATH": "", "HOME": str(Path.cwd())}
    runs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(RUNS)
    ]
    outputs = [run.communicate(timeout=120) for run in runs]
    figures = f"{rotation.logins} logins, {rotation.reused} tokens used twice"
    record_property("rotating refresh tokens, 3 processes, 1 h", figures)
    assert [stdout.strip() for stdout, _ in outputs] == [str({200: MINUTES})] * RUNS, outputs
    assert (rotation.logins, rotation.reused, rotation.is_over) == (3, 0, False)
    assert BlockKeeper(name).load(wait).refresh == rotation.refresh
