"""An outage: what the pages that failed for good say of the whole source, though one of them still comes."""

from threading import Lock

from seawall.clients.errors import SourceDownError
from seawall.clients.limits import MAX_GAPS_IN_A_ROW
from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.source import ApiSource


class Outage:
    """Finds out that a source is down by its gaps; one for all walks of a process. Thread-safe.

    Each page that comes makes up for one that failed, but for the first one: it is the one that everybody asks for, so
    a cache may answer it while all others fail. MAX_GAPS_IN_A_ROW are endured, or as many as use up the attempts of
    `give_up_after`; besides those that a run may be published without, `max_failed_pages`.
    """

    def __init__(self, source: ApiSource, *, max_failed_pages: int) -> None:
        enduring = max(MAX_GAPS_IN_A_ROW, source.give_up_after // source.max_attempts)
        self._limit = enduring + max_failed_pages
        self._first_page = source.pagination.first_page
        self._gaps: set[int] = set()
        self._lock = Lock()

    def add(self, outcome: Page | Gap | End) -> None:
        """Go by what became of a page, in the order of its walk; that there is no such page says nothing.

        Raises:
            SourceDownError: too many failed, and too few came in between.
        """
        with self._lock:
            if isinstance(outcome, Page) and outcome.number != self._first_page and self._gaps:
                self._gaps.remove(outcome.number if outcome.number in self._gaps else min(self._gaps))
            if isinstance(outcome, Gap) and not outcome.missing:
                self._gaps.add(outcome.number)
                self._refuse_too_many(outcome)

    def _refuse_too_many(self, last: Gap) -> None:
        if len(self._gaps) > self._limit:
            raise SourceDownError(
                f"the API is down: {len(self._gaps):,} pages failed for good, and too few came in between, whatever "
                f"its first page answers; resume the run once the source is well; the last: {last.error}"
            )
