"""What proof costs on a healthy source of 100 pages: requests and seconds more than the walk itself takes."""

import json
import uuid
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import httpx
import pytest

from seawall.clients.api import ApiClient
from seawall.clients.limits import LOOK_BEYOND
from seawall.clients.source import ApiSource
from seawall.formats import registry
from seawall.formats.writer import Settings
from seawall.tasks.context.resources import Resources
from seawall.tasks.options import IngestOptions
from seawall.tasks.run import Run
from seawall.testing.stand_ins import VirtualTime
from seawall.tests.figures import Figures
from seawall.tests.inline import ingested
from seawall.tests.schedules import MemoryStore
from seawall.tests.shelf import KINDS, Shelf

pytestmark = [pytest.mark.histories, pytest.mark.usefixtures("inline_runs")]

PAGES, SIZE = 100, 5
AIM = 4  # requests more than pages


class Counted(httpx.BaseTransport):
    """A shelf that counts what it is asked for, by the place of the first record."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.asked: Counter[int] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode()))
        self.asked[self.shelf._begin(query, SIZE)] += 1
        headers, body = self.shelf.answer(query, "http://127.0.0.1:9/items")
        return httpx.Response(200, headers=headers, content=json.dumps(body).encode())


@pytest.mark.parametrize("last", [SIZE, SIZE - 2], ids=["last page full", "last page short"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("pages from 0", "relative next_url")])
def test_proof_costs_four_requests_at_the_most(kind: str, last: int, record_property: Figures) -> None:
    shelf = Shelf(kind, total=(PAGES - 1) * SIZE + last)
    source = ApiSource(name="items", url="http://127.0.0.1:9/items", page_size=SIZE, pagination=shelf.pagination)
    transport, time = Counted(shelf), VirtualTime()
    run = Run(run_id=str(uuid.UUID(int=7, version=4)), source="items", started=datetime(2026, 1, 1, tzinfo=UTC),
              options=IngestOptions(max_in_flight=1))  # fmt: skip
    with ApiClient(source, max_in_flight=1, transport=transport, clock=time.clock, sleep=time.sleep) as client:
        form = registry.build("csv", Settings())
        resources = Resources(source=source, client=client, store=MemoryStore(), format=form, parent="items")
        manifest = ingested(run, resources)
    assert (manifest.verdict, manifest.records) == ("complete", shelf.total)
    requests = transport.asked.total()
    ahead = sum(count for begin, count in transport.asked.items() if begin > PAGES * SIZE)
    record_property(
        f"{kind}, last page of {last}",
        f"{requests} requests: {requests - PAGES - ahead} more than pages, {ahead} read ahead beyond the end; "
        f"{time.clock():.0f} s waited",
    )
    assert requests - PAGES - ahead <= AIM
    assert ahead <= LOOK_BEYOND + 1
