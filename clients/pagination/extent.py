"""How far a source goes, as its pages tell and show."""

from dataclasses import replace
from threading import Lock

from seawall.clients.pages.page import Totals


def last_page(first_page: int, pages: int | None) -> int | None:
    """The number of the last of `pages` pages, an empty source having one; None where nobody says how many."""
    return None if pages is None else first_page + max(pages, 1) - 1


def larger(*pages: int | None) -> int | None:
    """The largest number of pages that was said; None where none was.

    Answers overtake one another, and a page too many turns out to lie beyond the end, while one too few would be lost.
    """
    return max((number for number in pages if number is not None), default=None)


class Extent:
    """What the pages of a walk say and show of its end; one for all threads of a process. Thread-safe.

    `totals` is what a page said last. `at_most` is the same with the largest number of pages that was ever said:
    one glitch must not turn a page that is missing into one beyond the end.
    """

    def __init__(self, *, first_page: int, page_size: int) -> None:
        self.totals = self.at_most = Totals()
        self._first_page = first_page
        self._page_size = page_size
        self._longest = 0  # records of a page
        self._end: int | None = None  # the first page beyond the end, where no total tells
        self._doubtful: int | None = None  # a page that may lie there
        self._lock = Lock()

    def learn(self, totals: Totals, records: int = 0) -> None:
        """Keep what a page of `records` records says about the whole; one that says nothing takes nothing back."""
        with self._lock:
            if totals != Totals():
                pages = larger(self.at_most.pages, totals.pages)
                self.totals, self.at_most = totals, replace(totals, pages=pages)
                self._longest = max(self._longest, records)

    def expect(self, totals: Totals) -> None:
        """Go by totals that another process heard, perhaps, until the source says some now."""
        if self.totals == Totals():
            self.learn(totals)

    def last(self, totals: Totals) -> int | None:
        """The number of the last page by `totals`; None where they do not say."""
        return last_page(self._first_page, totals.pages)

    def is_beyond(self, number: int, totals: Totals) -> bool | None:
        """Whether a page without records lies beyond the end by `totals`; None where only the page after it can say."""
        last = self.last(totals)
        if last is not None:
            return number > last
        if number == self._first_page or (totals.records is not None and self._most_before(number) < totals.records):
            return False
        return None

    def doubt(self, number: int) -> bool:
        """Whether to look beyond page `number`, which is empty: one page is, not each of those that are read ahead."""
        with self._lock:
            if self._doubtful is not None and number > self._doubtful:
                return False
            self._doubtful = number
            return True

    def trust(self) -> None:
        """A page beyond the doubtful one held records."""
        self._doubtful = None

    def end_before(self, number: int) -> None:
        """No total tells the end, and page `number` turned out to lie beyond it."""
        with self._lock:
            self._end = number if self._end is None else min(self._end, number)

    def is_over(self, number: int) -> bool:
        """Whether the walk has ended before page `number`, so that nobody needs to ask for it."""
        return self._end is not None and number > self._end

    def _most_before(self, number: int) -> int:
        """How many records the pages before `number` hold at the most, as far as the longest page so far tells."""
        return (number - self._first_page) * (self._longest or self._page_size)
