"""Servers that we did not write: datasette and a Django REST framework site, landed whole and compared with their
databases field by field."""

import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from seawall.clients.source import ApiSource
from seawall.dev.process import ROOT, Process, free_ports, wait_for
from seawall.flows.ingest import ingest
from seawall.flows.probe import probe
from seawall.storage.manifest import Manifest
from seawall.tasks.options import IngestOptions
from seawall.tests.artifacts import newest
from seawall.tests.figures import Figures

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("prefect_api")]

ROWS = 50_000  # of datasette
ORDERS = 20_000  # of Django
TOKEN_SECONDS = 2


class Peer:
    """A server in a process of its own: where it listens, what it logged, its database."""

    def __init__(self, command: list[str], database: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.database = database
        self.log = database.with_suffix(".log")
        self._process = Process(command, log=self.log, environment={"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"})
        wait_for(self._answers, self._process, command[2])

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url, timeout=2).status_code < 500
        except httpx.HTTPError:
            return False

    def logged(self, pattern: str) -> int:
        """How many lines of the log match."""
        return sum(bool(re.search(pattern, line)) for line in self.log.read_text().splitlines())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            return connection.execute(query).fetchall()

    def stop(self) -> None:
        self._process.kill()


@pytest.fixture(scope="module")
def datasette(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    database = tmp_path_factory.mktemp("datasette") / "shop.db"
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE readings (id INTEGER PRIMARY KEY, place TEXT, degrees REAL, note TEXT, seen INT)"
        )
        notes = (None, "", 'a "quoted", word', "two\nlines", "Zürich \U0001f6a2", "=1+1", "null", "007")
        connection.executemany(
            "INSERT INTO readings VALUES (?, ?, ?, ?, ?)",
            ((n, f"place {n % 991}", n * 7 % 1000 / 8, notes[n % 8], n * 2**33) for n in range(1, ROWS + 1)),
        )
    (port,) = free_ports(1)
    peer = Peer([sys.executable, "-m", "datasette", "serve", str(database), "--port", str(port)], database, port)
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    database = tmp_path_factory.mktemp("django") / "orders.db"
    (port,) = free_ports(1)
    site = [
        sys.executable,
        "-m",
        "seawall.tests.peers.orders_site",
        str(port),
        str(database),
        str(ORDERS),
        str(TOKEN_SECONDS),
    ]
    peer = Peer(site, database, port)
    yield peer
    peer.stop()


READINGS: dict[str, Any] = {
    "pagination": {
        "kind": "next_url",
        "next_path": "next_url",
        "size_param": "_size",
        "total_records_path": "filtered_table_rows_count",
    },
    "records_path": "rows",
}
PAGINATIONS: dict[str, dict[str, Any]] = {
    "numbers": {
        "kind": "page_number",
        "size_param": "page_size",
        "total_pages_path": "",
        "total_records_path": "count",
    },
    "offsets": {"kind": "offset", "total_records_path": "count"},
    "cursors": {"kind": "next_url", "size_param": "page_size"},
}


def save_readings(peer: Peer, **fields: Any) -> str:
    settings: dict[str, Any] = {"name": "readings", "url": f"{peer.url}/shop/readings.json"}
    ApiSource(**settings | {"params": {"_shape": "objects"}} | fields).save("readings", overwrite=True)
    return "readings"


def save_orders(peer: Peer, kind: str, **fields: Any) -> str:
    login = {
        "kind": "login",
        "login_url": f"{peer.url}/token/",
        "refresh_url": f"{peer.url}/token/refresh/",
        "username": "lander",
        "password": "lander-password",
        "refresh_field": "refresh",
        "access_token_path": "access",
        "refresh_token_path": "refresh",
    }
    settings: dict[str, Any] = {"name": "orders", "url": f"{peer.url}/{kind}/", "auth": login}
    ApiSource(**settings | fields).save("orders", overwrite=True)
    return "orders"


def lines(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for part in manifest.parts:
        with Path("data", part.key).open() as file:
            yield from map(json.loads, file)


def as_stored(order: dict[str, Any]) -> tuple[Any, ...]:
    """An order as SQLite shows it."""
    placed = order["placed"].replace("T", " ").removesuffix("Z")
    return order["id"], order["customer"], Decimal(order["amount"]), placed, order["note"]


def orders(peer: Peer) -> list[tuple[Any, ...]]:
    stored = peer.rows("SELECT id, customer, amount, placed, note FROM orders_order ORDER BY id")
    return [
        (key, who, Decimal(str(amount)).quantize(Decimal("0.01")), when, note)
        for key, who, amount, when, note in stored
    ]


def test_a_table_of_datasette_is_landed_row_by_row(datasette: Peer) -> None:
    manifest = ingest(save_readings(datasette, **READINGS), format="parquet", options=IngestOptions(record_key="id"))
    assert (manifest.verdict, manifest.records, len(manifest.pages)) == ("complete", ROWS, ROWS // 1_000)
    tables = [pq.read_table(Path("data", part.key)) for part in manifest.parts]
    landed = [tuple(row.values()) for table in tables for row in table.to_pylist()]
    assert landed == datasette.rows("SELECT id, place, degrees, note, seen FROM readings ORDER BY id")


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_a_django_site_is_landed_row_by_row_while_its_tokens_expire(
    kind: str, django: Peer, record_property: Figures
) -> None:
    refreshed, refused = (r'"POST /token/refresh/ HTTP/1.1" 200', rf'"GET /{kind}/.*" 401')
    before = django.logged(refreshed)
    manifest = ingest(
        save_orders(django, kind, pagination=PAGINATIONS[kind], page_size=100, records_path="results"),
        format="jsonl",
        options=IngestOptions(record_key="id", pages_per_part=50),
    )
    assert (manifest.verdict, manifest.records, manifest.failed_pages) == ("complete", ORDERS, ())
    assert [as_stored(order) for order in lines(manifest)] == orders(django)
    assert 1 <= django.logged(refreshed) - before <= django.logged(refused)
    record_property(f"Django, {kind}", f"{manifest.records:,} orders, {django.logged(refreshed) - before} refreshes")


def test_a_probe_of_datasette_finds_the_links(datasette: Peer) -> None:
    found = probe(save_readings(datasette))
    assert (found.kind, found.works_as_saved, found.stable, found.records) == ("next_url", False, True, ROWS)
    assert found.fields == {"records_path": "rows", "page_size": 1000, "pagination": found.pagination}
    assert found.pagination["next_path"] == "next_url"
    assert found.pagination["size_param"] == "_size"
    exec(compile(found.as_python, "artifact", "exec"), {})
    assert ingest("readings", format="jsonl").records == ROWS


@pytest.mark.parametrize(
    ("kind", "found_as"), [("numbers", "page_number"), ("offsets", "offset"), ("cursors", "next_url")]
)
def test_a_probe_of_a_django_site_finds_its_pagination(kind: str, found_as: str, django: Peer) -> None:
    found = probe(save_orders(django, kind))
    assert (found.kind, found.works_as_saved, found.stable, found.records_path) == (found_as, False, True, "results")
    assert found.records == (None if kind == "cursors" else ORDERS)
    assert f"# {found_as}: `orders`" in str(newest("probe").data)
    exec(compile(found.as_python, "artifact", "exec"), {})
    manifest = ingest("orders", format="jsonl")
    assert (manifest.verdict, manifest.records) == ("complete", ORDERS)
