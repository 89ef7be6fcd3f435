"""The probe: a flow that asks a saved source, saves what it found where that is wished, and tells of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from seawall.clients.source import ApiSource
from seawall.dev.unstable_api import Server
from seawall.flows.ingest import ingest
from seawall.flows.probe import probe
from seawall.tasks.errors import SettingsError
from seawall.tasks.options import IngestOptions
from seawall.tasks.probe.findings import Findings
from seawall.tests.artifacts import newest
from seawall.tests.shelf import Shelf, strict
from seawall.tests.simulator import source_of
from seawall.tests.wireserver import WireServer, as_json

pytestmark = pytest.mark.usefixtures("prefect_api", "short_backoffs")


def probed(server: WireServer, **changes: Any) -> Findings:
    settings: dict[str, Any] = {"name": "items", "url": f"{server.url}/items", "max_attempts": 3}
    ApiSource(**settings | changes).save("items", overwrite=True)
    return probe("items")


def report() -> str:
    """What the newest probe found, as Prefect shows it."""
    return str(newest("probe").data)


def test_the_simulator_works_as_it_is_saved(serve: Callable[..., Server], save_source: Callable[..., str]) -> None:
    found = probe(save_source(serve(total=25_000, http_500=0.1, http_429=0.1, retry_after=0)))
    assert (found.kind, found.works_as_saved, found.records_path, found.stable) == ("page_number", True, "data", True)
    assert found.records == 25_000
    assert found.totals.startswith("agree: 25,000 records, the last page 25 of 1,000 records holds 1,000")
    assert found.beyond == "page 26 of 25 answers 200, without records"
    assert [(each.page_size, each.records) for each in found.sizes] == [(100, 100), (1000, 1000), (10_000, 10_000)]
    assert found.estimate is not None
    assert found.estimate.pages == -(-25_000 // found.page_size)
    assert found.estimate.in_flight == 8
    text = report()
    assert text.startswith("# page_number: `customers`\n\nThe source works as it is saved.")
    assert "Fields to save" not in text


def test_the_saved_fields_keep_what_else_the_block_holds(served: Callable[..., WireServer]) -> None:
    server = served(strict(Shelf("cursor", 640)))
    found = probed(
        server, auth={"kind": "bearer", "token": "a-bearer-token"}, secret_params={"q": "secret-param"}, max_rate=99
    )
    exec(compile(found.as_python, "artifact", "exec"), {})
    saved = ApiSource.load("items")
    assert isinstance(saved, ApiSource)
    assert (saved.max_rate, saved.query(), saved.pagination.kind) == (99, {"q": "secret-param"}, "cursor")
    assert "a-bearer-token" in saved.secrets()
    assert found.as_json in report()
    assert "a-bearer-token" not in report()
    assert "secret-param" not in report()
    assert json.loads(found.as_json)["pagination"]["next_path"] == "metadata.next"


def test_a_source_that_is_not_there_is_named_with_those_that_are(serve: Callable[..., Server]) -> None:
    source_of(serve()).save("customers", overwrite=True)
    with pytest.raises(SettingsError, match=r"no api-source block is called 'custmers'; there are: .*'customers'"):
        probe("custmers")


def test_what_is_found_is_saved_where_that_is_wished_and_nothing_else_changes(
    served: Callable[..., WireServer],
) -> None:
    probed(served(strict(Shelf("cursor", 640))), secret_params={"q": "secret-param"}, max_rate=99)
    assert "## Fields to save" in report()
    state = probe("items", save=True, return_state=True)
    assert state.message is not None
    assert state.message.startswith("items: cursor, an unknown number of records at data, pages of ")
    assert state.message.endswith("; saved")
    saved = ApiSource.load("items")
    assert isinstance(saved, ApiSource)
    assert (saved.pagination.kind, saved.max_rate, saved.query()) == ("cursor", 99, {"q": "secret-param"})
    assert "## Saved fields" in report()
    options = IngestOptions(page_size=64, record_key="id")
    manifest = ingest("items", format="jsonl", options=options)
    assert (manifest.records, manifest.verdict) == (640, "complete")


def test_nothing_is_saved_where_nothing_was_found(served: Callable[..., WireServer]) -> None:
    server = served(lambda request: as_json({"data": [{"id": number} for number in range(50)]}))
    probed(server)
    before = ApiSource.load("items")
    state = probe("items", save=True, return_state=True)
    assert state.message == "items: no kind of pagination led to a second page"
    assert ApiSource.load("items") == before
