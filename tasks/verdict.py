"""The verdict: is it all there, once?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`complete`, `gaps`, `short` or `excess`, with the figures behind it."""

    name: str
    figures: str


def judge(*, records: int, advertised: int | None, gaps: int, rejected: int = 0) -> Verdict:
    """Compare what was landed with what the source advertised last; None where it advertised nothing.

    Records that were set aside are not in the dataset, but accounted for. If several names hold, the first of
    them counts.
    """
    if gaps:
        return Verdict(name="gaps", figures=f"{gaps:,} {'page' if gaps == 1 else 'pages'} missing")
    seen, aside = records + rejected, f", {rejected:,} set aside" if rejected else ""
    if advertised is None:
        return Verdict(name="complete", figures=f"{records:,} records{aside}; every page asked for is there")
    if seen < advertised:
        return Verdict(name="short", figures=f"{records:,} of {advertised:,} advertised records{aside}")
    if seen > advertised:
        return Verdict(name="excess", figures=f"{records:,} records{aside}, {advertised:,} advertised")
    return Verdict(name="complete", figures=f"{records:,} of {advertised:,} advertised records{aside}")
