"""The table of results: medians of rounds, and ratios of what was measured in the same round."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Final

from seawall.dev.bench.contestants import Measured
from seawall.dev.bench.pages import RECORD_BYTES

Rounds = Mapping[str, Sequence[Measured]]

AIMS: Final = (
    ("engine csv", "floor", 0.25),
    ("engine jsonl", "floor", 0.5),
    ("engine parquet", "floor", 0.25),
    ("engine csv", "dlt csv", 10.0),
    ("engine csv", "loop csv", 3.0),
)


def ratio(rounds: Rounds, name: str, other: str) -> float | None:
    """How many times as fast as the other one, the median over rounds; None where one was not measured."""
    if name not in rounds or other not in rounds:
        return None
    pairs = zip(rounds[name], rounds[other], strict=True)
    return median(theirs.seconds / ours.seconds for ours, theirs in pairs)


def render(rounds: Rounds, records: int, load: tuple[float, float]) -> str:
    """The results as Markdown; `load` is the machine's load average before and after."""
    count = len(next(iter(rounds.values())))
    return "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d}: {records:,} records of {RECORD_BYTES} bytes, medians of {count}, "
            f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
            f"load {load[0]:.1f} before and {load[1]:.1f} after.",
            "",
            *_table(
                ("measured", "seconds", "min–max", "records/s", "of the floor", "× dlt", "× loop", "MiB"),
                (_row(rounds, name, records) for name in rounds),
            ),
            "",
            *_table(("aim", "wanted", "measured"), _aims(rounds)),
            "",
            *_table(("seconds of", "plan", "land", "publish"), _phases(rounds)),
        ]
    )


def _row(rounds: Rounds, name: str, records: int) -> tuple[str, ...]:
    seconds = [each.seconds for each in rounds[name]]
    format = name.rpartition(" ")[2]
    others = (ratio(rounds, name, other) for other in ("floor", f"dlt {format}", f"loop {format}"))
    memory = "" if name.startswith("writer") else f"{median(each.mebibytes for each in rounds[name]):.0f}"
    return (
        name,
        f"{median(seconds):.2f}",
        f"{min(seconds):.2f}–{max(seconds):.2f}",
        f"{records / median(seconds):,.0f}",
        *("" if each is None else f"{each:.2f}" for each in others),
        memory,
    )


def _aims(rounds: Rounds) -> Iterable[tuple[str, ...]]:
    for name, other, wanted in AIMS:
        found = ratio(rounds, name, other)
        told = "not measured" if found is None else f"{found:.2f}{'' if found >= wanted else ', missed'}"
        yield f"{name} against {other}", f"≥ {wanted:g}", told


def _phases(rounds: Rounds) -> Iterable[tuple[str, ...]]:
    for name, runs in rounds.items():
        if phases := runs[0].phases:
            yield name, *(f"{median(run.phases[phase] for run in runs):.2f}" for phase in phases)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
