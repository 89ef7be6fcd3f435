"""The shared limit: processes that know one another by Prefect and by the bucket alone."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from seawall.clients.api import ApiClient
from seawall.clients.pace import peers
from seawall.storage.local import LocalStore
from seawall.tasks.context.shared_limit import SharedLimit
from seawall.tasks.errors import SettingsError
from seawall.tests.walks import client_of
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json

PAGES = 30
KEY = "raw/_pace/items.json"


def page(request: Request) -> Answer:
    return as_json({"metadata": {"total_pages": PAGES}, "data": [{"id": request.page}]})


class Process:
    """What one process has of its own, though it shares its memory with the others here."""

    def __init__(self, server: WireServer, name: str, root: Path, **changes: Any) -> None:
        self.client: ApiClient = client_of(server, **changes)
        self.shared = SharedLimit(name, self.client, LocalStore(root), KEY)

    def walk(self) -> list[int]:
        return [outcome.number for outcome in self.client.pages(1, PAGES)]

    def close(self) -> None:
        self.shared.stop()
        self.client.close()


Start = Callable[..., list[Process]]


@pytest.fixture
def limit(prefect_api: None) -> Callable[[float], str]:
    """A limit of so many slots that come back in a second, as many at once."""

    def create(rate: float) -> str:
        name = f"limit-{time.time_ns()}"
        with get_client(sync_client=True) as client:
            client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(name=name, limit=max(1, int(rate)), slot_decay_per_second=rate)
            )
        return name

    return create


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(count: int, route: Route, name: str, **changes: Any) -> list[Process]:
            server = stack.enter_context(WireServer(route))
            made = [Process(server, name, tmp_path, **changes) for _ in range(count)]
            for process in made:
                stack.callback(process.close)
            return made

        yield start


def test_two_processes_keep_one_limit_together(limit: Callable[[float], str], processes: Start) -> None:
    arrived: list[float] = []

    def route(request: Request) -> Answer:
        arrived.append(time.monotonic())
        return page(request)

    two = processes(2, route, limit(20))
    with ThreadPoolExecutor(2) as pool:
        walks = list(pool.map(Process.walk, two))
    assert walks == [list(range(1, PAGES + 1))] * 2
    # 60 requests: 20 at once, and the other 40 as their slots come back; granted are bundles of two seconds
    assert arrived[-1] - arrived[0] > 1.0
    assert max(sum(begin <= each < begin + 1 for each in arrived) for begin in arrived) <= 20 + 20 + 2


def test_a_limit_that_is_not_there_is_refused_with_the_command_that_makes_it(
    limit: Callable[[float], str],
    processes: Start,
) -> None:
    with pytest.raises(SettingsError, match="prefect gcl create no-such --limit 20 --slot-decay-per-second 10"):
        processes(1, page, "no-such")


def test_a_limit_that_limits_no_rate_is_refused(prefect_api: None, processes: Start) -> None:
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="of-slots", limit=3))
    with pytest.raises(SettingsError, match="do not decay"):
        processes(1, page, "of-slots")


def test_the_walk_goes_on_where_prefects_api_is_away(
    limit: Callable[[float], str], processes: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise httpx.ConnectError("away")

    (process,) = processes(1, page, limit(50))
    monkeypatch.setattr(SharedLimit, "_acquired", away)
    assert process.walk() == list(range(1, PAGES + 1))
    assert process.shared._is_away


def test_the_walk_goes_on_where_the_bucket_is_away_as_well(
    limit: Callable[[float], str], processes: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise httpx.ConnectError("away")

    (process,) = processes(1, page, limit(50))
    monkeypatch.setattr(SharedLimit, "_acquired", away)
    monkeypatch.setattr(LocalStore, "get_version", away)
    assert process.walk() == list(range(1, PAGES + 1))


def test_nobody_waits_longer_than_its_own_source_allows(limit: Callable[[float], str], processes: Start) -> None:
    (process,) = processes(1, page, limit(50), max_retry_after=5)
    process.shared._heed({})
    process.shared._heed({"other": peers.Peer(at=time.time(), rate=3.0, opens_at=time.time() + 3600)})
    assert 0 < process.client._account.gate._pace.delay(time.monotonic()) <= 5


def test_the_clock_of_another_machine_may_be_wrong(limit: Callable[[float], str], processes: Start) -> None:
    (process,) = processes(1, page, limit(50))
    hour_ago = time.time() - 3600
    process.shared._heed({"other": peers.Peer(at=hour_ago, rate=3.0, opens_at=0.0)})
    assert process.client._account.gate._pace.delay(time.monotonic()) == 0, "what it was told before is no news"
    process.shared._heed({"other": peers.Peer(at=hour_ago + 1, rate=3.0, opens_at=time.time() + 20)})
    assert process.client._account.gate._pace.delay(time.monotonic()) > 15


def test_a_wait_that_one_is_told_holds_the_others_back(limit: Callable[[float], str], processes: Start) -> None:
    refusals = iter([as_json({}, 429, retry_after=120)])
    told, other = processes(2, lambda request: next(refusals, page(request)), limit(50))
    with ThreadPoolExecutor(1) as pool:
        walk = pool.submit(told.walk)
        deadline = time.monotonic() + 20
        while other.client._account.gate.last_refusal()[2] < 100 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 100 < other.client._account.gate.last_refusal()[2] <= 121
        told.client.stop()
        assert walk.exception() is not None
    store = told.shared._store
    assert list(peers.read(store.get(KEY), time.time())) == [told.shared._me]
