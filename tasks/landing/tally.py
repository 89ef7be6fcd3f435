"""The tally: what became of a range of pages."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain

from seawall.storage.documents import Notice
from seawall.storage.manifest import FailedPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of a range of pages: its receipts are in the bucket, its gaps here.

    `end` is the first page that turned out to lie beyond the end, `notice` what came with it about the whole,
    `retries` what the gaps cost, `rejected_records` how many records were set aside.
    """

    gaps: tuple[FailedPage, ...] = ()
    end: int | None = None
    notice: Notice = field(default_factory=Notice)
    retries: Counter[str] = field(default_factory=Counter)
    rejected_records: int = 0

    def and_then(self, *others: "Tally") -> "Tally":
        """This and what came of other ranges."""
        every = (self, *others)
        return Tally(
            gaps=tuple(sorted(chain.from_iterable(each.gaps for each in every), key=lambda gap: gap.page)),
            end=min((each.end for each in every if each.end is not None), default=None),
            notice=max((each.notice for each in every), key=lambda notice: notice.at),
            retries=sum((each.retries for each in every), Counter()),
            rejected_records=sum(each.rejected_records for each in every),
        )
