"""The verdict: is it all there, once?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`complete`, `gaps`, `short` or `excess`, with the figures behind it."""

    name: str
    figures: str


def judge(*, records: int, advertised: int | None, gaps: int) -> Verdict:
    """Compare what was landed with what the source advertised last; None where it advertised nothing.

    If several hold, the first in the order of the names counts.
    """
    if gaps:
        return Verdict(name="gaps", figures=f"{gaps:,} {'page' if gaps == 1 else 'pages'} missing")
    if advertised is None:
        return Verdict(name="complete", figures=f"{records:,} records; every page asked for is there")
    if records < advertised:
        return Verdict(name="short", figures=f"{records:,} of {advertised:,} advertised records")
    if records > advertised:
        return Verdict(name="excess", figures=f"{records:,} records, {advertised:,} advertised")
    return Verdict(name="complete", figures=f"{records:,} of {advertised:,} advertised records")
