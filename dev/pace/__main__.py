"""Walk servers with hidden limits, and print how much of them is used and how many requests they reject.

On a virtual clock, unless sockets are asked for: seconds for what takes minutes.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence

from seawall.dev.pace import sockets
from seawall.dev.pace.cases import CASES, drawn
from seawall.dev.pace.policies import Fixed, Learning, Policy
from seawall.dev.pace.servers import Bucket, Cap, Outage, Server, Window
from seawall.dev.pace.world import Outcome, walked
from seawall.tasks.course import chart

SEEDS = (1, 2, 3)
POLICIES: dict[str, Callable[[], Policy]] = {"one": lambda: Fixed(1), "fixed 8": Fixed, "seawall": Learning}
PLOTTED = (
    "100/s, burst 20, 429", "200 in 5 s, RateLimit headers", "20 at once, 100 ms", "80/s, halved 10 s before",
    "knee at 20, 100 ms",
)  # fmt: skip
SHARED: dict[str, Callable[[int], Server]] = {
    "100/s, burst 20, 429": lambda seed: Bucket(seed=seed),
    "40/s, burst 10, 429": lambda seed: Bucket(rate=40, burst=10, seed=seed),
    "200 in 5 s, RateLimit headers": lambda seed: Window(phase=2, tells=True, seed=seed),
    "20 at once, 100 ms": lambda seed: Cap(seed=seed),
}


def main() -> int:
    """Print what is asked for; 1 where a case of the table falls short."""
    parser = argparse.ArgumentParser(prog="python -m seawall.dev.pace", description=__doc__)
    parser.add_argument("what", nargs="*", choices=["table", "plots", "four", "random", "long", "sockets", []])
    parser.add_argument("--servers", type=int, default=1_000, help="random servers (default: 1,000)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first of them (default: 0)")
    given = parser.parse_args()
    what = given.what or ["table", "plots", "four", "random", "long"]
    short = 0
    if "table" in what:
        short = table()
    if "plots" in what:
        plots()
    if "four" in what:
        four()
    if "random" in what:
        random_servers(range(given.first, given.first + given.servers))
    if "long" in what:
        long_run()
    if "sockets" in what:
        sockets.main()
    return 1 if short else 0


def table() -> int:
    """The table of the cases, medians of three seeds; how many fall short."""
    print(f"{'server':34s}" + "".join(f"  {name + ': used, rejected':>26s}" for name in POLICIES))
    short = 0
    for name, case in CASES.items():
        cells, learned = [], (0.0, 0.0, 0.0)
        for policy in POLICIES.values():
            learned = medians([walked(case.server(seed), policy(), learning=case.learning) for seed in SEEDS])
            cells.append(f"{learned[0]:14.2f} {100 * learned[1]:10.1f}%")
        slower = learned[2] / case.server(1).latency
        is_short = learned[0] < case.used or learned[1] > case.rejected or slower > case.slower
        short += is_short
        print(f"{name:34s}  {'  '.join(cells)}  latency x {slower:.2f}{'  SHORT' if is_short else ''}")
    print(f"{len(CASES) - short} of {len(CASES)} as wanted")
    return short


def medians(outcomes: Sequence[Outcome]) -> tuple[float, float, float]:
    """Used, rejected, seconds a page."""
    return (
        statistics.median(each.used for each in outcomes),
        statistics.median(each.rejected for each in outcomes),
        statistics.median(each.latency for each in outcomes),
    )


def plots() -> None:
    """The course of one walk over some of the servers."""
    for name in PLOTTED:
        print(f"\n{name}")
        print("\n".join(chart(walked(CASES[name].server(1), Learning()).course)))


def four() -> None:
    """Four processes that know nothing of each other, on one limit, a minute long."""
    print("\nfour processes on one limit: used, rejected, share of each of what is fair")
    for name, server in SHARED.items():
        for seed in SEEDS:
            outcome = walked(server(seed), *(Learning(seed=n) for n in range(4)), seconds=60, starts=(0, 0.3, 1.1, 2))
            shares = "  ".join(f"{4 * pages / sum(outcome.pages):.2f}" for pages in outcome.pages)
            print(f"{name:34s} {outcome.used:6.2f} {100 * outcome.rejected:5.1f}%   {shares}")


def random_servers(seeds: Sequence[int]) -> None:
    """How the share that is used, and that is rejected, is distributed over servers drawn from seeds."""
    rows = []
    for seed in seeds:
        name, server, reachable = drawn(seed)
        learning = max(5.0, 2 * getattr(server, "period", 0))
        outcome = walked(server, Learning(seed=seed), learning=learning)
        used = outcome.used / min(1.0, reachable) / (1 - server.failing)
        rows.append((used, outcome.rejected, outcome.latency / server.latency, seed, name))
    print(f"\n{len(rows)} random servers, seeds {seeds[0]} to {seeds[-1]}")
    for title, values in (("used", sorted(row[0] for row in rows)), ("rejected", sorted(row[1] for row in rows))):
        cells = (
            f"p{percent} {values[percent * (len(values) - 1) // 100]:.3f}"
            for percent in (1, 5, 10, 25, 50, 75, 90, 95, 99)
        )
        print(f"{title:9s} {'  '.join(cells)}")
    good = sum(row[0] >= 0.93 for row in rows), sum(row[1] <= 0.02 for row in rows)
    print(f"0.93 or more used: {good[0]}; 2% or less rejected: {good[1]}")
    knees = [row[2] for row in rows if row[4].startswith("knee")]
    print(f"knees: {sum(slower <= 1.5 for slower in knees)} of {len(knees)} at 1.5 times their latency or less")
    for title, worst in (
        ("least used", sorted(rows)[:10]),
        ("most rejected", sorted(rows, key=lambda row: -row[1])[:10]),
    ):
        print(title)
        for used, rejected, slower, seed, name in worst:
            print(f"  {used:.2f} used, {100 * rejected:4.1f}% rejected, latency x {slower:.2f}, seed {seed}: {name}")


def long_run() -> None:
    """Twenty minutes at 50/s, with a quarter of an hour of 503 in the middle."""
    outcome = walked(server_of_long_run(), Learning(), seconds=1_195)
    print("\n20 minutes at 50/s, 503 from 150 to 1,050 s")
    print("\n".join(chart(outcome.course)))
    down = walked(server_of_long_run(), Learning(), seconds=900, learning=150).refused
    after = walked(server_of_long_run(), Learning(), seconds=10, learning=1_060)
    print(f"{down} requests in the 900 s; in the second 10 s after its end: {after.used:.2f} used")


def server_of_long_run() -> Server:
    """50/s, with a quarter of an hour of 503."""
    return Outage(rate=50, burst=10, begin=150, end=1050)


if __name__ == "__main__":
    sys.exit(main())
