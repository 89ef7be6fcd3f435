"""Small runs in this process: a shelf for a source, any store, no Prefect (fixture `inline_runs`)."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec

from seawall.clients.api import ApiClient
from seawall.clients.source import ApiSource
from seawall.formats import registry
from seawall.storage.manifest import Manifest
from seawall.storage.store import ObjectStore
from seawall.tasks.context.resources import Resources
from seawall.tasks.options import IngestOptions
from seawall.tasks.run import Run
from seawall.testing.stand_ins import VirtualTime
from seawall.tests.inline import ingested
from seawall.tests.shelf import Shelf

RUN_ID = "11111111-2222-4333-8444-555555555555"


class Carrier(httpx.BaseTransport):
    """Carries requests to a shelf without any socket."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, query = request.url.copy_with(query=None), dict(parse_qsl(request.url.query.decode()))
        headers, body = self.shelf.answer(query, str(url))
        return httpx.Response(200, headers=headers, content=msgspec.json.encode(body))


def run_of(**changes: Any) -> Run:
    """A run of `items` with one id, which starts at one time."""
    fields: dict[str, Any] = {"run_id": RUN_ID, "source": "items", "started": datetime(2026, 1, 1, tzinfo=UTC)}
    return Run(**fields | changes)


def small_run(shelf: Shelf, store: ObjectStore, run: Run | None = None, **options: Any) -> Manifest:
    """Ingest all that a shelf holds, five records a page; raises what a run raises."""
    run = run or run_of(options=IngestOptions(**options))
    source = ApiSource(name="items", url="http://127.0.0.1:9/items", page_size=5, pagination=shelf.pagination)
    time, form = VirtualTime(), registry.build(run.format, run.format_settings)
    client = ApiClient(source, transport=Carrier(shelf), clock=time.clock, sleep=time.sleep)
    with client:
        parent = f"{run.prefix}/items" if run.prefix else "items"
        record_key = run.options.record_key
        resources = Resources(
            source=source, client=client, store=store, format=form, parent=parent, record_key=record_key
        )
        return ingested(run, resources)
