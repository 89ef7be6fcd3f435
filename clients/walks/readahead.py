"""Reading ahead: how many pages all walks of a process may have in flight or in hand, by their number and by bytes."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Condition, Lock

from seawall.clients.limits import MAX_IN_FLIGHT, READ_AHEAD, READ_AHEAD_BYTES, RECORD_COST, UNSEEN_PAGE_BYTES
from seawall.clients.pages.page import End, Gap, Page

Outcome = Page | Gap | End


class ReadAhead:
    """Grants room to walks, for all of them together: fewer pages where they are large. Thread-safe.

    No page waits for room once it is asked for, so walks can wait for as many as they have asked for: none waits for
    another one. A page counts as the largest of those that came last; until one has, as UNSEEN_PAGE_BYTES.
    `may_be_in_flight` tells how many requests may.
    """

    def __init__(self, may_be_in_flight: Callable[[], int]) -> None:
        self._may_be_in_flight = may_be_in_flight
        self._costs: deque[int] = deque(maxlen=READ_AHEAD * MAX_IN_FLIGHT)
        self._largest = UNSEEN_PAGE_BYTES
        self._lock = Lock()

    def came(self, page: Page) -> None:
        """A page came: in memory are its body, its records, and the page before, which is written meanwhile."""
        with self._lock:
            self._costs.append(max(1, 3 * page.body_bytes + RECORD_COST * page.sent_records))
            self._largest = max(self._costs)

    def window(self, *, sharing: int) -> int:
        """How many pages each of so many walks may have asked for, and how many may wait to be taken; at least one."""
        return max(1, min(READ_AHEAD * self._may_be_in_flight(), self._affordable) // sharing)

    def room(self, *, sharing: int) -> int:
        """How many pages each of so many walks may have in memory, at least one."""
        return max(1, self._affordable // sharing)

    @property
    def _affordable(self) -> int:
        return READ_AHEAD_BYTES // self._largest


class Ahead:
    """The pages that one walk has asked for and not taken yet, in their order.

    While the first of them backs off, those behind it go on: as many as there is `room` for, until one of them is no
    page with records, so that the walk may be at its end. Once the first has come, no more than a window of them.
    """

    def __init__(self, read_ahead: ReadAhead, *, sharing: int) -> None:
        self._read_ahead = read_ahead
        self._sharing = sharing
        self._futures: deque[Future[Outcome]] = deque()
        self._unfinished = 0
        self._doubtful = 0  # of the finished ones, how many are no page with records
        self._changed = Condition()

    def __bool__(self) -> bool:
        return bool(self._futures)

    def __iter__(self) -> Iterator[Future[Outcome]]:
        return iter(self._futures)

    def ask(self, future: Future[Outcome]) -> None:
        """One more page is asked for."""
        self._futures.append(future)
        with self._changed:
            self._unfinished += 1
        future.add_done_callback(self._came)

    def take(self) -> Outcome:
        """What became of the first page, once that is known."""
        outcome = self._futures.popleft().result()
        with self._changed:
            self._doubtful -= not _holds_records(outcome)  # which may not have been counted yet
        return outcome

    def has_room(self) -> bool:
        """Whether one more page may be asked for, now."""
        window = self._read_ahead.window(sharing=self._sharing)
        if self._unfinished >= window:
            return False
        return len(self._futures) < window or self._may_go_on()

    def wait(self) -> bool:
        """Wait until the first page has come, or there is room; whether it has come."""
        with self._changed:
            self._changed.wait_for(lambda: self._futures[0].done() or self.has_room())
        return self._futures[0].done()

    def cancel(self) -> None:
        """Ask for none of them any more."""
        for future in self._futures:
            future.cancel()

    def _may_go_on(self) -> bool:
        if self._futures[0].done() or self._doubtful > 0:
            return False
        return len(self._futures) < self._read_ahead.room(sharing=self._sharing)

    def _came(self, future: Future[Outcome]) -> None:
        with self._changed:
            self._unfinished -= 1
            is_good = not future.cancelled() and future.exception() is None and _holds_records(future.result())
            self._doubtful += not is_good
            self._changed.notify_all()


def _holds_records(outcome: Outcome) -> bool:
    return isinstance(outcome, Page) and outcome.sent_records > 0
