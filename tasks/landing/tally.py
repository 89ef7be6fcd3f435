"""The tally: what became of a range of pages."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain

from seawall.storage.documents import Notice
from seawall.storage.manifest import FailedPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came of asking the source once more, when all was landed; None is what was not asked for, or not to be had.

    `beyond` tells whether a page behind the last one holds records, `refusal` why that could not be seen;
    `first_page_moved` whether the first page was another one at the end, `goes_on` whether the source told of more each
    time that it was asked. The walk was made `passes` times; in the last
    of them `differing_pages` came differently.
    """

    beyond: bool | None = None
    refusal: str = ""
    first_page_moved: bool | None = None
    goes_on: bool = False
    passes: int = 1
    differing_pages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of a range of pages: its receipts are in the bucket, its gaps here.

    `end` is the first page that turned out to lie beyond the end, `notice` what came with it about the whole, `reach`
    the last page that was seen to hold records, `retries` what the gaps cost, `rejected_records` how many records were
    set aside, `columns` the names of those that all files will have, `differing_pages` how many came differently than
    their receipt says. Pages outside of any receipt were asked for again `asked_again` times. `landed` holds the first
    page and the generation of each receipt.
    """

    gaps: tuple[FailedPage, ...] = ()
    end: int | None = None
    notice: Notice = field(default_factory=Notice)
    reach: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    rejected_records: int = 0
    columns: frozenset[str] = frozenset()
    differing_pages: int = 0
    asked_again: int = 0
    landed: tuple[tuple[int, int], ...] = ()
    proof: Proof = field(default_factory=Proof)

    def with_look_beyond(self, look: "Tally") -> "Tally":
        """This and what a look beyond the last page came to."""
        proof = replace(self.proof, beyond=look.proof.beyond, refusal=look.proof.refusal)
        return replace(self.and_then(look), proof=proof)

    def and_then(self, *others: "Tally") -> "Tally":
        """This and what came of other ranges; the proof is this one's."""
        every = (self, *others)
        return Tally(
            gaps=tuple(sorted(chain.from_iterable(each.gaps for each in every), key=lambda gap: gap.page)),
            end=min((each.end for each in every if each.end is not None), default=None),
            notice=max((each.notice for each in every), key=lambda notice: notice.at),
            reach=max(each.reach for each in every),
            retries=sum((each.retries for each in every), Counter()),
            rejected_records=sum(each.rejected_records for each in every),
            columns=frozenset().union(*(each.columns for each in every)),
            differing_pages=sum(each.differing_pages for each in every),
            asked_again=sum(each.asked_again for each in every),
            landed=tuple(chain.from_iterable(each.landed for each in every)),
            proof=self.proof,
        )
