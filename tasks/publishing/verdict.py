"""The verdict: is it all there, once?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from seawall.tasks.publishing.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`complete`, `gaps`, `short`, `excess`, `duplicated` or `shifted`, with the figures behind it."""

    name: str
    figures: str


def judge(evidence: Evidence) -> Verdict:
    """Compare what was landed with what the source advertised and shows at the end.

    If several hold, the first in the order of the names counts; the figures tell them all.
    """
    names = [name for name, holds in _FAULTS.items() if holds(evidence)]
    return Verdict(name=names[0] if names else "complete", figures="; ".join(_figures(evidence)))


_FAULTS: Final[dict[str, Callable[[Evidence], bool]]] = {
    "gaps": lambda evidence: evidence.gaps > 0,
    "short": lambda evidence: evidence.advertised is not None and evidence.sent_records < evidence.advertised,
    "excess": lambda evidence: evidence.advertised is not None and evidence.sent_records > evidence.advertised,
    "duplicated": lambda evidence: bool(evidence.duplicates),
    "shifted": lambda evidence: bool(evidence.first_page_moved),
}


def _figures(evidence: Evidence) -> list[str]:
    figures = [f"{_count(evidence.gaps, 'page')} missing"] if evidence.gaps else [_comparison(evidence)]
    if evidence.duplicates is not None:
        figures.append(f"{_count(evidence.duplicates, 'record')} with a key that came before")
    if evidence.keyless:
        figures.append(f"{_count(evidence.keyless, 'record')} without a key")
    if evidence.first_page_moved:
        figures.append("the first page was another one at the end")
    return figures


def _comparison(evidence: Evidence) -> str:
    aside = f", {evidence.rejected_records:,} set aside" if evidence.rejected_records else ""
    if evidence.advertised is None:
        return f"{evidence.records:,} records{aside}; every page asked for is there"
    if evidence.sent_records > evidence.advertised:
        return f"{evidence.records:,} records{aside}, {evidence.advertised:,} advertised"
    return f"{evidence.records:,} of {evidence.advertised:,} advertised records{aside}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
