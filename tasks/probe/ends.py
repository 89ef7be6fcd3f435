"""Ends: what the last page of a source says, what one beyond it does, and which totals can be believed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, get_args

from seawall.clients.http.exchange import Answer
from seawall.clients.pages.body import Body
from seawall.clients.pages.page import Totals
from seawall.clients.pagination.chained import Cursor, NextUrl
from seawall.clients.pagination.extent import last_page
from seawall.clients.pagination.kinds import Chained, Numbered, Pagination
from seawall.clients.pagination.numbered import PageNumber
from seawall.clients.pagination.parameters import EndStatuses
from seawall.clients.probe.anatomy import Anatomy
from seawall.clients.probe.names import ABSENT_AT_THE_END, last_key, more_path
from seawall.clients.probe.scout import is_page
from seawall.clients.redact import neutral
from seawall.tasks.probe.inquiry import Inquiry

FAR: Final = 1_000_000  # pages behind the first one, where no total gives the last
END_STATUSES: Final = frozenset(get_args(get_args(get_args(EndStatuses)[0])[0]))
GONE: Final = frozenset({204, 404, 410, 416})  # what no refusal of a page that lies too deep is
NONE: Final = "the source gives none"

_TOO_DEEP: Final = re.compile(rb"window|exceed|too (?:large|big|deep|far)|at most|maximum|\bmax", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What was seen of a source's end; `pagination` is what that makes of the one that led there."""

    pagination: Pagination
    totals: Totals
    beyond: str = "not asked for: only the previous page shows how to ask for one"
    agreement: str = NONE


def ends(inquiry: Inquiry, pagination: Pagination, first: Answer, anatomy: Anatomy, second: int) -> Ends:
    """Look at the last page and beyond it; `second` is how many records the second page holds."""
    if isinstance(pagination, Chained):
        return _chained(inquiry, pagination, first, second)
    return _Look(inquiry, first, anatomy).at(pagination)


def _chained(inquiry: Inquiry, pagination: Chained, first: Answer, second: int) -> Ends:
    """What totals say of pages that only the one before tells; a number that two pages refute says nothing."""
    totals = inquiry.totals(pagination, first)
    if totals.records is not None and totals.records < len(inquiry.records(first)) + second:
        inquiry.tried.append(f"the total of {totals.records:,} records is less than two pages hold, so it is none")
        return Ends(pagination=pagination.model_copy(update={"total_records_path": ""}), totals=Totals())
    told = NONE if totals.records is None else f"{totals.records:,} records"
    return Ends(pagination=pagination, totals=totals, agreement=told)


