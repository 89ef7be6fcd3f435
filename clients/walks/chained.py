"""A walk over pages of which each tells how to ask for the next."""

from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import replace

import httpx

from seawall.clients.errors import PageFailedError
from seawall.clients.limits import CLAIM_ASKINGS
from seawall.clients.pages.page import Page, PageRequest
from seawall.clients.pagination.extent import Extent
from seawall.clients.pagination.kinds import Chained
from seawall.clients.walks.claims import Claims, Fetch


class ChainedWalk:
    """The pages `first` to `last` one after the other, each asked for while the one before is used.

    `records_before` is how many the source sent before page `first`. A page that ends the walk, is empty or shorter
    than others is asked for again before the next one is.
    """

    def __init__(
        self,
        pagination: Chained,
        *,
        fetch: Fetch,
        submit: Callable[[Callable[[PageRequest], Page], PageRequest], Future[Page]],
        extent: Extent,
        claims: Claims,
        records_before: int,
    ) -> None:
        self._pagination = pagination
        self._page_size = extent.page_size
        self._fetch = fetch
        self._submit = submit
        self._extent = extent
        self._claims = claims
        self._records = records_before
        self._before: Page | None = None

    def pages(self, first: int, last: int, token: str | None) -> Generator[Page, None, None]:
        """The pages; `token` is what page `first - 1` gave, None begins the walk.

        Raises:
            PageFailedError, SourceError: a page that cannot be had ends the walk, for none after it can.
        """
        begin = self._pagination.first(self._page_size)
        request = begin if token is None else self._pagination.after(first - 1, token, self._page_size)
        coming: Future[Page] | None = self._submit(self._link, request)
        try:
            while coming is not None:
                page = coming.result()
                coming = self._submitted_after(page, last)
                if page.number == first and coming and self._is_short_beside(page, coming):
                    longer = self._believed(request, page)
                    coming = coming if longer.next_token == page.next_token else self._submitted_after(longer, last)
                    self._records += longer.sent_records - page.sent_records
                    page = longer
                yield page
                if page.number == last:  # the one behind it was only to compare with
                    return
        finally:
            if coming is not None:
                coming.cancel()

    def _submitted_after(self, page: Page, last: int) -> Future[Page] | None:
        """The page behind this one, if there is one to walk to."""
        is_wanted = page.number < last or page.number == self._pagination.first_page  # to compare that one with
        following = self._pagination.next(page, self._page_size) if is_wanted else None
        return self._submit(self._link, following) if following else None

    def _is_short_beside(self, page: Page, coming: Future[Page]) -> bool:
        """Whether a first page is shorter than the one behind it; only that one tells."""
        return coming.exception() is None and coming.result().length > page.length > 0

    def _link(self, request: PageRequest) -> Page:
        """One page, asked for as often as it takes to believe it."""
        page = self._ended_by_number(self._fetch(request))
        if self._is_doubtful(page):
            page = self._believed(request, page)
        if page.next_token is None:
            self._refuse_end_elsewhere(request, page)
        self._records += page.sent_records
        self._before = page
        if not page.sent_records and (self._extent.hollow == page.number - 1 or page.askings >= CLAIM_ASKINGS):
            self._extent.hollow = page.number
        return page

    def _believed(self, request: PageRequest, page: Page) -> Page:
        """The fullest of the answers, with a next page rather than without."""
        askings, length, token = 1, page.sent_records, page.next_token
        for raw in self._claims.again(request):
            if isinstance(raw, PageFailedError):
                raise raw
            answer = self._ended_by_number(raw)
            askings += 1
            if (answer.sent_records, answer.next_token is not None) >= (page.sent_records, page.next_token is not None):
                page = answer
            if not self._is_doubtful(page) and (page.sent_records, page.next_token) != (length, token):
                break
        if 0 < length == page.sent_records and page.next_token is not None:
            self._extent.stayed_short()
        differed = page.sent_records != length or (page.next_token is None) != (token is None)
        return replace(page, askings=askings, differed=differed)

    def _is_doubtful(self, page: Page) -> bool:
        """Whether a page ends, empties or shortens the walk; of empty ones that lead on, the first in a row does."""
        if page.next_token is None:
            return True
        if not page.sent_records:
            return self._extent.hollow != page.number - 1
        return self._extent.is_shorter(page.length)

    def _ended_by_number(self, page: Page) -> Page:
        """A page that is empty once the advertised records are there is the last one, whatever token it gives."""
        whole = self._extent.largest.records
        is_over = whole is not None and not page.sent_records and 0 < whole <= self._records
        return replace(page, next_token=None) if is_over else page

    def _refuse_end_elsewhere(self, request: PageRequest, page: Page) -> None:
        """Raise PageFailedError where the page before told that the last page is another one (rel="last", RFC 8288)."""
        told = self._before.last_url if self._before else None
        if told is None or request.token is None or not page.sent_records or _same_page(told, request.token):
            return
        raise PageFailedError(
            f"page {page.number} names no next page, though the page before said that another one is the last",
            number=page.number,
            causes=(*page.retries, "end"),
        )


def _same_page(one: str, other: str) -> bool:
    """Whether two URLs name the same page, in whatever order their parameters stand."""
    first, second = httpx.URL(one), httpx.URL(other)
    return first.path == second.path and sorted(first.params.multi_items()) == sorted(second.params.multi_items())
