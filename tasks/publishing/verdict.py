"""The verdict: is it all there, once?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about the whole; None is what nobody asked for, or nobody told.

    `rejected` records were set aside: they are not in the dataset, but accounted for. `advertised` is the source's last
    word on the number of records, `duplicates` how many have a record key that
    came before, `keyless` how many have none, `shifted` whether the first page was another one at the end.
    """

    records: int
    advertised: int | None
    gaps: int
    duplicates: int | None = None
    keyless: int = 0
    shifted: bool | None = None
    rejected: int = 0

    @property
    def sent(self) -> int:
        """How many records the source sent."""
        return self.records + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`complete`, `gaps`, `short`, `excess`, `duplicated` or `shifted`, with the figures behind it."""

    name: str
    figures: str


def judge(found: Evidence) -> Verdict:
    """Compare what was landed with what the source advertised and shows at the end.

    If several hold, the first in the order of the names counts; the figures tell them all.
    """
    names = [name for name, holds in _FINDINGS.items() if holds(found)]
    return Verdict(name=names[0] if names else "complete", figures="; ".join(_told(found)))


_FINDINGS: Final[dict[str, Callable[[Evidence], bool]]] = {
    "gaps": lambda found: found.gaps > 0,
    "short": lambda found: found.advertised is not None and found.sent < found.advertised,
    "excess": lambda found: found.advertised is not None and found.sent > found.advertised,
    "duplicated": lambda found: bool(found.duplicates),
    "shifted": lambda found: bool(found.shifted),
}


def _told(found: Evidence) -> list[str]:
    told = [f"{_counted(found.gaps, 'page')} missing"] if found.gaps else [_compared(found)]
    if found.duplicates is not None:
        told.append(f"{_counted(found.duplicates, 'record')} with a key that came before")
    if found.keyless:
        told.append(f"{_counted(found.keyless, 'record')} without a key")
    if found.shifted:
        told.append("the first page was another one at the end")
    return told


def _compared(found: Evidence) -> str:
    aside = f", {found.rejected:,} set aside" if found.rejected else ""
    if found.advertised is None:
        return f"{found.records:,} records{aside}; every page asked for is there"
    if found.sent > found.advertised:
        return f"{found.records:,} records{aside}, {found.advertised:,} advertised"
    return f"{found.records:,} of {found.advertised:,} advertised records{aside}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
