"""Reading ahead: how many pages all walks of a process may have in flight or in hand, by their number and by bytes."""

from collections import deque
from threading import Lock

from seawall.clients.limits import READ_AHEAD_BYTES, RECORD_COST, UNSEEN_PAGE_BYTES
from seawall.clients.pages.page import Page


class ReadAhead:
    """Grants room to walks: `pages` for all of them, fewer where they are large. Thread-safe.

    No page waits for room once it is asked for, so walks can wait for as many as they have asked for: none waits for
    another one. A page counts as the largest of those that came last; until one has, as UNSEEN_PAGE_BYTES.
    """

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._costs: deque[int] = deque(maxlen=pages)
        self._lock = Lock()

    def came(self, page: Page) -> None:
        """A page came: in memory are its body, its records, and the page before, which is written meanwhile."""
        with self._lock:
            self._costs.append(max(1, 3 * page.body_bytes + RECORD_COST * page.sent_records))

    def room(self, *, sharing: int) -> int:
        """How many pages each of so many walks may have in flight or in hand, at least one."""
        with self._lock:
            largest = max(self._costs, default=UNSEEN_PAGE_BYTES)
        return max(1, min(self._pages, READ_AHEAD_BYTES // largest) // sharing)
