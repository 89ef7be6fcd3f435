"""How far a source goes, as its pages tell and show."""

from threading import Lock

from seawall.clients.limits import MAX_EMPTY_PAGES, MAX_SHORT_PAGES
from seawall.clients.pages.page import Totals


def last_page(first_page: int, pages: int | None) -> int | None:
    """The number of the last of `pages` pages, an empty source having one; None where nobody says how many."""
    return None if pages is None else first_page + max(pages, 1) - 1


def plausible(totals: Totals, *, ordinal: int, records: int) -> Totals:
    """What page `ordinal` (from 1) with these records can mean: a number that the page itself refutes tells nothing.

    Sources count the page in place of the whole, or answer 0 and 1 on all pages but the first.
    """
    pages, whole = totals.pages, totals.records
    if records and pages is not None and pages < ordinal:
        pages = None
    if records and whole is not None and (whole < records or (ordinal > 1 and whole <= records)):
        whole = None
    return Totals(pages=pages, records=whole)


class Extent:
    """What the pages of a walk say and show of its end; one for all threads of a process. Thread-safe.

    `totals` is what a page said last, `largest` the largest numbers that any ever said: one glitch must not turn a page
    that is missing into one beyond the end. `longest` is the number of records of the longest page, `reach` the last
    page that came with records, `promised` the last one that any page said is there, `hollow` the last one that is
    known to be empty though the walk goes on, `unkept` the last one without records that said that others follow.
    `page_size` is how many records are asked for in a page.
    """

    def __init__(self, *, first_page: int, page_size: int) -> None:
        self.totals = self.largest = Totals()
        self.longest = 0
        self.reach = first_page - 1
        self.promised = self.unkept = first_page - 1
        self.hollow: int | None = None
        self._first_page = first_page
        self.page_size = page_size
        self._end: int | None = None  # the first page beyond the end
        self._full_pages = 0
        self._short_pages = 0  # that stayed so, though they were asked for again
        self._lock = Lock()

    def learn(self, totals: Totals, *, number: int, records: int = 0, says_more: bool = False) -> None:
        """Keep what page `number` with so many records says of the whole; saying nothing takes nothing back."""
        with self._lock:
            if totals != Totals():
                self.totals = totals
                self.largest = self.largest.larger(totals)
                self._reached(self.last(totals) or 0, with_records=False)
            if says_more and not records:
                self.unkept = max(self.unkept, number)
            if says_more and (records or number <= self.reach + MAX_EMPTY_PAGES):
                self.promised = max(self.promised, number + 1)
            if records:
                self._reached(number)
                self._full_pages = self._full_pages + 1 if records == self.longest else self._full_pages
            if records > self.longest:
                self.longest, self._full_pages = records, 1

    def expect(self, totals: Totals, *, reach: int, longest: int = 0) -> None:
        """Go by what another process heard and landed, perhaps."""
        with self._lock:
            self.largest = self.largest.larger(totals)
            if self.totals == Totals():
                self.totals = totals
            self._reached(reach)
            if longest > self.longest:
                self.longest, self._full_pages = longest, 1

    def _reached(self, number: int, *, with_records: bool = True) -> None:
        """Page `number` holds records, or is said to, so no page before it lies beyond the end."""
        if with_records:
            self.reach = max(self.reach, number)
        if self._end is not None and number >= self._end:
            self._end = None

    def last(self, totals: Totals) -> int | None:
        """The number of the last page by `totals`; None where they do not say."""
        return last_page(self._first_page, totals.pages)

    def promises(self, number: int) -> bool:
        """Whether the number of records that was told is not there yet before page `number`, if all pages are long."""
        before = (number - self._first_page) * (self.longest or self.page_size)
        return self.largest.records is not None and before < self.largest.records

    def behind(self) -> int:
        """A page that lies behind the last one, by what was told."""
        pages = self.largest.pages
        if pages is None:
            pages = -(-(self.largest.records or 0) // (self.longest or self.page_size))
        return self._first_page + max(pages, self.reach - self._first_page + 1)

    def is_shorter(self, records: int) -> bool:
        """Whether a page of so many records is shorter than others, in a source whose pages are alike in length."""
        return self.is_no_longer(records) and records < self.longest

    def is_no_longer(self, records: int) -> bool:
        """Whether a page of so many records is at most as long as others, which may be short as well, in such a source.

        The first page is as long as itself, so only asking again tells whether something of it is away.
        """
        is_regular = self._short_pages <= min(self._full_pages, MAX_SHORT_PAGES)
        return is_regular and 0 < records <= self.longest

    def is_exactly_the_rest(self, number: int, records: int) -> bool:
        """Whether page `number` with so many records is the last one, to the record, by the number that was told."""
        before = (number - self._first_page) * self.longest
        return self.largest.records is not None and before + records == self.largest.records

    def stayed_short(self) -> None:
        """A page that is shorter than others was asked for again, and is no longer."""
        with self._lock:
            self._short_pages += 1

    def end_before(self, number: int) -> None:
        """Page `number` turned out to lie beyond the end."""
        with self._lock:
            self._end = number if self._end is None else min(self._end, number)

    def is_over(self, number: int) -> bool:
        """Whether the walk has ended before page `number`, so that nobody needs to ask for it."""
        return self._end is not None and number > self._end
