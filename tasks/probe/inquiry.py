"""The inquiry: one series of questions to a source, what its answers hold, and which of them hold the same records."""

from collections.abc import Sequence
from typing import Final

from seawall.clients.errors import SourceError
from seawall.clients.http.exchange import Answer
from seawall.clients.pages.body import Body
from seawall.clients.pages.identity import Sameness
from seawall.clients.pages.page import PageRequest, Totals
from seawall.clients.pagination.kinds import Pagination
from seawall.clients.probe.scout import Scout, is_page, records_of
from seawall.clients.source import ApiSource
from seawall.tasks.probe.reckoning import record_keys

KEYS: Final = ("id", "_id", "uuid", "guid", "key")  # by which records are compared where they have one of these


class Inquiry:
    """Questions to a source; `path` is where its records stand, `size` how many of them are asked for in a page.

    `timings` are the records and seconds of each page, `longest` are the records of the longest one: what few records
    have in common may be chance. `tried` tells what was tried, `questions_left` how much may still be.
    """

    def __init__(self, source: ApiSource, scout: Scout) -> None:
        self.source = source
        self.path = source.records_path
        self.size = source.page_size
        self.timings: list[tuple[int, float]] = []
        self.longest: Sequence[bytes] = ()
        self.tried: list[str] = []
        self._scout = scout
        self._sameness = Sameness(source.record_key, source.volatile)

    @property
    def questions_left(self) -> int:
        """How many questions are left."""
        return self._scout.questions_left

    def ask(self, request: PageRequest, *, first: bool = False) -> Answer:
        """The answer to a question. Raises SourceError where none came."""
        return self._scout.ask(request, first=first)

    def asked(self, request: PageRequest) -> Answer | None:
        """The answer to a question that may have none, such as one that is larger than `max_page_bytes`."""
        try:
            return self.ask(request) if self.questions_left > 0 else None
        except SourceError:
            return None

    def records(self, answer: Answer | None) -> Sequence[bytes]:
        """The records of an answer; none where it is no page."""
        return records_of(answer, self.path, self.source.records_as) if answer else ()

    def counted(self, answer: Answer | None) -> Sequence[bytes]:
        """The records of a page; its time counts towards the mean."""
        records = self.records(answer)
        if answer and records:
            self.timings.append((len(records), answer.seconds))
            self.longest = max(self.longest, records, key=len)
        return records

    def totals(self, pagination: Pagination | None, answer: Answer) -> Totals:
        """What an answer says of the whole."""
        if pagination is None or not is_page(answer):
            return Totals()
        return pagination.totals(Body(answer.content, headers=answer.headers), self.size)

    def compare_by(self, records: Sequence[bytes]) -> tuple[str, ...]:
        """Go by a field that is called like a key and differs in all of these records; the fields that do differ."""
        keys = record_keys(records)
        named = [name for name in keys if name.lower() in KEYS]
        if self.source.record_key is None and named and len(records) > 1:
            self._sameness = Sameness(named[0], self.source.volatile)
        return (*named, *(name for name in keys if name not in named))

    def comparable(self, records: Sequence[bytes]) -> list[bytes]:
        """What makes each record the same as another one, in their order."""
        return [self._sameness.comparable(record) for record in records]

    def same(self, records: Sequence[bytes], others: Sequence[bytes]) -> int:
        """How many of the records are among the others."""
        return len(set(self.comparable(records)) & set(self.comparable(others)))
