"""Several sources in one run, from one YAML, on real sockets: one login, one pacing, one report."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry

from seawall.__main__ import main
from seawall.flows.ingest_all import ingest_all
from seawall.storage.manifest import Manifest
from seawall.tasks.overview import ARTIFACT, Outcome
from seawall.tests.artifacts import newest
from seawall.tests.shelf import Shelf
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, whole

pytestmark = pytest.mark.usefixtures("prefect_api", "short_backoffs")

TOKEN_REQUESTS = 20
SOURCES = ["orders", "customers", "items", "prices", "events"]
KINDS = ["pages", "offset", "cursor", "next_url", "link_header"]
TOTAL = 100

YAML = """
# yaml-language-server: $schema=https://raw.githubusercontent.com/seawall-data/seawall/main/docs/sources.schema.json
defaults:
  url: {url}
  auth:
    kind: login
    login_url: {url}/login
    username: demo
    password: ${{SHOP_PASSWORD}}
  page_size: 5
  max_attempts: 4

sources:
  - name: orders
    path: /orders
  - name: customers
    path: /customers
    pagination: {{kind: offset}}
  - name: items
    path: /items
    pagination: {{kind: cursor, next_path: metadata.next}}
  - name: prices
    path: /prices
    pagination: {{kind: next_url, next_path: metadata.next}}
  - name: events
    path: /events
    pagination: {{kind: link_header}}
"""


class Vendor:
    """Five endpoints behind one login, whose token lasts for TOKEN_REQUESTS requests and dies with the next login."""

    def __init__(self) -> None:
        self.shelves = {name: Shelf(kind, total=TOTAL) for name, kind in zip(SOURCES, KINDS, strict=True)}
        self.broken: dict[str, Answer] = {}
        self.logins = self.refusals = 0
        self.requests: Counter[str] = Counter()
        self.order: list[str] = []
        self._left = 0
        self._lock = threading.Lock()

    def route(self, request: Request) -> Answer:
        name = request.path.strip("/")
        with self._lock:
            if name == "login":
                return self._login(request)
            if request.token != f"token-{self.logins:08d}" or self._left == 0:
                self.refusals += 1
                return as_json({"error": "token expired"}, 401)
            self._left -= 1
            self.requests[name] += 1
            self.order.append(name)
        return self.broken.get(name) or self.shelves[name].route(request)

    def _login(self, request: Request) -> Answer:
        assert json.loads(request.body) == {"username": "demo", "password": "demo-password"}
        self.logins, self._left = self.logins + 1, TOKEN_REQUESTS
        return as_json({"access_token": f"token-{self.logins:08d}"})


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def applied(
    vendor: Vendor, served: Callable[[Route], WireServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> WireServer:
    """The server of the vendor, whose five sources are saved from one YAML."""
    server = served(vendor.route)
    monkeypatch.setenv("SHOP_PASSWORD", "demo-password")
    path = tmp_path / "shop.yaml"
    path.write_text(YAML.format(url=server.url))
    assert main(["apply", str(path)]) == 0
    return server


def run(*sources: str, **parameters: Any) -> State[list[Outcome]]:
    return ingest_all(sources=list(sources or SOURCES), return_state=True, **parameters)


def manifests(outcomes: list[Outcome]) -> list[Manifest]:
    return [outcome.manifest for outcome in outcomes if outcome.manifest]


def records_of(manifest: Manifest) -> list[dict[str, int]]:
    lines = [line for part in manifest.parts for line in Path("data", part.key).read_text().splitlines()]
    return [json.loads(line) for line in lines]


@pytest.mark.usefixtures("applied")
def test_five_endpoints_of_one_yaml_land_together_on_one_rotating_login(
    vendor: Vendor, record_property: Callable[[str, object], None]
) -> None:
    state = run(format="jsonl", parallel_sources=5)
    outcomes = state.result()
    requests = vendor.requests.total()
    record_property(
        "one YAML, five endpoints, one login",
        f"{requests} requests, {vendor.logins} logins at {TOKEN_REQUESTS} requests a token, {vendor.refusals} answers "
        f"401; verdicts: {', '.join(outcome.verdict for outcome in outcomes)}",
    )
    assert (state.name, state.message) == ("Completed", "Landed 500 records of 5 sources")
    assert [(outcome.source, outcome.verdict) for outcome in outcomes] == [(name, "complete") for name in SOURCES]
    for name, manifest in zip(SOURCES, manifests(outcomes), strict=True):
        assert records_of(manifest) == vendor.shelves[name].truth
    fewest = -(-requests // TOKEN_REQUESTS)
    assert fewest <= vendor.logins <= fewest + 1, "each token is used up by all, and renewed once"
    text = str(newest(ARTIFACT).data)
    assert text.startswith("# 5 complete\n")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for name, row, manifest in zip(SOURCES, rows, manifests(outcomes), strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[:4] == [f"`{name}`", "complete", "100", "20"]
        assert float(cells[4]) > 0
        assert cells[5] == f"`{manifest.location.rpartition('/')[0]}`"


@pytest.mark.usefixtures("applied")
def test_no_more_than_parallel_sources_are_landed_at_once(vendor: Vendor) -> None:
    run("items", "orders", "prices", parallel_sources=1)
    assert list(dict.fromkeys(vendor.order)) == ["items", "orders", "prices"]
    assert sum(before != after for before, after in pairwise(vendor.order)) == 2
    assert vendor.logins <= -(-vendor.requests.total() // TOKEN_REQUESTS) + 1, "the login outlives each of them"


@pytest.mark.usefixtures("applied")
def test_one_that_fails_stops_no_other_and_all_of_them_can_be_resumed(vendor: Vendor) -> None:
    vendor.broken["items"] = whole(b"", 403)
    vendor.broken["events"] = whole(b"", 403)
    three = ["items", "orders", "events"]
    state = run(*three)
    assert state.is_failed()
    run_id = str(state.state_details.flow_run_id)
    told = str(state.message)
    assert "SourcesFailedError: 2 of 3 sources failed, the others are landed. items: " in told
    assert "answers 403 for page 1" in told
    arguments = f"sources={three!r}, storage='local', format='csv', parallel_sources=2, resume='{run_id}'"
    assert told.endswith(f"each from where it stands: ingest_all({arguments})")
    assert [path.parent.parent.name for path in Path("data").rglob("_manifest.json")] == ["orders"]
    text = str(newest(ARTIFACT).data)
    assert text.startswith("# 2 failed, 1 complete\n")
    assert "| `items` | failed | – | – |" in text
    assert "## failed: `events`" in text

    vendor.broken.clear()
    before = vendor.requests.copy()
    outcomes = run(*three, resume=run_id).result()
    assert [outcome.verdict for outcome in outcomes] == ["complete"] * 3
    assert vendor.requests["orders"] == before["orders"], "what is published is left alone"
    assert len(list(Path("data").rglob("_manifest.json"))) == 3


@pytest.mark.usefixtures("applied")
def test_one_that_failed_half_way_is_resumed_where_it_stands(vendor: Vendor) -> None:
    shelf = vendor.shelves["items"]
    broken = True

    def route(request: Request) -> Answer:
        return whole(b"", 403) if broken and request.query.get("cursor") == "c50" else Shelf.route(shelf, request)

    shelf.route = route  # type: ignore[method-assign]
    state = run("items", "orders", options={"pages_per_part": 4})
    assert "1 of 2 sources failed" in str(state.message)
    assert "go on with: ingest(source='items'" in str(state.message)
    broken = False
    shelf.asked.clear()
    run_id = str(state.state_details.flow_run_id)
    outcomes = run("items", "orders", options={"pages_per_part": 4}, resume=run_id).result()
    assert [outcome.verdict for outcome in outcomes] == ["complete"] * 2
    assert sorted({begin for begin in shelf.asked if begin}) == list(range(50, TOTAL, 5))


def attempt(run: FlowRun, sources: list[str]) -> State[Any]:
    """One attempt at a flow run, as a worker makes it."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(run.id)
    parameters = {"sources": sources}
    return run_flow(ingest_all, flow_run=run, parameters=parameters, return_type="state")  # type: ignore[arg-type,return-value]


