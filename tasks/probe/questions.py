"""Questions: what a probe asks a source, one after another, and what it makes of the answers."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from seawall.clients.errors import MalformedPageError, RequestRefusedError, SourceError
from seawall.clients.http.exchange import Answer
from seawall.clients.limits import PROBED_SIZES
from seawall.clients.pages.body import Body
from seawall.clients.pages.identity import Sameness
from seawall.clients.pages.page import PageRequest, Totals
from seawall.clients.pagination.extent import last_page
from seawall.clients.pagination.kinds import Chained, Numbered, Pagination
from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.probe.anatomy import Anatomy, anatomy
from seawall.clients.probe.guesses import SIZE_PARAMS, guesses, with_totals
from seawall.clients.probe.scout import Scout, is_page, records_of
from seawall.clients.redact import neutral
from seawall.clients.source import ApiSource
from seawall.tasks.options import IngestOptions
from seawall.tasks.probe.findings import Findings, SizeTrial
from seawall.tasks.probe.reckoning import best_page_size, estimate, page_seconds, record_keys

FAR: Final = 1_000_000  # pages behind the first one, where no total gives the last
RESERVE: Final = 9  # questions left over for what comes after the kind is found
IN_FLIGHT: Final = IngestOptions.model_fields["max_in_flight"].default


class Questions:
    """One series of questions to a source; `scout` asks them."""

    def __init__(self, source: ApiSource, scout: Scout) -> None:
        self._source = source
        self._scout = scout
        self._trials: list[str] = []
        self._timings: list[tuple[int, float]] = []  # records and seconds of each page
        self._longest: Sequence[bytes] = ()  # of the pages: what few records have in common may be chance
        self._path = source.records_path
        self._size = source.page_size
        self._first, self._anatomy = self._begin()
        self._path = self._records_path()
        self._records = self._counted(self._first)
        self._size_param = self._find_size_param()

    def findings(self, name: str) -> Findings:
        """All that can be learnt; raises SourceError where the source no longer answers."""
        pagination, second = self._kind()
        totals = self._totals(pagination, self._first)
        details: dict[str, Any] = {}
        if pagination is not None and second is not None:
            details["stable"] = self._counted(self._ask(self._second_request(pagination))) == second
            details |= self._ends(pagination, totals)
        sizes = self._sizes(pagination)
        page_size = best_page_size(sizes, own=self._source.page_size, came=len(self._records))
        seconds = page_seconds(self._timings, page_size)
        return Findings(
            source=name,
            kind=pagination.kind if pagination else None,
            works_as_saved=pagination == self._source.pagination and self._path == self._source.records_path,
            pagination=pagination.model_dump() if pagination else {},
            records_path=self._path,
            configured_path=self._source.records_path,
            page_size=page_size,
            lists=self._anatomy.lists,
            records=totals.records,
            sizes=sizes,
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
            record_keys=record_keys(max(self._longest, [*self._records, *(second or ())], key=len)),
            trials=tuple(self._trials),
            **details,
        )

    def _begin(self) -> tuple[Answer, Anatomy]:
        """The first page as the block asks for it; where that is empty or refused, what the URL alone brings.

        Some APIs refuse every parameter that they do not know.
        """
        with contextlib.suppress(RequestRefusedError):
            answer = self._scout.ask(self._source.pagination.first(self._size), first=True)
            if (body_anatomy := anatomy(answer.content)).lists or self._holds_objects(answer):
                return answer, body_anatomy
        answer = self._scout.ask(PageRequest(number=1), first=True)
        return answer, anatomy(answer.content)

    def _records_path(self) -> str:
        """Where the records stand: where the block says, or else at the longest list of objects."""
        path = self._source.records_path
        if path in self._anatomy.lists or self._holds_objects(self._first):
            return path
        if (longest := self._anatomy.records_path) is not None:
            return longest
        message = Body(self._first.content).missing("list of JSON objects", path)
        raise MalformedPageError(f"{message}; a probe has to see some records, anywhere in the body")

    def _ask(self, request: PageRequest) -> Answer:
        return self._scout.ask(request)

    def _records_of(self, answer: Answer) -> Sequence[bytes]:
        return records_of(answer, self._path, self._source.records_as)

    def _holds_objects(self, answer: Answer) -> bool:
        """Whether there are records where the block says, be they in no list."""
        records = self._records_of(answer)
        return bool(records) and all(record.startswith(b"{") for record in records)

    def _counted(self, answer: Answer) -> Sequence[bytes]:
        """The records of a page; its time counts towards the mean."""
        records = self._records_of(answer)
        if records:
            self._timings.append((len(records), answer.seconds))
            self._longest = max(self._longest, records, key=len)
        return records

    def _find_size_param(self) -> str:
        """The query parameter that the page size obeys; empty where none of the usual ones does.

        Where the first page came shorter than asked for, later questions are about pages a quarter as long, so that
        there is a second one.
        """
        pagination, came = self._source.pagination, len(self._records)
        own = pagination.limit_param if isinstance(pagination, Offset) else pagination.size_param
        if came == self._size:
            return own
        small = max(came // 4, 1)
        for name in dict.fromkeys(filter(None, (own, *SIZE_PARAMS))):
            answer = self._ask(PageRequest(number=1, query={name: str(small)}))
            if len(records := self._counted(answer)) == small < came:
                self._first, self._records, self._size = answer, records, small
                self._anatomy = anatomy(answer.content)
                return name
        self._size = came
        return ""

    def _kind(self) -> tuple[Pagination | None, Sequence[bytes] | None]:
        """The first pagination that leads to another second page, with that page's records; else None twice."""
        for pagination in self._candidates():
            if self._scout.questions_left <= RESERVE:
                break
            try:
                records, why = self._second_page(pagination)
            except SourceError as error:
                records, why = [], str(error)
            self._trials.append(f"{pagination.kind} {_params(pagination)}: {why}")
            if records:
                return self._from_zero(pagination, records)
        return None, None

    def _candidates(self) -> Iterator[Pagination]:
        """The source's own pagination first, then what the first page suggests."""
        own = self._source.pagination
        own_with_totals = with_totals(own, self._anatomy) if isinstance(own, Numbered) else own
        suggestions = guesses(self._anatomy, self._first.headers, self._first.url, len(self._records))
        candidates: list[Pagination] = []
        for pagination in (own, own_with_totals, *suggestions):
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
            return [], lacking.partition(";")[0]
        answer = self._ask(self._second_request(pagination))
        records = self._counted(answer)
        if not records:
            return [], f"page 2 answers {answer.status} without records"
        if again := len(set(records) & set(self._records)):
            return [], f"{again:,} of {len(records):,} records of page 2 are those of page 1"
        if isinstance(pagination, Offset) and (refusal := pagination.refusal(records, self._size)):
            return [], f"page 2 {refusal}"
        return records, "page 2 holds other records than page 1"

    def _second_request(self, pagination: Pagination) -> PageRequest:
        """What asks for the page after the first one."""
        if isinstance(pagination, Numbered):
            return pagination.at(pagination.first_page + 1, self._size)
        answer = self._first
        token = self._token(pagination, answer)
        if token is None:
            raise MalformedPageError("the first page names no next one")
        if pagination.tokens_are_urls:
            token = self._scout.resolved(token, answer)
        return pagination.after(1, token, self._size)

    def _token(self, pagination: Chained, answer: Answer) -> str | None:
        """What the first page gives to ask for the next one."""
        reading = pagination.reading(
            PageRequest(number=1),
            self._records_of(answer),
            size=self._size,
            longest=0,
            comparable=Sameness(self._source.record_key, self._source.volatile).comparable,
        )
        return pagination.next_token(Body(answer.content, headers=answer.headers), reading)

    def _from_zero(self, pagination: Pagination, second: Sequence[bytes]) -> tuple[Pagination, Sequence[bytes]]:
        """The pagination and the records of its second page, which is page 1 where page 0 holds others than that."""
        if not isinstance(pagination, PageNumber) or pagination.first_page == 0:
            return pagination, second
        zeroth = pagination.model_copy(update={"first_page": 0})
        pages = [self._records_of(self._ask(zeroth.at(number, self._size))) for number in (0, 1)]
        if not all(pages) or not set(pages[0]).isdisjoint(pages[1]):
            return pagination, second
        self._trials.append("page 0 holds other records than page 1, so pages begin with 0")
        return zeroth, pages[1]

    def _totals(self, pagination: Pagination | None, answer: Answer) -> Totals:
        if pagination is None or not is_page(answer):
            return Totals()
        return pagination.totals(Body(answer.content, headers=answer.headers), self._size)

    def _last(self, pagination: Numbered, totals: Totals) -> int | None:
        """The number of the last page by the source's totals; None where they do not say."""
        if totals.pages is None and totals.records is not None:
            totals = Totals(pages=-(-totals.records // self._size))
        return last_page(pagination.first_page, totals.pages)

    def _ends(self, pagination: Pagination, totals: Totals) -> dict[str, str]:
        """What the last page and one beyond it say."""
        if isinstance(pagination, Chained):
            return {"totals": f"{totals.records:,} records" if totals.records is not None else "the source gives none"}
        last = self._last(pagination, totals)
        far = self._ask(pagination.at((last or FAR) + 1, self._size))
        return {"beyond": self._beyond(pagination, far, last), "totals": self._agreement(pagination, totals, last, far)}

    def _beyond(self, pagination: Numbered, far: Answer, last: int | None) -> str:
        """What the answer for a page beyond the last one, `far`, shows."""
        page = f"page {(last or FAR) + 1:,} of {last:,}" if last else f"page {FAR + 1:,}"
        records = self._records_of(far)
        if not records:
            return f"{page} answers {far.status}, {'without records' if is_page(far) else neutral(_text(far))}"
        if records == self._records:
            return f"{page} answers {far.status} with the records of page 1: without totals no walk would end"
        return f"{page} answers {far.status} with {len(records):,} records"

    def _agreement(self, pagination: Numbered, totals: Totals, last: int | None, far: Answer) -> str:
        """Whether the number of records, the number of pages and the last page agree."""
        if totals.records is None or last is None:
            return f"{totals.pages:,} pages" if totals.pages is not None else "the source gives none"
        before = (last - pagination.first_page) * self._size
        came = len(self._counted(self._ask(pagination.at(last, self._size))))
        figures = f"{totals.records:,} records, the last page {last:,} of {self._size:,} records holds {came:,}"
        if before + came != totals.records:
            return f"do not agree: {figures}, {totals.records - before:,} are due"
        later = self._totals(pagination, far)
        return f"agree: {figures}" if later in (totals, Totals()) else f"agree, but differ beyond the end: {figures}"

    def _sizes(self, pagination: Pagination | None) -> tuple[SizeTrial, ...]:
        """What comes where more or fewer records are asked for."""
        if not self._size_param:
            return ()
        trials = []
        for size in sorted({*PROBED_SIZES, self._source.page_size}):
            query = pagination.first(size).query if pagination else {self._size_param: str(size)}
            try:
                answer = self._ask(PageRequest(number=1, query=query))
            except SourceError:  # such as one larger than max_page_bytes
                continue
            records, total = self._counted(answer), self._totals(pagination, answer).records
            trials.append(
                SizeTrial(
                    page_size=size,
                    status=answer.status,
                    records=len(records),
                    seconds=answer.seconds,
                    body_bytes=len(answer.content),
                    whole=total is not None and len(records) >= total,
                )
            )
        return tuple(trials)


def _params(pagination: Pagination) -> str:
    """What distinguishes a pagination from others of its kind."""
    settings = {name: value for name, value in pagination if name.endswith(("_param", "_path")) and value}
    return f"({', '.join(value for name, value in settings.items() if name != 'size_param')})"


def _text(answer: Answer) -> str:
    return answer.content.decode("utf-8", "replace") or "nothing"
