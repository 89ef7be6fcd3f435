"""Statistics: counts of what a client has fetched so far."""

from collections import Counter
from threading import Lock

from seawall.clients.pages.page import End, Gap, Page


class Statistics:
    """Pages, records, bytes, retries by cause, and pages that failed, with their last error. Thread-safe."""

    def __init__(self) -> None:
        self.pages = self.records = self.bytes = 0
        self.retries: Counter[str] = Counter()
        self.failed_pages: dict[int, str] = {}
        self._lock = Lock()

    def add(self, outcome: Page | Gap | End) -> None:
        """Count one outcome of a page."""
        with self._lock:
            if isinstance(outcome, Page):
                self.pages += 1
                self.records += len(outcome.records)
                self.bytes += outcome.body_bytes
                self.failed_pages.pop(outcome.number, None)
            if isinstance(outcome, Gap):
                self.failed_pages[outcome.number] = outcome.error
            if not isinstance(outcome, End):
                self.retries.update(outcome.retries)
