"""Canaries: secrets that are looked for in every form and in every place that text of a run can reach."""

import base64
import html
import json
import time
import traceback
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

from prefect import State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)

from seawall.tests.wireserver import Answer, Request, as_json, whole

PATIENCE: Final = 20.0  # seconds
CANARIES: Final = {
    "password": 'pass"w&rd/<1>\\né',
    "access token": "token/2+abcdefgh==",
    "refresh token": 'refresh"3/<token>&',
    "secret param": "param'4/<x>&y+z",
    "secret header": 'header"5/<x>&y\\z',
    "secret in the URL": "url/6+key&<x>",
}

_ENCODERS: Final[tuple[Callable[[str], str], ...]] = (
    str,
    html.escape,
    lambda text: "".join(f"&#{ord(each)};" for each in text),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: quote(text, safe=""),
    quote,
    quote_plus,
    lambda text: repr(text)[1:-1],
)
_INERT: Final = str.maketrans("<>`", "‹›'")  # as text from a server is shown


def forms_of(secret: str) -> frozenset[str]:
    """A secret as it is, in every encoding, in every encoding of every encoding, without markup, and in base64."""
    twice = {outer(inner(secret)) for inner, outer in product(_ENCODERS, repeat=2)}
    in_base64 = {base64.b64encode(b"x" * at + secret.encode()).decode()[4 * bool(at) : -4] for at in range(3)}
    return frozenset(twice | {form.translate(_INERT) for form in twice} | in_base64)


class Parrot:
    """A source of three pages that repeats what it hears. `fault` is what page 2 is, after an error on each page."""

    def __init__(self, fault: Callable[[bytes], Answer] | None = None, *, refuses_login: bool = False) -> None:
        self.fault, self.refuses_login = fault, refuses_login
        self.url, self._login, self._seen = "", "", set[str]()

    def route(self, request: Request) -> Answer:
        if request.path == "/login":
            self._login = request.body.decode()
            tokens = {"access_token": CANARIES["access token"], "refresh_token": CANARIES["refresh token"]}
            return whole(self._echo(request), 401) if self.refuses_login else as_json(tokens)
        number = request.query.get("page", "1")
        if number not in self._seen:
            self._seen.add(number)
            return whole(self._echo(request), 500)
        if number == "2" and self.fault:
            return self.fault(self._echo(request))
        query = {**request.query, "page": int(number) + 1}
        following = "&".join(f"{name}={quote_plus(str(value))}" for name, value in query.items())
        records = [{"id": int(number), "name": "Łódź"}, *([f"no object {number}"] if number == "3" else [])]
        return as_json({"data": records, "next": f"{self.url}/items?{following}" if number != "3" else None})

    def _echo(self, request: Request) -> bytes:
        """All that it heard and gave, in every encoding, the beginning of which an error shows."""
        signs = [request.headers[name] for name in ("authorization", "x-key") if name in request.headers]
        heard = " ".join([self._login, *request.query.values(), *signs, CANARIES["refresh token"]])
        return "\n".join(encode(heard) for encode in _ENCODERS).encode()


def places(state: State[Any], shown: str, root: Path) -> dict[str, str]:
    """Every place that text of a run reached: what it returned and printed, its files, and Prefect's API."""
    outcome = state.result(raise_on_failure=False)
    error = "".join(traceback.format_exception(outcome)) if isinstance(outcome, BaseException) else repr(outcome)
    files = [path for path in root.rglob("*") if path.is_file()]
    return {
        "state": f"{state!r} {state.message} {error}",
        "console": shown,
        "log file": "".join(path.read_text() for path in files if path.suffix == ".log"),
        "landing folder": "".join(path.read_text() for path in files if path.suffix != ".log"),
        **dict(_of_prefect(state)),
    }


def _of_prefect(state: State[Any]) -> Iterator[tuple[str, str]]:
    run = state.state_details.flow_run_id
    assert run is not None
    with get_client(sync_client=True) as client:
        yield "Prefect's logs", "\n".join(each["message"] for each in _logs(client, str(run)))
        of_artifacts = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        artifacts = client.read_artifacts(artifact_filter=of_artifacts)
        yield "artifacts", "\n".join(f"{each.data} {each.description}" for each in artifacts)
        events = client._client.post("/events/filter", json={"limit": 50}).json()["events"]
        yield "events", str([each for each in events if not each["event"].startswith("prefect.block-document.")])
        of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
        runs = [client.read_flow_run(run), *client.read_task_runs(flow_run_filter=of_run)]
        yield "runs", "\n".join(each.model_dump_json() for each in runs)


def _logs(client: SyncPrefectClient, run: str) -> list[dict[str, Any]]:
    """The lines of a flow run, once its last one is there: they are sent in the background."""
    deadline = time.monotonic() + PATIENCE
    while True:
        logs = client._client.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [run]}}}).json()
        if any("Finished in state" in each["message"] for each in logs) or time.monotonic() > deadline:
            return list(logs)
        time.sleep(0.1)


def hits(texts: dict[str, str]) -> set[tuple[str, str]]:
    """Which canary is in which place, in whatever form."""
    forms = {name: forms_of(secret) for name, secret in CANARIES.items()}
    return {
        (name, place)
        for (place, text), name in product(texts.items(), CANARIES)
        if any(form in text for form in forms[name])
    }
