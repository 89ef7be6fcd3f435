"""Pages that can be asked for in any order, so that parts run in parallel: by number, or by offset."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from seawall.clients.form import Form
from seawall.clients.pages.body import Body
from seawall.clients.pages.page import Page, PageRequest, Totals
from seawall.clients.pages.paths import Path
from seawall.clients.pagination.parameters import (
    PAGE_IN_PATH,
    EndStatuses,
    MorePath,
    PageParam,
    Param,
    SizeParam,
    TotalRecordsPath,
    more,
    sized,
    without,
    without_more,
)

TOTAL_RECORDS_PATH: Final = "metadata.total_records"


class _Numbered(Form):
    """What the kinds share whose pages can be asked for in any order."""

    random_access: ClassVar[bool] = True

    more_path: MorePath = ""
    end_statuses: EndStatuses = ()

    def more(self, body: Body) -> bool | None:
        """Whether the page says that there are more behind it; None where it does not say."""
        return more(self.more_path, body)


class PageNumber(_Numbered, title="Page number"):
    """Pages by number: `?page=3&limit=1000`; up to the number of pages, of records, or until one is empty."""

    fills_pages: ClassVar[bool] = False

    kind: Literal["page_number"] = "page_number"
    page_param: Annotated[
        PageParam, Field(description="Query parameter of the page number; empty: it stands in the URL, as {page}.")
    ] = "page"
    size_param: SizeParam = "limit"
    first_page: Annotated[int, Field(ge=0, le=1, description="Number of the first page: 0 or 1.")] = 1
    total_pages_path: Annotated[Path, Field(description="Where the number of pages stands; empty: nowhere.")] = (
        "metadata.total_pages"
    )
    total_records_path: TotalRecordsPath = TOTAL_RECORDS_PATH

    def first(self, size: int) -> PageRequest:
        """Asks for the first page, `size` records long."""
        return self.at(self.first_page, size)

    def at(self, number: int, size: int) -> PageRequest:
        """Asks for page `number`, `size` records long."""
        query = {self.page_param or PAGE_IN_PATH: str(number)} | sized(self.size_param, size)
        return PageRequest(number=number, query=query)

    def rest(self, page: Page, size: int) -> PageRequest | None:
        """Nothing: a page is what the source takes for one."""
        return None

    def refusal(self, records: Sequence[bytes], size: int) -> str | None:
        """Nothing: a page is as long as the source likes."""
        return None

    def totals(self, body: Body, size: int) -> Totals:
        """What the page says about the whole."""
        pages = body.count(self.total_pages_path) if self.total_pages_path else None
        return Totals(pages=pages, records=body.count(self.total_records_path))

    def lacking(self, body: Body, *, first: bool, empty: bool) -> str | None:
        """What a page, or the first one, has to say and does not, as a message; a default path may lead nowhere."""
        if not first:
            return None if empty else without_more(self.more_path, body)
        records_path = "" if self.total_records_path == TOTAL_RECORDS_PATH else self.total_records_path
        return (
            without("number of pages", self.total_pages_path, body)
            or without("number of records", records_path, body)
            or without_more(self.more_path, body)
        )


class Offset(_Numbered):
    """Pages by the position of their first record: `?offset=2000&limit=1000`, up to the total or until one is empty.

    A page is as long as was asked for, whatever the source gives at once: what is missing is asked for in its place.
    """

    first_page: ClassVar[int] = 1

    kind: Literal["offset"] = "offset"
    offset_param: Annotated[Param, Field(description="Query parameter of the position.")] = "offset"
    limit_param: Annotated[Param, Field(description="Query parameter of the page size.")] = "limit"
    first_offset: Annotated[int, Field(ge=0, le=1, description="Position of the first record: 0 or 1.")] = 0
    total_records_path: TotalRecordsPath = TOTAL_RECORDS_PATH
    short_page_ends: Annotated[
        bool, Field(description="A page shorter than asked for is the last one. Only where the source promises that.")
    ] = False

    @property
    def fills_pages(self) -> bool:
        """Whether what is missing from a page is asked for in its place."""
        return not self.short_page_ends

    def first(self, size: int) -> PageRequest:
        """Asks for the first page, `size` records long."""
        return self.at(self.first_page, size)

    def at(self, number: int, size: int) -> PageRequest:
        """Asks for page `number`, `size` records long."""
        return self._from(number, (number - 1) * size, size)

    def rest(self, page: Page, size: int) -> PageRequest | None:
        """Asks for what is missing from a page; None where it is as long as asked for, or the last one."""
        have, total = page.sent_records, page.totals.records
        begins = (page.number - 1) * size
        if not 0 < have < size or self.short_page_ends or (total is not None and begins + have >= total):
            return None
        return self._from(page.number, begins + have, size - have)

    def refusal(self, records: Sequence[bytes], size: int) -> str | None:
        """Why these records are no page of `size` of them: more would come again with the next page."""
        if len(records) <= size:
            return None
        return f"has {len(records):,} records, {size:,} were asked for: does the source read {self.limit_param!r}?"

    def totals(self, body: Body, size: int) -> Totals:
        """What the page says about the whole, in pages of `size` records."""
        records = body.count(self.total_records_path)
        return Totals(pages=None if records is None else -(-records // size), records=records)

    def lacking(self, body: Body, *, first: bool, empty: bool) -> str | None:
        """What a page, or the first one, has to say and does not, as a message."""
        lacking = without("number of records", self.total_records_path, body) if first else None
        return lacking or (None if empty and not first else without_more(self.more_path, body))

    def _from(self, number: int, offset: int, limit: int) -> PageRequest:
        query = {self.offset_param: str(self.first_offset + offset), self.limit_param: str(limit)}
        return PageRequest(number=number, query=query)
