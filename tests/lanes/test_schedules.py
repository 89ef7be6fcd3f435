"""Random schedules of faults: those that must heal end complete and true, the others true or not at all.

`SEAWALL_FULL=1` runs all of them (make test-schedules); `SEAWALL_SEED=7` one alone, as a failure prints it.
"""

import os
from collections import Counter
from collections.abc import Callable

import pytest

from seawall.clients.api import ApiClient
from seawall.testing.stand_ins import VirtualTime
from seawall.tests.figures import Figures
from seawall.tests.schedules import Ending, InProcess, Schedule, fault, run
from seawall.tests.wireserver import WireServer

pytestmark = pytest.mark.usefixtures("inline_runs")

FULL = "SEAWALL_FULL" in os.environ
ONLY = os.environ.get("SEAWALL_SEED")


def endings(count: int, ending_of: Callable[[Schedule], Ending], record_property: Figures) -> None:
    """Run the seeds 0 to `count`, and show how many ended how."""
    told: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    wrong = []
    for seed in [int(ONLY)] if ONLY else range(count):
        schedule = Schedule(seed)
        ending = ending_of(schedule)
        if trouble := fault(schedule, ending):
            wrong.append(f"SEAWALL_SEED={seed}: {trouble}; {schedule}")
        told[f"{'must heal' if schedule.heals else 'others'}: {'failed' if ending.error else ending.verdict}"] += 1
        errors.update([type(ending.error).__name__] if ending.error else [])
    record_property(f"{told.total():,} schedules", _listed(told))
    record_property("their errors", _listed(errors))
    assert not wrong, "\n".join(wrong[:5])


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in sorted(counted.items()))


@pytest.mark.schedules
def test_schedules_in_process_with_a_virtual_clock(record_property: Figures) -> None:
    def ending_of(schedule: Schedule) -> Ending:
        time = VirtualTime()
        return run(
            schedule,
            "https://api.example.com",
            lambda source: ApiClient(
                source,
                max_in_flight=schedule.in_flight,
                transport=InProcess(schedule),
                clock=time.clock,
                sleep=time.sleep,
            ),
        )

    endings(2_000 if FULL else 100, ending_of, record_property)


@pytest.mark.schedules
@pytest.mark.usefixtures("short_backoffs")
def test_schedules_over_sockets(record_property: Figures) -> None:
    def ending_of(schedule: Schedule) -> Ending:
        time = VirtualTime()
        with WireServer(schedule.route) as server:
            return run(
                schedule,
                server.url,
                lambda source: ApiClient(source, max_in_flight=schedule.in_flight, clock=time.clock, sleep=time.sleep),
            )

    endings(200 if FULL else 20, ending_of, record_property)
