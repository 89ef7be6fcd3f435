"""Fixtures: real servers on loopback, and blocks that point to them."""

import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

os.environ |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}

import hypothesis
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness
from prefect_aws import MinIOCredentials, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from seawall.dev.customers import Customers
from seawall.dev.database import copy_migrated_database
from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from seawall.dev.stack import block_values, deploy
from seawall.dev.unstable_api import Faults, Server, UnstableApi
from seawall.tests.certificates import self_signed
from seawall.tests.house import SIZE, House
from seawall.tests.inline import quiet, shorten_backoffs, without_prefect
from seawall.tests.kills.table import KILLS, table
from seawall.tests.simulator import source_of
from seawall.tests.wireserver import Route, WireServer

hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let property tests run untraced: their hundreds of examples take minutes then, and cover what others cover."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.no_cover)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests counted, from whichever process."""
    figures = [each for report in terminalreporter.getreports("passed") for each in report.user_properties]
    for name, figure in figures:
        if name != KILLS:
            terminalreporter.write_line(f"{name}: {figure}")
    for line in table(str(figure) for name, figure in figures if name == KILLS):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prefect's API with a database of its own, shared by all tests of a session."""
    folder = tmp_path_factory.mktemp("prefect")
    copy_migrated_database(folder / "prefect-test.db")
    harness_folder = mock.patch("prefect.testing.utilities.mkdtemp", return_value=str(folder))
    with (
        harness_folder,  # where the harness puts its database, and finds this one
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """SeaweedFS with an empty bucket `raw`: a real S3 server, the judge of storage."""
    with SeaweedFS(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start simulators: `serve(total=…, seed=…, http_500=…)`; they stop after the test."""
    with contextlib.ExitStack() as stack:

        def start(total: int = 5_000, seed: int = 0, late: int = 0, sparse: int = 0, **faults: Any) -> Server:
            customers = Customers(seed=seed, total=total, late_key_from=late, sparse_key_every=sparse)
            return stack.enter_context(Server(UnstableApi(customers, Faults(**faults))))

        yield start


@pytest.fixture
def served() -> Iterator[Callable[[Route], WireServer]]:
    """Start scripted servers: `served(route)`; they stop after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda route: stack.enter_context(WireServer(route))


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """What a scripted server needs to speak TLS: `WireServer(route, tls)`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    return context


@pytest.fixture
def short_backoffs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Milliseconds between the attempts of a request, and before a claim is asked for again."""
    shorten_backoffs(monkeypatch)


@pytest.fixture
def inline_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs without Prefect, in which tasks are run where they are submitted (tests/inline.py)."""
    without_prefect(monkeypatch)
    with quiet():
        yield


@pytest.fixture
def save_source(prefect_api: None) -> Callable[..., str]:
    """Save a simulator as the block `customers`; `save_source(server, page_size=…)` gives its name."""

    def save(server: Server, **changes: Any) -> str:
        source_of(server, **changes).save("customers", overwrite=True)
        return "customers"

    return save


@pytest.fixture
def bucket(prefect_api: None, seaweed: SeaweedFS, request: pytest.FixtureRequest) -> str:
    """A bucket of SeaweedFS for this test alone, saved as the block `s3-bucket/judge`; its name."""
    name = f"test-{abs(hash(request.node.nodeid)):x}"
    seaweed.client().create_bucket(Bucket=name)
    credentials = MinIOCredentials(
        minio_root_user=ACCESS_KEY,
        minio_root_password=SECRET_KEY,
        aws_client_parameters=AwsClientParameters(endpoint_url=seaweed.url),
    )
    S3Bucket(bucket_name=name, credentials=credentials).save("judge", overwrite=True)
    return name


@pytest.fixture(autouse=True)
def _own_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a test writes relative to the working folder outlives it."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def house(seaweed: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all tests of this module: a new server takes half a minute to migrate its database."""
    house = House(tmp_path_factory.mktemp("house"), seaweed)
    with house.api, house.server:
        deploy(house.server, block_values(house.api.url, seaweed.url))
        with temporary_settings({PREFECT_API_URL: f"{house.server.ui}/api"}):
            source_of(house.api, page_size=SIZE).save("customers", overwrite=True)  # with few attempts
        yield house
