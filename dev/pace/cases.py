"""The servers that are measured."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seawall.clients.limits import MAX_IN_FLIGHT
from seawall.dev.pace.servers import Bucket, Cap, Knee, Server, Sliding, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A server, and what is wanted of a walk over it: at least so much used, at most so much rejected."""

    server: Callable[[int], Server]
    used: float = 0.93
    rejected: float = 0.02
    slower: float = math.inf  # times the latency of the server
    learning: float = 5.0  # seconds before it counts


CASES: Mapping[str, Case] = {
    "100/s, burst 20, 429": Case(server=lambda seed: Bucket(seed=seed)),
    "the same, Retry-After 1": Case(server=lambda seed: Bucket(retry_after=1, seed=seed)),
    "7/s, burst 2": Case(server=lambda seed: Bucket(rate=7, burst=2, seed=seed), used=0.85, rejected=0.05),
    "80/s, halved 10 s before": Case(
        server=lambda seed: Bucket(rate=80, seed=seed).change(15, 40), used=0.9, learning=25
    ),
    "80/s, doubled 10 s before": Case(
        server=lambda seed: Bucket(rate=80, seed=seed).change(15, 160), used=0.9, learning=25
    ),
    "200 in 5 s, RateLimit headers": Case(server=lambda seed: Window(phase=2, tells=True, seed=seed)),
    "200 in 5 s, nothing told": Case(server=lambda seed: Window(phase=2, seed=seed)),
    "100 in 4 s, 503 with Retry-After": Case(
        server=lambda seed: Window(quota=100, period=4, phase=1, status=503, names_time=True, seed=seed)
    ),
    "200 in any 5 s": Case(server=lambda seed: Sliding(seed=seed)),
    "20 at once, 100 ms": Case(server=lambda seed: Cap(seed=seed)),
    "3 at once, 503 beyond": Case(server=lambda seed: Cap(most=3, status=503, seed=seed)),
    "no limit, 300 ms": Case(server=lambda seed: Knee(workers=MAX_IN_FLIGHT, latency=0.3, seed=seed), used=0.9),
    "knee at 20, 100 ms": Case(server=lambda seed: Knee(seed=seed), used=0.9, slower=1.5),
    "knee at 5, 200 ms": Case(server=lambda seed: Knee(workers=5, latency=0.2, seed=seed), used=0.9, slower=1.5),
    "5% of 500s, 100 ms": Case(server=lambda seed: Knee(workers=MAX_IN_FLIGHT, failing=0.05, seed=seed), used=0.855),
    "5% of 429s, whatever is asked": Case(
        server=lambda seed: Knee(workers=MAX_IN_FLIGHT, refusing=0.05, seed=seed), used=0.75, rejected=0.06
    ),
    "5% of 429s, Retry-After 1": Case(
        server=lambda seed: Knee(workers=MAX_IN_FLIGHT, refusing=0.05, names="1", seed=seed), used=0.02, rejected=0.2
    ),
}


def drawn(seed: int) -> tuple[str, Server, float]:
    """A server from a seed: its name, itself, and the share of its limit that MAX_IN_FLIGHT requests can reach."""
    draw = random.Random(seed)
    kind = draw.choice(["bucket", "bucket", "window", "sliding", "cap", "knee"])
    latency = math.exp(draw.uniform(math.log(0.02), math.log(0.6)))
    jitter, failing = draw.choice([0.0, 0.1, 0.3, 0.6]), draw.choice([0.0, 0.0, 0.01, 0.05])
    common: dict[str, Any] = {"latency": latency, "jitter": jitter, "failing": failing, "seed": seed}
    status = draw.choice([429, 429, 503])
    most = MAX_IN_FLIGHT / latency
    about = f"latency {latency:.3f} s, jitter {jitter}, failing {failing}"
    if kind == "bucket":
        rate = math.exp(draw.uniform(math.log(3), math.log(300)))
        burst = max(1, round(rate * draw.choice([0.05, 0.2, 1, 2])))
        after = draw.choice([None, None, 1, 0.5])
        server = Bucket(rate=rate, burst=burst, status=status, retry_after=after, **common)
        return f"bucket {rate:.1f}/s, burst {burst}, {status}, Retry-After {after}; {about}", server, most / rate
    if kind in ("window", "sliding"):
        period = draw.choice([1, 4, 10])
        quota = max(3, round(math.exp(draw.uniform(math.log(3), math.log(300))) * period))
        names_time, tells = draw.random() < 0.5, kind == "window" and draw.random() < 0.5
        make = Window if kind == "window" else Sliding
        window = make(
            quota=quota, period=period, status=status, names_time=names_time, tells=tells,
            phase=draw.uniform(0, period) if kind == "window" else 0.0, **common,
        )  # fmt: skip
        told = f"{status}, Retry-After {names_time}, headers {tells}"
        return f"{kind} {quota} in {period} s, {told}; {about}", window, most * period / quota
    many = draw.randint(1, 60)
    if kind == "cap":
        return f"cap {many}, {status}; {about}", Cap(most=many, status=status, **common), math.inf
    return f"knee {many}; {about}", Knee(workers=many, **common), math.inf
