"""Measure the engine and its writers against bare fetching, dlt and a plain loop; print the table.

Every measurement is a fresh process over the same prepared pages, which nginx serves. Rounds interleave them, each
round beginning with another one, so that what else the machine does hits all alike.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from seawall.dev.bench import profile, table
from seawall.dev.bench.contestants import RIVALS, Contestant, Course, Measured, contestants
from seawall.dev.bench.nginx import Nginx
from seawall.dev.bench.pages import prepare


def main() -> int:
    """Run the benchmark, or profile one run of each contestant that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m seawall.dev.bench", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="records in all (default: 100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--only", default="*", help="what to measure, by commas and wildcards: 'floor,engine *'")
    parser.add_argument("--seed", type=int, default=1, help="seed of the records (default: 1)")
    parser.add_argument("--profile", action="store_true", help="one run of each under cProfile instead of a table")
    given = parser.parse_args()
    wanted = [each for each in contestants() if any(fnmatch(each.name, name) for name in given.only.split(","))]
    if not wanted:
        parser.error(f"--only={given.only} names none of: {', '.join(each.name for each in contestants())}")
    if not RIVALS.exists() and any(each.kind in ("dlt", "loop") for each in wanted):
        parser.error(f"{RIVALS} is missing; 'make bench' makes it, --only='floor,writer *,engine *' does without")
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as name:
        folder = Path(name)
        pages = folder / "pages"
        count = prepare(pages, given.records, given.seed)
        with Nginx(folder / "nginx", pages) as server:
            course = Course(server=server, pages=pages, count=count, records=given.records, folder=folder)
            if given.profile:
                show_profiles(course, wanted)
            else:
                before = os.getloadavg()[0]
                rounds = measure(course, wanted, given.rounds)
                print(table.render(rounds, given.records, (before, os.getloadavg()[0])))
    return 0


def measure(course: Course, wanted: Sequence[Contestant], rounds: int) -> dict[str, list[Measured]]:
    """Every run of every contestant, by name."""
    measured: dict[str, list[Measured]] = {each.name: [] for each in wanted}
    for number in range(rounds):
        start = number % len(wanted)
        for each in (*wanted[start:], *wanted[:start]):
            run = each.run(course)
            measured[each.name].append(run)
            print(f"round {number + 1}: {each.name} {run.seconds:.2f} s", file=sys.stderr, flush=True)
    return measured


def show_profiles(course: Course, wanted: Sequence[Contestant]) -> None:
    """Print where the CPU time of each contestant goes; under the profiler it takes about twice as long."""
    for each in wanted:
        path = course.folder / "profile"
        print(f"{each.name}: {each.run(course, path).seconds:.2f} s under the profiler")
        profile.show(str(path))


if __name__ == "__main__":
    sys.exit(main())
