"""Six secrets, in runs that succeed and runs that fail, against a server that repeats all it hears: nobody sees one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from prefect import State

from seawall.clients.redact import Secrets
from seawall.clients.source import ApiSource
from seawall.flows.ingest import ingest
from seawall.tests.canaries import CANARIES, Parrot, hits, places
from seawall.tests.figures import Figures
from seawall.tests.wireserver import Route, WireServer, raw, whole

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs", "prefect_api")]

PARROTS: dict[str, Callable[[], Parrot]] = {
    "a run that succeeds": Parrot,
    "a login that is refused": lambda: Parrot(refuses_login=True),
    "a page that is an error": lambda: Parrot(lambda heard: whole(b"<p>" + heard, 500)),
    "a page that is refused": lambda: Parrot(lambda heard: whole(heard, 403)),
    "a page that is no JSON": lambda: Parrot(lambda heard: whole(b'{"data": [' + heard)),
    "a page that sends us elsewhere": lambda: Parrot(
        lambda heard: whole(b"", 302, location=f"https://elsewhere.test/?all={quote(heard[:4000])}")
    ),
    "a page with a bad header": lambda: Parrot(
        lambda heard: raw(b"HTTP/1.1 200 OK\r\n" + heard.replace(b"\n", b" ") + b"\r\n\r\n")
    ),
}
UNREACHED = {"a run that succeeds": ["log file"], "a login that is refused": ["landing folder"]}


@pytest.fixture
def land(served: Callable[[Route], WireServer], capfd: pytest.CaptureFixture[str]) -> Callable[..., State[Any]]:
    """Land what a parrot has, and give where that was told."""

    def landed(parrot: Parrot) -> tuple[State[Any], dict[str, str]]:
        parrot.url = served(parrot.route).url
        source = ApiSource(
            name="items",
            url=f"{parrot.url}/items?api_key={quote(CANARIES['secret in the URL'], safe='')}",
            pagination={"kind": "next_url", "next_path": "next"},
            secret_params={"sig": CANARIES["secret param"]},
            secret_headers={"X-Key": CANARIES["secret header"]},
            auth={
                "kind": "login", "login_url": f"{parrot.url}/login", "username": "me",
                "password": CANARIES["password"],
            },
            max_attempts=3,
        )  # fmt: skip
        source.save("items", overwrite=True)
        options = {"max_rejected_records": 1}
        state = ingest(source="items", format="jsonl", options=options, return_state=True)
        told = places(state, "".join(capfd.readouterr()), Path.cwd())
        fields = source.model_dump_json(exclude={"url"})  # what somebody writes into it in clear, is shown in the block
        told["source"] = f"{source!r} {source.auth!r} {fields}".replace(source.url, "")
        return state, told

    return landed  # type: ignore[return-value]


@pytest.mark.parametrize("parrot", PARROTS.values(), ids=PARROTS.keys())
def test_six_canaries_appear_nowhere(
    parrot: Callable[[], Parrot], land: Callable[..., tuple[State[Any], dict[str, str]]],
    request: pytest.FixtureRequest, record_property: Figures,
) -> None:  # fmt: skip
    state, told = land(parrot())
    name = request.node.callspec.id
    assert state.is_completed() == (name == "a run that succeeds"), state.message
    assert [place for place, text in told.items() if not text] == UNREACHED.get(name, []), "all others were reached"
    found = hits(told)
    record_property("canaries", f"{name}: {len(found)} hits in {len(told)} places")
    assert found == set()


def test_the_search_finds_every_canary_where_nothing_is_masked(
    land: Callable[..., tuple[State[Any], dict[str, str]]], monkeypatch: pytest.MonkeyPatch, record_property: Figures
) -> None:
    monkeypatch.setattr(Secrets, "add", lambda *_: None)
    found = set().union(*(hits(land(parrot())[1]) for parrot in PARROTS.values()))
    record_property("canaries", f"without masks: {len(found)} hits")
    assert {name for name, _ in found} == set(CANARIES)
    assert {place for _, place in found} >= {"state", "console", "log file", "Prefect's logs", "artifacts", "runs"}
