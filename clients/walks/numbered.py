"""A walk over pages by number or offset, read ahead while one of them backs off."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from seawall.clients.errors import PageFailedError, SourceError
from seawall.clients.limits import CLAIM_ASKINGS, LOOK_BEYOND, READ_AHEAD
from seawall.clients.pages.page import End, Gap, Page, Totals
from seawall.clients.pagination.extent import Extent
from seawall.clients.pagination.kinds import Numbered
from seawall.clients.walks.claims import Claims, Fetch
from seawall.clients.walks.readahead import Ahead, Outcome

NEIGHBOURS: Final = 2  # pages with records behind the first one, from which on its length is one of many


class NumberedWalk:
    """The pages `first` to `last` in order, as many of them asked for `ahead` as there is room for.

    A page that failed for good comes as a Gap in its place; an End says that the walk ended before it. What is empty,
    missing or shorter than other pages is looked into in its turn, when what came behind it is in hand.
    """

    def __init__(
        self,
        pagination: Numbered,
        *,
        fetch: Fetch,
        submit: Callable[[int], Future[Outcome]],
        ahead: Ahead,
        extent: Extent,
        claims: Claims,
    ) -> None:
        self._pagination = pagination
        self._page_size = extent.page_size
        self._fetch = fetch
        self._submit = submit
        self._ahead = ahead
        self._extent = extent
        self._claims = claims
        self._before: Outcome | None = None  # what became of the page before
        self._is_sure = False  # whether that is short or empty, and was asked for again, or follows one that was

    def pages(self, first: int, last: int) -> Iterator[Outcome]:
        """What becomes of each page."""
        try:
            for number in range(first, last + 1):
                while not self._ahead.has_room():
                    if self._ahead.wait():
                        yield self._next()
                self._ahead.ask(self._submit(number))
            while self._ahead:
                yield self._next()
        finally:
            self._ahead.cancel()

    def _next(self) -> Outcome:
        outcome = self._ahead.take()
        was_sure = self._is_sure
        if self._extent.is_over(outcome.number):
            outcome = _end(outcome)
        elif isinstance(outcome, Page) and outcome.sent_records:
            outcome = self._as_long_as_it_gets(outcome)
        elif isinstance(outcome, Page) or (isinstance(outcome, Gap) and outcome.missing):
            outcome = self._examined(outcome)
        self._before = outcome
        is_confirmed = isinstance(outcome, Page) and outcome.askings >= CLAIM_ASKINGS and not outcome.differed
        is_empty = isinstance(outcome, Page) and not outcome.sent_records
        self._is_sure = is_confirmed or (was_sure and is_empty)
        return outcome

    def _as_long_as_it_gets(self, page: Page) -> Page:
        """The longest answer for a page that is shorter than others: a partial result may be a glitch."""
        short, number = page.sent_records, page.number
        is_short = self._is_alone(page) or self._extent.is_shorter(short)
        if not is_short or self._pagination.fills_pages or self._extent.is_exactly_the_rest(number, short):
            return page
        askings = 1
        with contextlib.suppress(PageFailedError):  # then the answer in hand is the best there is
            for answer in self._claims.again(self._pagination.at(number, self._page_size)):
                askings += 1
                if isinstance(answer, Page) and answer.sent_records >= page.sent_records:
                    page = answer
                if page.sent_records > short and not self._extent.is_shorter(page.sent_records):
                    break
        if page.sent_records == short:
            self._extent.stayed_short()
        return replace(page, askings=askings, differed=page.sent_records != short)

    def _is_alone(self, page: Page) -> bool:
        """Whether a first page is shorter than asked for, and too few others are in hand to compare it with."""
        told = self._extent.last(self._extent.largest)
        is_one_of_many = told is not None and told > page.number + 1
        if self._before is not None or page.number != self._pagination.first_page or is_one_of_many:
            return False
        following = [future.result() for _, future in zip(range(NEIGHBOURS), self._ahead, strict=False)]
        neighbours = sum(isinstance(each, Page) and each.sent_records > 0 for each in following)
        return neighbours < NEIGHBOURS and page.sent_records < self._page_size

    def _examined(self, outcome: Page | Gap) -> Outcome:
        """What becomes of a page without records: the same page with some, a gap, an empty page or the end.

        One answer is enough where the page before is short or empty, and was asked for again.
        """
        number, claim, askings = outcome.number, outcome, 1
        if isinstance(outcome, Gap) and self._is_told_of(number):
            return outcome
        request = self._pagination.at(number, self._page_size)
        try:
            for answer in self._claims.again(request) if not self._is_sure else ():
                askings += 1
                if isinstance(answer, Page) and answer.sent_records:
                    return replace(answer, askings=askings, differed=True)
                claim = answer if isinstance(answer, Page) else gap_of(number, answer)
        except PageFailedError as error:
            return gap_of(number, error)
        if not self._is_inside(claim):
            self._extent.end_before(number)
            return End(number=number, totals=_totals(claim, self._extent), read_at=time.time(), askings=askings)
        return claim if isinstance(claim, Gap) else replace(claim, askings=askings)

    def _is_inside(self, claim: Page | Gap) -> bool:
        """Whether a page without records lies before the end, by all that is in hand; if need be, by a look beyond."""
        extent, number = self._extent, claim.number
        ahead = [future.result() for _, future in zip(range(READ_AHEAD), self._ahead, strict=False)]
        if self._is_told_of(number):
            return extent.reach > number or not self._has_shrunk(claim)
        if extent.largest != Totals():
            return False
        if ahead and isinstance(ahead[0], Gap) and not ahead[0].missing:
            return True
        return any(self._holds_records(number + step) for step in range(len(ahead) + 1, LOOK_BEYOND + 1))

    def _is_told_of(self, number: int) -> bool:
        """Whether page `number` lies before the end by what came behind it, or by any total that was told."""
        extent = self._extent
        last = extent.last(extent.largest)
        if number <= extent.promised:
            return True
        if extent.reach > number or last is not None:
            return extent.reach > number or number <= (last or 0)
        return number == self._pagination.first_page or extent.promises(number)

    def _holds_records(self, number: int) -> bool:
        """Whether a page behind has records, or cannot be had, so that nobody knows."""
        try:
            return self._fetch(self._pagination.at(number, self._page_size)).sent_records > 0
        except PageFailedError as error:
            return not error.missing

    def _has_shrunk(self, claim: Page | Gap) -> bool:
        """Whether the first page says, too, that the source has become shorter than page `claim.number`."""
        if isinstance(claim, Gap) or not self._lies_behind(claim):
            return False
        try:
            return self._lies_behind(claim, self._fetch(self._pagination.first(self._page_size)))
        except SourceError:  # whoever cannot be asked has not lost a page
            return False

    def _lies_behind(self, claim: Page, teller: Page | None = None) -> bool:
        """Whether a page lies behind the last one by the totals that came with another page, or with itself."""
        last = self._extent.last((teller or claim).totals)
        return last is not None and claim.number > last


def gap_of(number: int, error: PageFailedError) -> Gap:
    """The gap in place of a page that failed for good."""
    return Gap(number=number, error=str(error), retries=error.causes[:-1], missing=error.missing)


def _totals(claim: Page | Gap, extent: Extent) -> Totals:
    """What is said about the whole where a walk ends."""
    return claim.totals if isinstance(claim, Page) and claim.totals.pages is not None else extent.totals


def _end(outcome: Outcome) -> End:
    return outcome if isinstance(outcome, End) else End(number=outcome.number, totals=Totals(), read_at=0.0)
