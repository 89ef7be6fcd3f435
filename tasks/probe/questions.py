"""Questions: what a probe asks a source, one after another, and what it makes of the answers."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from seawall.clients.errors import MalformedPageError, RequestRefusedError, SourceError
from seawall.clients.http.exchange import Answer
from seawall.clients.pages.body import Body
from seawall.clients.pages.page import PageRequest, Totals
from seawall.clients.pagination.keyset import Keyset
from seawall.clients.pagination.kinds import Chained, Numbered, Pagination
from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.probe.anatomy import Anatomy, anatomy
from seawall.clients.probe.guesses import Shown, guesses, with_total, with_totals
from seawall.clients.probe.scout import Scout
from seawall.clients.redact import EXCERPT_BYTES
from seawall.clients.source import ApiSource
from seawall.tasks.probe.ends import Ends, ends, with_last_page
from seawall.tasks.probe.findings import Findings
from seawall.tasks.probe.inquiry import Inquiry
from seawall.tasks.probe.reckoning import best_page_size, estimate, page_seconds, record_keys
from seawall.tasks.probe.sizes import Sizes, find_size_param

RESERVE: Final = 13  # questions left over for what comes after the kind is found
IN_FLIGHT: Final = 8  # requests at once that the time of a walk is reckoned with: what the source permits is not known
SHOWN_RECORDS: Final = 3


class Questions:
    """One series of questions to a source; `scout` asks them."""

    def __init__(self, source: ApiSource, scout: Scout) -> None:
        self._source = source
        self._scout = scout
        self._inquiry = Inquiry(source, scout)
        self._answers: dict[tuple[str | None, tuple[tuple[str, str], ...]], Answer] = {}
        self._bare: Answer | None = None  # what the URL brings without a place to begin at
        self._first, self._anatomy = self._begin()
        self._inquiry.path = self._records_path()
        self._records = self._inquiry.counted(self._first)
        self._keys = self._inquiry.compare_by(self._records)
        self._size_param = self._find_size_param()

    def findings(self, name: str) -> Findings:
        """All that can be learnt; raises SourceError where the source no longer answers."""
        inquiry = self._inquiry
        pagination, second = self._kind()
        seen: Ends | None = None
        details: dict[str, Any] = {}
        if pagination is not None:
            again = inquiry.counted(inquiry.asked(self._second_request(pagination)))
            details["stable"] = inquiry.comparable(again) == inquiry.comparable(second)
            seen = ends(inquiry, pagination, self._first, self._anatomy, len(second))
            pagination = seen.pagination
            details |= {"beyond": seen.beyond, "totals": seen.agreement}
        totals = seen.totals if seen else Totals()
        sizes = Sizes(inquiry, pagination, self._size_param)
        trials = sizes.trials()
        if pagination is not None:
            pagination = with_last_page(inquiry, pagination, totals, [*sizes.answers.values()])
        page_size = best_page_size(trials, own=self._source.page_size, came=len(self._records))
        seconds = page_seconds(inquiry.timings, page_size)
        is_accepted = all(trial.records for trial in trials if trial.page_size == self._source.page_size)
        return Findings(
            source=name,
            kind=pagination.kind if pagination else None,
            works_as_saved=is_accepted
            and pagination == self._source.pagination
            and inquiry.path == self._source.records_path,
            pagination=pagination.model_dump() if pagination else {},
            records_path=inquiry.path,
            configured_path=self._source.records_path,
            page_size=page_size,
            lists=self._anatomy.lists,
            records=totals.records,
            samples=tuple(
                record[:EXCERPT_BYTES].decode("utf-8", "replace") for record in self._records[:SHOWN_RECORDS]
            ),
            sizes=trials,
            page_seconds=seconds,
            estimate=estimate(
                totals.records,
                page_size=page_size,
                seconds=seconds,
                record_bytes=len(self._first.content) / len(self._records),
                in_flight=IN_FLIGHT if pagination and pagination.random_access else 1,
                max_rate=self._source.max_rate,
            ),
            rate_limits=self._scout.rate_limits,
            requests=self._scout.requests,
            record_keys=record_keys(max(inquiry.longest, [*self._records, *second], key=len)),
            tried=tuple(inquiry.tried),
            **details,
        )

    def _begin(self) -> tuple[Answer, Anatomy]:
        """The first page as the block asks for it; where that is empty or refused, what the URL alone brings.

        Some APIs refuse every parameter that they do not know.
        """
        with contextlib.suppress(RequestRefusedError):
            answer = self._inquiry.ask(self._source.pagination.first(self._source.page_size), first=True)
            if (body_anatomy := anatomy(answer.content, answer.headers)).lists or self._holds_objects(answer):
                return answer, body_anatomy
        answer = self._bare = self._inquiry.ask(PageRequest(number=1), first=True)
        return answer, anatomy(answer.content, answer.headers)

    def _records_path(self) -> str:
        """Where the records stand: where the block says, or else at the longest list of objects."""
        path = self._source.records_path
        if path in self._anatomy.lists or self._holds_objects(self._first):
            return path
        if (longest := self._anatomy.records_path) is not None:
            return longest
        message = Body(self._first.content).missing("list of JSON objects", path)
        raise MalformedPageError(f"{message}; a probe has to see some records, anywhere in the body")

    def _holds_objects(self, answer: Answer) -> bool:
        """Whether there are records where the block says, be they in no list."""
        records = self._inquiry.records(answer)
        return bool(records) and all(record.startswith(b"{") for record in records)

    def _find_size_param(self) -> str:
        """The parameter that the page size obeys; empty where none of the usual ones does.

        Where the first page came shorter than asked for, later questions are about pages a quarter as long, so that
        there is a second one.
        """
        pagination, came = self._source.pagination, len(self._records)
        own = pagination.limit_param if isinstance(pagination, Offset) else pagination.size_param
        if came == self._source.page_size and self._bare is None:
            return own
        param, answer = find_size_param(self._inquiry, own, self._shown().size_params(), came)
        if answer is None:
            self._inquiry.size = came
            return ""
        self._first = self._bare = answer
        self._records = self._inquiry.records(answer)
        self._inquiry.size = len(self._records)
        self._anatomy = anatomy(answer.content, answer.headers)
        return param

    def _shown(self) -> Shown:
        """What the first page shows."""
        return Shown(
            anatomy=self._anatomy,
            headers=self._first.headers,
            url=self._first.url,
            records=len(self._records),
            keys=self._keys,
            body=self._source.body,
        )

    def _kind(self) -> tuple[Pagination | None, Sequence[bytes]]:
        """The first pagination that leads to another second page, with that page's records; else None, and none."""
        for pagination in self._candidates():
            if self._scout.questions_left <= RESERVE:
                break
            for candidate in (pagination, _neighbour(pagination)):
                if candidate is None:
                    break
                records, why = self._tried(candidate)
                if records:
                    return self._begun_right(candidate, records)
                if why != _NEXT_DOOR:
                    break
        return None, ()

    def _tried(self, pagination: Pagination) -> tuple[Sequence[bytes], str]:
        """The records of the second page by this pagination, none where that is no second page, and what came."""
        try:
            records, why = self._second_page(pagination)
        except SourceError as error:
            records, why = (), str(error)
        self._inquiry.tried.append(f"{pagination.kind} {_params(pagination)}: {why}")
        return records, why

    def _candidates(self) -> Iterator[Pagination]:
        """The source's own pagination first, then what the first page suggests."""
        own = self._source.pagination
        with_all = with_totals(own, self._anatomy) if isinstance(own, Numbered) else with_total(own, self._anatomy)
        candidates: list[Pagination] = []
        for pagination in (own, with_all, *guesses(self._shown())):
            candidate = self._with_size_param(pagination)
            if candidate not in candidates:
                candidates.append(candidate)
                yield candidate

    def _with_size_param(self, pagination: Pagination) -> Pagination:
        """The pagination with the parameter that the page size obeys."""
        if isinstance(pagination, Offset):
            return pagination.model_copy(update={"limit_param": self._size_param or pagination.limit_param})
        return pagination.model_copy(update={"size_param": self._size_param})

    def _second_page(self, pagination: Pagination) -> tuple[Sequence[bytes], str]:
        """The records of the second page by this pagination, none where that is no second page, and what came."""
        body = Body(self._first.content, headers=self._first.headers)
        if lacking := pagination.lacking(body, first=True, empty=False):
            return (), lacking.partition(";")[0]
        answer = self._answer(self._second_request(pagination))
        records = self._inquiry.counted(answer)
        if not records:
            return (), f"page 2 answers {answer.status} without records"
        if again := self._inquiry.same(records, self._records):
            if again == 1 < len(records) and self._inquiry.same(records[:1], self._records[-1:]):
                return (), _NEXT_DOOR
            return (), f"{again:,} of {len(records):,} records of page 2 are those of page 1"
        if isinstance(pagination, Offset) and (refusal := pagination.refusal(records, self._inquiry.size)):
            return (), f"page 2 {refusal}"
        return records, "page 2 holds other records than page 1"

    def _answer(self, request: PageRequest) -> Answer:
        """The answer to a question, which may have been asked before: two kinds may ask for a page alike."""
        asked = (request.url, tuple(sorted(request.query.items())))
        if asked not in self._answers:
            self._answers[asked] = self._inquiry.ask(request)
        return self._answers[asked]

    def _second_request(self, pagination: Pagination) -> PageRequest:
        """What asks for the page after the first one."""
        size = self._inquiry.size
        if isinstance(pagination, Numbered):
            return pagination.at(pagination.first_page + 1, size)
        token = self._token(pagination, self._first)
        if token is None:
            raise MalformedPageError("the first page names no next one")
        if pagination.tokens_are_urls:
            token = self._scout.resolved(token, self._first)
        return pagination.after(1, token, size)

    def _token(self, pagination: Chained, answer: Answer) -> str | None:
        """What the first page gives to ask for the next one."""
        reading = pagination.reading(
            PageRequest(number=1),
            self._inquiry.records(answer),
            size=self._inquiry.size,
            longest=0,
            comparable=lambda record: self._inquiry.comparable([record])[0],
        )
        return pagination.next_token(Body(answer.content, headers=answer.headers), reading)

    def _begun_right(self, pagination: Pagination, second: Sequence[bytes]) -> tuple[Pagination, Sequence[bytes]]:
        """The pagination whose first page is what the URL alone brings, with the records of its second page."""
        if isinstance(pagination, Chained):
            return pagination, second
        bare = self._inquiry.records(self._bare or self._bare_answer())
        begin = _begin_of(pagination)
        firsts = []
        for number in (begin, 1 - begin):
            candidate = _beginning_at(pagination, number)
            firsts.append(self._inquiry.records(self._inquiry.asked(candidate.first(self._inquiry.size))))
            if self._is_same_page(candidate, firsts[-1], bare):
                return self._other_begin(candidate) if number != begin else (candidate, second)
        if not bare and begin == 1 and all(firsts) and not self._inquiry.same(*firsts):
            return self._other_begin(_beginning_at(pagination, 0))
        self._inquiry.tried.append("neither 0 nor 1 brings what the URL alone does, so nothing shows where pages begin")
        return pagination, second

    def _other_begin(self, pagination: Numbered) -> tuple[Pagination, Sequence[bytes]]:
        """The pagination that begins elsewhere than it was guessed to, with the records of its second page."""
        what = "offsets" if isinstance(pagination, Offset) else "pages"
        self._inquiry.tried.append(f"the URL alone brings other records, so {what} begin with {_begin_of(pagination)}")
        return pagination, self._inquiry.records(self._inquiry.asked(self._second_request(pagination)))

    def _bare_answer(self) -> Answer | None:
        """What the URL brings without a place to begin at."""
        query = {self._size_param: str(self._inquiry.size)} if self._size_param else {}
        self._bare = self._inquiry.asked(PageRequest(number=1, query=query))
        return self._bare

    def _is_same_page(self, pagination: Numbered, first: Sequence[bytes], bare: Sequence[bytes]) -> bool:
        """Whether two pages are the same; records that a page number brings may come in another order each time."""
        if isinstance(pagination, PageNumber):
            return self._inquiry.same(first, bare) > 0
        return self._inquiry.same(first[:1], bare[:1]) > 0


_NEXT_DOOR: Final = "page 2 begins with the last record of page 1"


def _neighbour(pagination: Pagination) -> Pagination | None:
    """What a kind may be whose second page begins with the last record of the first one."""
    if isinstance(pagination, Offset) and pagination.first_offset == 0:
        return pagination.model_copy(update={"first_offset": 1})
    if isinstance(pagination, Keyset) and not pagination.inclusive:
        return pagination.model_copy(update={"inclusive": True})
    return None


def _begin_of(pagination: Numbered) -> int:
    return pagination.first_offset if isinstance(pagination, Offset) else pagination.first_page


def _beginning_at(pagination: Numbered, number: int) -> Numbered:
    name = "first_offset" if isinstance(pagination, Offset) else "first_page"
    return pagination.model_copy(update={name: number})


def _params(pagination: Pagination) -> str:
    """What distinguishes a pagination from others of its kind."""
    settings = {name: value for name, value in pagination if name.endswith(("_param", "_path")) and value}
    return f"({', '.join(value for name, value in settings.items() if name != 'size_param')})"
