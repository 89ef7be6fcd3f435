"""Questions: what a probe asks a source, one after the other, and what it makes of the answers."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from seawall.clients.errors import MalformedPageError, RequestRefusedError, SourceError
from seawall.clients.http.exchange import Answer
from seawall.clients.limits import PROBED_SIZES
from seawall.clients.pages.body import Body
from seawall.clients.pages.page import PageRequest, Totals
from seawall.clients.pagination.kinds import Numbered, Tokens
from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.probe.anatomy import Anatomy, anatomy
from seawall.clients.probe.guesses import SIZE_PARAMS, guesses, with_totals
from seawall.clients.probe.scout import Scout, is_page, records_of
from seawall.clients.redact import neutral
from seawall.clients.source import ApiSource
from seawall.tasks.options import IngestOptions
from seawall.tasks.probe.findings import Findings, SizeTried
from seawall.tasks.probe.reckoning import estimate, page_seconds, proposed, record_keys

FAR: Final = 1_000_000  # pages behind the first one, where no total tells the last
RESERVED: Final = 9  # questions kept for what comes after the kind is found
IN_FLIGHT: Final = IngestOptions.model_fields["max_in_flight"].default

Form = Numbered | Tokens


class Questions:
    """One series of questions to a source; `scout` asks them."""

    def __init__(self, source: ApiSource, scout: Scout) -> None:
        self._source = source
        self._scout = scout
        self._tried: list[str] = []
        self._walked: list[tuple[int, float]] = []  # records and seconds of each page
        self._longest: Sequence[bytes] = ()  # what few records have in common may be chance
        self._path = source.records_path
        self._size = source.page_size
        self._first, self._shown = self._begin()
        self._path = self._records_path()
        self._records = self._counted(self._first)
        self._size_param = self._find_size_param()

    def findings(self, name: str) -> Findings:
        """All that can be learnt; raises SourceError where nobody answers any more."""
        form, second = self._kind()
        told = self._told(form, self._first)
        known: dict[str, Any] = {}
        if form is not None and second is not None:
            known["stable"] = self._counted(self._ask(self._second(form))) == second
            known |= self._ends(form, told)
        sizes = self._sizes(form)
        page_size = proposed(sizes, own=self._source.page_size, came=len(self._records))
        seconds = page_seconds(self._walked, page_size)
        return Findings(
            source=name,
            kind=form.kind if form else None,
            configured=form == self._source.pagination and self._path == self._source.records_path,
            pagination=form.model_dump() if form else {},
            records_path=self._path,
            configured_path=self._source.records_path,
            page_size=page_size,
            lists=self._shown.lists,
            records=told.records,
            sizes=sizes,
            page_seconds=seconds,
            estimate=estimate(
                told.records,
                page_size=page_size,
                seconds=seconds,
                record_bytes=len(self._first.content) / len(self._records),
                in_flight=IN_FLIGHT if form and form.random_access else 1,
                max_rate=self._source.max_rate,
            ),
            rate_limits=self._scout.rate_limits,
            requests=self._scout.sent,
            record_keys=record_keys(max(self._longest, [*self._records, *(second or ())], key=len)),
            tried=tuple(self._tried),
            **known,
        )

    def _begin(self) -> tuple[Answer, Anatomy]:
        """The first page as the block asks for it; where that is empty or refused, what the URL alone gives.

        Some APIs refuse every parameter that they do not know.
        """
        with contextlib.suppress(RequestRefusedError):
            look = self._scout.ask(self._source.pagination.first(self._size), first=True)
            if (shown := anatomy(look.content)).lists:
                return look, shown
        look = self._scout.ask(PageRequest(number=1), first=True)
        return look, anatomy(look.content)

    def _records_path(self) -> str:
        """Where the records stand: where the source says, or else the longest list of objects."""
        path = self._source.records_path
        if path in self._shown.lists:
            return path
        if (found := self._shown.records_path) is not None:
            return found
        what = Body(self._first.content).missing("list of JSON objects", path)
        raise MalformedPageError(f"{what}; a probe has to see some records, anywhere in the body")

    def _ask(self, request: PageRequest) -> Answer:
        return self._scout.ask(request)

    def _counted(self, look: Answer) -> Sequence[bytes]:
        """The records of a page; its time counts for the mean."""
        records = records_of(look, self._path)
        if records:
            self._walked.append((len(records), look.seconds))
            self._longest = max(self._longest, records, key=len)
        return records

    def _find_size_param(self) -> str:
        """The query parameter that the page size obeys; empty where none of the usual ones does.

        Where the first page came shorter than asked for, further questions are about pages a quarter as long, so
        that there is a second one.
        """
        pagination, came = self._source.pagination, len(self._records)
        own = pagination.limit_param if isinstance(pagination, Offset) else pagination.size_param
        if came == self._size:
            return own
        small = max(came // 4, 1)
        for name in dict.fromkeys(filter(None, (own, *SIZE_PARAMS))):
            look = self._ask(PageRequest(number=1, query={name: str(small)}))
            if len(records := self._counted(look)) == small < came:
                self._first, self._records, self._size = look, records, small
                self._shown = anatomy(look.content)
                return name
        self._size = came
        return ""

    def _kind(self) -> tuple[Form | None, Sequence[bytes] | None]:
        """The first form that answers with another second page, and the records of that."""
        for form in self._candidates():
            if self._scout.left <= RESERVED:
                break
            try:
                records, why = self._answered(form)
            except SourceError as error:
                records, why = [], str(error)
            self._tried.append(f"{form.kind} {_params(form)}: {why}")
            if records:
                return self._from_zero(form, records)
        return None, None

    def _candidates(self) -> Iterator[Form]:
        """The source's own form first, then what the first page suggests."""
        own = self._source.pagination
        mended = with_totals(own, self._shown) if isinstance(own, Numbered) else own
        seen: list[Form] = []
        for form in (own, mended, *guesses(self._shown, self._first.headers, self._first.url, len(self._records))):
            asked = self._sized(form)
            if asked not in seen:
                seen.append(asked)
                yield asked

    def _sized(self, form: Form) -> Form:
        """The form with the parameter that the page size obeys."""
        if isinstance(form, Offset):
            return form.model_copy(update={"limit_param": self._size_param or form.limit_param})
        return form.model_copy(update={"size_param": self._size_param})

    def _answered(self, form: Form) -> tuple[Sequence[bytes], str]:
        """The records of the second page by this form, none where it is no such page, and what was seen."""
        body = Body(self._first.content)
        if lacking := form.lacking(body):
            return [], lacking.partition(";")[0]
        look = self._ask(self._second(form))
        records = self._counted(look)
        if not records:
            return [], f"page 2 answers {look.status} without records"
        if again := len(set(records) & set(self._records)):
            return [], f"{again:,} of {len(records):,} records of page 2 are those of page 1"
        if isinstance(form, Offset) and (refusal := form.refusal(records, self._size)):
            return [], f"page 2 {refusal}"
        return records, "page 2 holds other records than page 1"

    def _second(self, form: Form) -> PageRequest:
        """What asks for the page after the first one."""
        if isinstance(form, Numbered):
            return form.at(form.first_page + 1, self._size)
        look = self._first
        token = form.token(
            Body(look.content), look.headers.get("Link", ""), lambda text: self._scout.resolved(text, look)
        )
        if token is None:
            raise MalformedPageError("the first page names no next one")
        return form.after(1, token, self._size)

    def _from_zero(self, form: Form, second: Sequence[bytes]) -> tuple[Form, Sequence[bytes]]:
        """The form and the records of its second page, which is page 1 where page 0 holds others than that."""
        if not isinstance(form, PageNumber) or form.first_page == 0:
            return form, second
        zeroth = form.model_copy(update={"first_page": 0})
        pages = [records_of(self._ask(zeroth.at(number, self._size)), self._path) for number in (0, 1)]
        if not all(pages) or not set(pages[0]).isdisjoint(pages[1]):
            return form, second
        self._tried.append("page 0 holds other records than page 1, so pages begin with 0")
        return zeroth, pages[1]

    def _told(self, form: Form | None, look: Answer) -> Totals:
        return form.totals(Body(look.content), self._size) if form and is_page(look) else Totals()

    def _last(self, form: Numbered, told: Totals) -> int | None:
        """The number of the last page, by what the source tells."""
        if told.pages is None and told.records is not None:
            told = Totals(pages=-(-told.records // self._size))
        return form.last(told)

    def _ends(self, form: Form, told: Totals) -> dict[str, str]:
        """What the last page and one beyond it say."""
        if isinstance(form, Tokens):
            return {"totals": f"{told.records:,} records" if told.records is not None else "the source tells none"}
        last = self._last(form, told)
        far = self._ask(form.at((last or FAR) + 1, self._size))
        return {"beyond": self._beyond(form, far, last), "totals": self._agreement(form, told, last, far)}

    def _beyond(self, form: Numbered, far: Answer, last: int | None) -> str:
        asked = f"page {(last or FAR) + 1:,} of {last:,}" if last else f"page {FAR + 1:,}"
        records = records_of(far, self._path)
        if not records:
            return f"{asked} answers {far.status}, {'without records' if is_page(far) else neutral(_text(far))}"
        if records == self._records:
            return f"{asked} answers {far.status} with the records of page 1: without totals no walk would end"
        return f"{asked} answers {far.status} with {len(records):,} records"

    def _agreement(self, form: Numbered, told: Totals, last: int | None, far: Answer) -> str:
        """Whether the number of records, the number of pages and the last page fit to one another."""
        if told.records is None or last is None:
            return f"{told.pages:,} pages" if told.pages is not None else "the source tells none"
        before = (last - form.first_page) * self._size
        came = len(self._counted(self._ask(form.at(last, self._size))))
        figures = f"{told.records:,} records, the last page {last:,} of {self._size:,} records holds {came:,}"
        if before + came != told.records:
            return f"do not agree: {figures}, {told.records - before:,} are due"
        later = self._told(form, far)
        return f"agree: {figures}" if later in (told, Totals()) else f"agree, but differ beyond the end: {figures}"

    def _sizes(self, form: Form | None) -> tuple[SizeTried, ...]:
        """What comes where more or fewer records are asked for."""
        if not self._size_param:
            return ()
        tried = []
        for size in sorted({*PROBED_SIZES, self._source.page_size}):
            query = form.first(size).query if form else {self._size_param: str(size)}
            try:
                look = self._ask(PageRequest(number=1, query=query))
            except SourceError:  # such as one larger than max_page_bytes
                continue
            records, total = self._counted(look), self._told(form, look).records
            known = {"status": look.status, "records": len(records), "bytes": len(look.content)}
            whole = total is not None and len(records) >= total
            tried.append(SizeTried(asked=size, seconds=look.seconds, whole=whole, **known))
        return tuple(tried)


def _params(form: Form) -> str:
    """What tells a form from others of its kind."""
    shown = [value for name, value in form if name.endswith(("_param", "_path")) and name != "size_param" and value]
    return f"({', '.join(shown)})"


def _text(look: Answer) -> str:
    return look.content.decode("utf-8", "replace") or "nothing"
