"""Kills at every kind of write to a store: before it, in its middle, after it; nothing is lost, doubled or left behind.

`SEAWALL_FULL=1` lives 600 cases; `SEAWALL_SEED=7` one alone, as a failure prints it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.dev.seaweed import SeaweedFS
from seawall.tests.figures import Figures
from seawall.tests.kills.cases import Case
from seawall.tests.kills.life import Ending, Life
from seawall.tests.kills.mutants import MUTANTS
from seawall.tests.kills.proxy import Proxy
from seawall.tests.kills.strikes import Strike
from seawall.tests.kills.table import KILLS, row_of

pytestmark = pytest.mark.kills

FULL = "SEAWALL_FULL" in os.environ
ONLY = os.environ.get("SEAWALL_SEED")
PATIENCE = 10  # cases within which a planted defect is noticed


def seeds(count: int) -> range:
    """The seeds to try."""
    return range(int(ONLY), int(ONLY) + 1) if ONLY else range(count)


@pytest.fixture(scope="module")
def proxy(seaweed: SeaweedFS) -> Iterator[Proxy]:
    with Proxy(seaweed.url) as proxy:
        yield proxy


@pytest.mark.parametrize("seed", seeds(570 if FULL else 58))
def test_what_is_killed_anywhere_loses_nothing_and_lands_nothing_twice(
    seed: int, tmp_path: Path, seaweed: SeaweedFS, proxy: Proxy, record_property: Figures
) -> None:
    case = Case(seed)
    ending = Life(case, tmp_path, seaweed, proxy).run()
    record_property(KILLS, row_of(case, ending))
    assert _is_whole(ending), f"{case}\n{ending}"


@pytest.mark.parametrize("seed", seeds(30 if FULL else 2))
@pytest.mark.usefixtures("prefect_api")
def test_flows_that_are_killed_anywhere_do_neither(
    seed: int, tmp_path: Path, seaweed: SeaweedFS, proxy: Proxy, record_property: Figures
) -> None:
    case = Case(seed, is_flow=True)
    ending = Life(case, tmp_path, seaweed, proxy).run()
    record_property(KILLS, row_of(case, ending))
    assert _is_whole(ending), f"{case}\n{ending}"


def _is_whole(ending: Ending) -> bool:
    return ending.is_sound and not ending.left


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_order_of_writes_is_noticed(
    mutant: str, tmp_path: Path, seaweed: SeaweedFS, proxy: Proxy, record_property: Figures
) -> None:
    for seed in range(PATIENCE):
        ending = Life(Case(seed), tmp_path / str(seed), seaweed, proxy, mutant).run()
        if not ending.is_sound:
            record_property(mutant, f"noticed by case {seed + 1}: {dict(ending.wrong) or ending.trouble[-200:]}")
            return
    raise AssertionError("nobody notices it")


@pytest.mark.parametrize(
    "strike",
    [
        Strike("preflight", "middle", step=5),
        Strike("plan", "middle", step=5),
        Strike("report", "middle", step=5),
        Strike("receipt", "after"),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [0, 1], ids=["s3", "local"])
def test_a_later_run_removes_what_a_killed_process_was_writing(
    seed: int, strike: Strike, tmp_path: Path, seaweed: SeaweedFS, proxy: Proxy
) -> None:
    case = Case(seed)
    case.strikes, case.later = [strike], []
    ending = Life(case, tmp_path, seaweed, proxy).run()
    assert ending.strikes == [strike]
    assert _is_whole(ending)
