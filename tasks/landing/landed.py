"""Landed: what became of a range of pages."""

from collections import Counter
from dataclasses import dataclass
from itertools import chain

from seawall.storage.documents import Totals
from seawall.storage.manifest import FailedPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What became of a range of pages: its receipts are in the bucket, its gaps here.

    `end` is the first page that turned out to lie beyond the end, `told` the totals that came with it and when, in
    seconds since 1970, `retries` what the gaps cost, `rejected` how many records were set aside.
    """

    gaps: tuple[FailedPage, ...] = ()
    end: int | None = None
    told: tuple[float, Totals] = (0.0, Totals())
    retries: Counter[str]
    rejected: int = 0

    def and_then(self, *others: "Landed") -> "Landed":
        """This and what came of other ranges."""
        every = (self, *others)
        return Landed(
            gaps=tuple(sorted(chain.from_iterable(each.gaps for each in every), key=lambda gap: gap.page)),
            end=min((each.end for each in every if each.end is not None), default=None),
            told=max((each.told for each in every), key=lambda told: told[0]),
            retries=sum((each.retries for each in every), Counter()),
            rejected=sum(each.rejected for each in every),
        )
