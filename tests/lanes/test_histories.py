"""Random histories of a source: `complete` is true of some moment of the walk, and what passes heals.

`SEAWALL_FULL=1` lives 10,000 of them (make test-histories); `SEAWALL_SEED=7` one alone, as a failure prints it.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from seawall.clients.fetcher import Fetcher
from seawall.clients.pages.identity import Identity
from seawall.clients.pagination.extent import Extent
from seawall.tasks.landing import confirm, walk
from seawall.tasks.publishing import checks
from seawall.tests.figures import Figures
from seawall.tests.histories import History, Holed, fault, live
from seawall.tests.races import Race
from seawall.tests.vendors import Vendor

pytestmark = [pytest.mark.histories, pytest.mark.usefixtures("inline_runs")]

FULL = "SEAWALL_FULL" in os.environ
ONLY = os.environ.get("SEAWALL_SEED")


def seeds(count: int) -> range:
    """The seeds to try."""
    return range(int(ONLY), int(ONLY) + 1) if ONLY else range(count)


@pytest.mark.parametrize(
    ("life", "number"),
    [(History, 400), (Holed, 200), (Vendor, 200)],
    ids=["all pages answer in time", "some pages never answer", "asked as vendors are"],
)
def test_what_is_published_is_true_of_some_moment_and_what_passes_heals(
    life: type[History], number: int, record_property: Figures
) -> None:
    verdicts: Counter[str] = Counter()
    wrong = []
    for seed in seeds(10_000 if FULL else number):
        history = life(seed)
        ending = live(history)
        if trouble := fault(history, ending):
            wrong.append(f"SEAWALL_SEED={seed}: {trouble}; {history}")
        verdicts[ending.manifest.verdict if ending.manifest else type(ending.error).__name__] += 1
    figures = ", ".join(f"{n:,} {name}" for name, n in verdicts.most_common())
    record_property(f"{verdicts.total():,} histories ({life.__name__})", figures)
    assert not wrong, "\n".join(wrong[:10])


Plant = Callable[[pytest.MonkeyPatch], None]
CONFIRM = "seawall.tasks.landing.confirm"


def askings(patch: pytest.MonkeyPatch) -> None:
    for module in ("claims", "numbered", "chained"):
        patch.setattr(f"seawall.clients.walks.{module}.CLAIM_ASKINGS", 1)


def unchecked(name: str) -> Plant:
    """Plants that a check always passes."""
    passing = [
        (lambda evidence, name=check.__name__: checks._passed(name, "")) if check.__name__ == name else check
        for check in checks._CHECKS
    ]
    return lambda patch: patch.setattr(checks, "_CHECKS", tuple(passing))


PLANTED: dict[str, Plant] = {
    "an end is believed at the first asking": askings,
    "nobody looks beyond the last page": lambda patch: patch.setattr(
        f"{CONFIRM}._asked_beyond", lambda _, tally: tally
    ),
    "nobody looks beyond an empty page": lambda patch: patch.setattr(
        "seawall.clients.walks.numbered.LOOK_BEYOND", 0
    ),
    "pages in hand are no argument": lambda patch: patch.setattr(
        Extent, "_reached", lambda extent, number, **_: None
    ),
    "short pages are taken as they come": lambda patch: patch.setattr(Extent, "is_shorter", lambda *_: False),
    "an absent key is an end": lambda patch: patch.setattr(
        "seawall.clients.pagination.chained._Told._without_next", lambda *_, **__: None
    ),
    "errors beside records are not looked at": lambda patch: patch.setattr(Fetcher, "_complains", lambda *_: False),
    "a second walk compares nothing": lambda patch: patch.setattr(
        "seawall.tasks.land.differing_pages", lambda *_: 0
    ),
    "no receipt is superseded": lambda patch: patch.setattr(
        "seawall.tasks.land.may_supersede", lambda *_, **__: False
    ),
    "totals may fall": unchecked("_totals_over_time"),
    "neighbours may share records": lambda patch: patch.setattr(Identity, "shares_with", lambda *_: False),
    "suspicious pages are not asked for at the end": lambda patch: patch.setattr(
        f"{CONFIRM}._healed", lambda _, tally: tally
    ),
    "pages that stay short are nothing to prove": unchecked("_lengths"),
    "the first page is not read again": lambda patch: patch.setattr(
        f"{CONFIRM}._asked_for_first_page", lambda _, tally, **__: tally
    ),
    "keys that records share are nothing to prove": unchecked("_keys_of_walk"),
    "what a page held before is landed again": lambda patch: patch.setattr(
        "seawall.clients.fetcher.without", lambda records, _: records
    ),
    "failed pages are no reason to walk on": lambda patch: patch.setattr(
        walk, "_open_end", lambda *known, ends=walk._open_end: ends(*known[:-1], replace(known[-1], gaps=()))
    ),
    "nobody looks beyond where pages failed": lambda patch: patch.setattr(
        confirm, "_asked_beyond", lambda walker, tally, asks=confirm._asked_beyond:
            tally if tally.gaps else asks(walker, tally)
    ),
}  # fmt: skip


IN_VENDOR: Final = ("keys that records share are nothing to prove", "what a page held before is landed again")
"""Rules that only sources miss that are asked as vendors are."""

IN_HOLED: Final = ("failed pages are no reason to walk on", "nobody looks beyond where pages failed")
"""Rules that only sources miss some of whose pages never answer."""

LATE: Final = {"errors beside records are not looked at": 3_570, "the first page is not read again": 2_220}
"""Where the first history stands that misses a rule, if it comes late; at full size it is looked for."""


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED.keys())
def test_a_rule_that_is_taken_away_is_missed(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, record_property: Figures, request: pytest.FixtureRequest
) -> None:
    plant(monkeypatch)
    name = request.node.callspec.id
    for seed in range(0 if FULL else LATE.get(name, 0), 10_000):
        history = (Holed if name in IN_HOLED else Vendor if name in IN_VENDOR else History)(seed)
        if trouble := fault(history, live(history)):
            record_property(name, f"seed {seed}: {trouble[:100]}")
            return
    raise AssertionError("nobody misses it")


def test_crashes_and_races_lose_nothing_and_leave_nothing(record_property: Figures) -> None:
    told: Counter[str] = Counter()
    wrong = []
    for seed in seeds(1_000 if FULL else 100):
        race = Race(seed)
        if trouble := race.run():
            wrong.append(f"SEAWALL_SEED={seed}: {trouble}; {race}")
        told.update(race.told)
    record_property(
        f"{len(seeds(1_000 if FULL else 100)):,} races", ", ".join(f"{n:,} {name}" for name, n in told.items())
    )
    assert not wrong, "\n".join(wrong[:10])