@pytest.mark.usefixtures("applied")
def test_a_retry_of_the_run_goes_on_with_what_its_first_attempt_landed(vendor: Vendor) -> None:
    with get_client(sync_client=True) as client:
        flow_run = client.create_flow_run(ingest_all)
    vendor.broken["prices"] = whole(b"", 403)
    assert attempt(flow_run, ["prices", "orders"]).is_failed()
    vendor.broken.clear()
    before = vendor.requests["orders"]
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run.id, AwaitingRetry(), force=True)
    state = attempt(flow_run, ["prices", "orders"])
    assert (state.name, state.message) == ("Completed", "Landed 200 records of 2 sources")
    assert vendor.requests["orders"] == before
    assert len(list(Path("data").rglob("_manifest.json"))) == 2


@pytest.mark.usefixtures("applied")
def test_verdicts_name_the_state_as_those_of_one_source_do() -> None:
    state = run("orders", "customers", options={"pages": "1-3"})
    assert (state.name, state.message) == (
        "CompletedPartial", "Landed 30 records of 2 sources (orders: partial, customers: partial)"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"sources": []}, "names no source"),
        ({"sources": ["a", "a"]}, "names 'a' twice"),
        ({"sources": ["a"], "storage": "attic"}, "unknown storage 'attic'"),
        ({"sources": ["a"], "resume": "11111111-2222-4333-8444-555555555555"}, "Prefect knows no run of ingest-all"),
        ({"sources": ["a"], "parallel_sources": 17}, "less than or equal to 16"),
        ({"sources": ["no-such-block"]}, "no api-source block is called 'no-such-block'"),
    ],
)
def test_what_makes_no_sense_is_refused(parameters: dict[str, Any], told: str) -> None:
    state = ingest_all(**parameters, return_state=True)
    assert state.is_failed()
    assert told in str(state.message)
