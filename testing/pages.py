"""Canned pages, each for the question that asks for it."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import httpx

from seawall.clients.pages.paths import steps
from seawall.clients.pagination.kinds import Numbered
from seawall.clients.source import ApiSource
from seawall.testing.faults import Answer


class Pages:
    """`pages` in order: JSON bodies or responses; `faults` come in place of them, by their numbers from 1."""

    def __init__(self, pages: Sequence[object], faults: Mapping[int, Sequence[Answer]]) -> None:
        self._pages = pages
        self._faults = {number - 1: list(answers) for number, answers in faults.items()}
        self._queries: list[Mapping[str, str]] = []
        self._questions: list[tuple[httpx.URL, bytes]] = []
        self._records_path = ""

    def expect(self, source: ApiSource, page_size: int, *, resuming: bool) -> None:
        """Know how a source asks for its pages, where each has a number, and where their records stand.

        A resumed walk goes on with the questions of the one before.
        """
        if not resuming:
            self._questions.clear()
        self._queries, self._records_path = [], source.records_path
        pagination = source.pagination
        if isinstance(pagination, Numbered):
            numbers = range(pagination.first_page, pagination.first_page + len(self._pages))
            queries = [pagination.at(number, page_size).query for number in numbers]
            self._queries = [] if queries[1:2] == queries[:1] else queries  # the number stands elsewhere

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to a question."""
        place = self._place(request)
        if faults := self._faults.get(place):
            fault = faults.pop(0)
            if isinstance(fault, httpx.Response):
                return _copy(fault)
            raise fault
        if place < len(self._pages):
            page = self._pages[place]
            return _copy(page) if isinstance(page, httpx.Response) else httpx.Response(200, json=page)
        return self._nothing()

    def _place(self, request: httpx.Request) -> int:
        """Where the page stands that is asked for, behind the last one where there is none."""
        asked = dict(request.url.params)
        if self._queries and self._queries[0].keys() <= asked.keys():
            hits = (place for place, query in enumerate(self._queries) if query.items() <= asked.items())
            return next(hits, len(self._pages))
        question = (request.url, request.content)
        if question not in self._questions:
            self._questions.append(question)
        return self._questions.index(question)

    def _nothing(self) -> httpx.Response:
        """The last page without its records, or a 404 where they are not found in it."""
        try:
            page = deepcopy(self._pages[-1])
            records: Any = page
            for step in steps(self._records_path):
                records = records[step]
            records.clear()
        except (LookupError, TypeError, AttributeError):
            return httpx.Response(404)
        return httpx.Response(200, json=page)


def _copy(response: httpx.Response) -> httpx.Response:
    """The same answer, to be read once more."""
    return httpx.Response(response.status_code, headers=response.headers, stream=response.stream)