class _Look:
    """One look at the end of pages that can be asked for in any order."""

    def __init__(self, inquiry: Inquiry, first: Answer, anatomy: Anatomy) -> None:
        self._inquiry = inquiry
        self._first = first
        self._anatomy = anatomy

    def at(self, pagination: Numbered) -> Ends:
        """Ask for the page behind the last one, by the totals; records that are new there refute these."""
        totals = self._inquiry.totals(pagination, self._first)
        last = self._last(pagination, totals)
        far = self._ask(pagination, (last or FAR) + 1)
        if last is not None and self._is_new(pagination, far, last):
            self._inquiry.tried.append(f"page {last + 1:,} of {last:,} holds other records, so the total is no end")
            return self.at(self._without(pagination, totals))
        told = _status_of_the_end(far, is_behind=last is not None)
        if told:
            pagination = pagination.model_copy(update={"end_statuses": tuple({*pagination.end_statuses, told})})
        beyond, agreement = self._beyond(far, last), self._agreement(pagination, totals, last, far)
        return Ends(pagination=pagination, totals=totals, beyond=beyond, agreement=agreement)

    def _ask(self, pagination: Numbered, number: int) -> Answer | None:
        return self._inquiry.asked(pagination.at(number, self._inquiry.size))

    def _last(self, pagination: Numbered, totals: Totals) -> int | None:
        """The number of the last page by the source's totals; None where they do not say."""
        if totals.pages is None and totals.records is not None:
            totals = Totals(pages=-(-totals.records // self._inquiry.size))
        return last_page(pagination.first_page, totals.pages)

    def _is_new(self, pagination: Numbered, far: Answer | None, last: int) -> bool:
        """Whether the page behind the last one holds what neither the first nor the last one does."""
        records = self._inquiry.records(far)
        if not records or self._inquiry.same(records, self._inquiry.records(self._first)):
            return False
        return not self._inquiry.same(records, self._inquiry.records(self._ask(pagination, last)))

    def _without(self, pagination: Numbered, totals: Totals) -> Numbered:
        """The pagination without the total that was refuted; one of records may still hold where pages were counted."""
        pages = totals.pages if isinstance(pagination, PageNumber) else None
        counted = totals.records is not None and pages is not None and totals.records > pages * self._inquiry.size
        changes: dict[str, Any] = {} if counted else {"total_records_path": ""}
        if isinstance(pagination, PageNumber):
            changes["total_pages_path"] = ""
        if not counted and not pagination.more_path:
            changes["more_path"] = more_path(self._anatomy)
        return pagination.model_copy(update=changes)

    def _beyond(self, far: Answer | None, last: int | None) -> str:
        """What the answer for a page beyond the last one, `far`, shows."""
        page = f"page {(last or FAR) + 1:,} of {last:,}" if last else f"page {FAR + 1:,}"
        if far is None:
            return f"{page} has no answer"
        records = self._inquiry.records(far)
        if not records:
            return f"{page} answers {far.status}, {'without records' if is_page(far) else neutral(_text(far))}"
        if self._inquiry.same(records, self._inquiry.records(self._first)):
            return f"{page} answers {far.status} with the records of page 1: without totals no walk would end"
        return f"{page} answers {far.status} with {len(records):,} records"

    def _agreement(self, pagination: Numbered, totals: Totals, last: int | None, far: Answer | None) -> str:
        """Whether the number of records, the number of pages and the last page agree."""
        if totals.records is None or last is None:
            return f"{totals.pages:,} pages" if totals.pages is not None else NONE
        size = self._inquiry.size
        before = (last - pagination.first_page) * size
        came = len(self._inquiry.counted(self._ask(pagination, last)))
        figures = f"{totals.records:,} records, the last page {last:,} of {size:,} records holds {came:,}"
        if before + came != totals.records:
            return f"do not agree: {figures}, {totals.records - before:,} are due"
        later = self._inquiry.totals(pagination, far) if far else Totals()
        return f"agree: {figures}" if later in (totals, Totals()) else f"agree, but differ beyond the end: {figures}"


def _status_of_the_end(far: Answer | None, *, is_behind: bool) -> int | None:
    """The status by which an answer says that its page lies beyond the end, rather than too deep to be asked for.

    A 400 or a 422 is that right behind the last page only: far away, it may be a limit that a walk meets long before
    its end.
    """
    if far is None or far.status not in END_STATUSES or _TOO_DEEP.search(far.content[:10_000]):
        return None
    return far.status if is_behind or far.status in GONE else None


def with_last_page(inquiry: Inquiry, pagination: Pagination, totals: Totals, answers: Iterable[Answer]) -> Pagination:
    """The pagination, with what is known of a last page that lacks the key of the next one.

    Of the `answers`, one that leads on to no other is a last page that was seen, and decides. Otherwise a missing key
    ends a walk where a total proves the end, or where the API's own definition leaves it out. Anywhere else it stops
    the run, which names the remedy: an end that is taken for granted may lose records, one that is refused does not.
    """
    if not isinstance(pagination, Cursor | NextUrl) or pagination.missing_next_ends:
        return pagination
    bodies = [Body(answer.content, headers=answer.headers) for answer in answers if inquiry.records(answer)]
    last = next((body for body in bodies if body.json_token(pagination.next_path) is None), None)
    if last is not None:
        why, is_missing = "a page with all records was seen", not last.has(pagination.next_path)
    elif totals.records is not None:
        why, is_missing = "the total proves the end", True
    else:
        why, is_missing = "the API defines it so", last_key(pagination.next_path) in ABSENT_AT_THE_END
    if is_missing:
        inquiry.tried.append(f"the last page may lack {pagination.next_path!r}: {why}")
    return pagination.model_copy(update={"missing_next_ends": is_missing})


def _text(answer: Answer) -> str:
    return answer.content.decode("utf-8", "replace") or "nothing"
