"""All cases of the lane, counted: by store, kind of write and moment."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from seawall.tests.kills.cases import KINDS, Case
from seawall.tests.kills.judge import LEFTOVERS
from seawall.tests.kills.life import Ending
from seawall.tests.kills.strikes import MOMENTS

KILLS: Final = "kills"  # the name of the property of a test that holds a row
_WRONG: Final = ("lost", "doubled", "wrong")
_HEAD: Final = ("store", "write", *MOMENTS, "resumes", *_WRONG, *LEFTOVERS)


def row_of(case: Case, ending: Ending) -> str:
    """What a case came to, as a line of JSON."""
    counts = {name: ending.wrong[name] for name in _WRONG[:2]}
    counts["wrong"] = ending.wrong.total() - sum(counts.values()) + bool(ending.trouble)
    strikes = [(strike.kind, strike.moment) for strike in ending.strikes]
    return json.dumps(
        {
            "store": case.store, "strikes": strikes, "missed": len(ending.missed), "resumes": ending.processes - 1,
            **counts, **{name: ending.left[name] for name in LEFTOVERS},
        }
    )  # fmt: skip


def table(rows: Iterable[str]) -> list[str]:
    """The lines of the table; a case counts in the line of each write that it was struck at, and once in the sum."""
    cases = [json.loads(row) for row in rows]
    if not cases:
        return []
    lines = [_line(store, kind, cases) for store, kinds in KINDS.items() for kind in kinds]
    missed = sum(case["missed"] for case in cases)
    lines.append(_sum(("all", f"{len(cases)} cases"), cases, [strike for case in cases for strike in case["strikes"]]))
    widths = [max(map(len, column)) for column in zip(_HEAD, *lines, strict=True)]
    texts = ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in (_HEAD, *lines)]
    return [*texts, f"strikes that met no such write: {missed}"]


def _line(store: str, kind: str, cases: Sequence[dict[str, Any]]) -> list[str]:
    struck = [case for case in cases if case["store"] == store and any(kind == each for each, _ in case["strikes"])]
    return _sum((store, kind), struck, [strike for case in struck for strike in case["strikes"] if strike[0] == kind])


def _sum(names: tuple[str, str], cases: Sequence[dict[str, Any]], strikes: Sequence[Sequence[str]]) -> list[str]:
    moments = Counter(moment for _, moment in strikes)
    figures = [sum(case[name] for case in cases) for name in ("resumes", *_WRONG, *LEFTOVERS)]
    return [*names, *(str(number) for number in (*(moments[moment] for moment in MOMENTS), *figures))]
