"""Paginators: which request asks for which page. Stateless and frozen; a form's fields are their settings.

Pages by number and by offset can be asked for in any order (`at`), so that parts run in parallel. A cursor,
a next URL and a Link header are tokens: only the page before tells what to ask for (`next`, `after`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from clients.links import next_link
from clients.page import Body, Page, Totals

Param = Annotated[str, Field(min_length=1, max_length=200)]
SizeParam = Annotated[str, Field(max_length=200, description="Query parameter of the page size; empty: none is sent.")]
TotalRecordsPath = Annotated[str, Field(description="Where the number of records stands; empty: nowhere.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What asks for page `number`: a query added to the source's URL, or the `url` that the page before named.

    `follows` is set where a token of the page before is part of it.
    """

    number: int
    query: Mapping[str, str] = field(default_factory=dict)
    url: str | None = field(default=None, repr=False)
    follows: bool = False


class PageNumber(BaseModel):
    """Pages by number: `?page=3&limit=1000`; up to the number of pages, of records, or until one is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    random_access: ClassVar[bool] = True

    kind: Literal["page_number"] = "page_number"
    page_param: Annotated[Param, Field(description="Query parameter of the page number.")] = "page"
    size_param: SizeParam = "limit"
    first_page: Annotated[int, Field(ge=0, le=1, description="Number of the first page: 0 or 1.")] = 1
    total_pages_path: Annotated[str, Field(description="Where the number of pages stands; empty: nowhere.")] = (
        "metadata.total_pages"
    )
    total_records_path: TotalRecordsPath = "metadata.total_records"

    def first(self, size: int) -> PageRequest:
        """Asks for the first page, `size` records long."""
        return self.at(self.first_page, size)

    def at(self, number: int, size: int) -> PageRequest:
        """Asks for page `number`, `size` records long."""
        return PageRequest(number=number, query={self.page_param: str(number)} | _sized(self.size_param, size))

    def next(self, page: Page, size: int) -> PageRequest | None:
        """Asks for the page after this one; None where the walk ends with it."""
        last = self.last(page.totals)
        goes_on = page.number < last if last is not None else bool(page.records)
        return self.at(page.number + 1, size) if goes_on else None

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

    def last(self, totals: Totals) -> int | None:
        """The number of the last page by these totals, an empty source having one; None where they do not say."""
        return None if totals.pages is None else self.first_page + max(totals.pages, 1) - 1

    def lacking(self, body: Body) -> str | None:
        """What the first page has to say and does not, as a message."""
        if not self.total_pages_path or body.count(self.total_pages_path) is not None:
            return None
        return body.missing("number of pages", self.total_pages_path)


class Offset(BaseModel):
    """Pages by the position of their first record: `?offset=2000&limit=1000`, up to the total or until one is empty.

    A page is as long as was asked for, whatever the source gives at once: what lacks is asked for in its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    random_access: ClassVar[bool] = True
    first_page: ClassVar[int] = 1

    kind: Literal["offset"] = "offset"
    offset_param: Annotated[Param, Field(description="Query parameter of the position.")] = "offset"
    limit_param: Annotated[Param, Field(description="Query parameter of the page size.")] = "limit"
    total_records_path: TotalRecordsPath = "metadata.total_records"
    short_page_ends: Annotated[
        bool, Field(description="A page shorter than asked for is the last one. Only where the source promises that.")
    ] = False

    def first(self, size: int) -> PageRequest:
        """Asks for the first page, `size` records long."""
        return self.at(self.first_page, size)

    def at(self, number: int, size: int) -> PageRequest:
        """Asks for page `number`, `size` records long."""
        return self._from(number, (number - 1) * size, size)

    def next(self, page: Page, size: int) -> PageRequest | None:
        """Asks for the page after this one; None where the walk ends with it."""
        last = self.last(page.totals)
        goes_on = page.number < last if last is not None else bool(page.records)
        return self.at(page.number + 1, size) if goes_on else None

    def rest(self, page: Page, size: int) -> PageRequest | None:
        """Asks for what page lacks; None where it is as long as asked for, or the last one."""
        have, total = page.sent, page.totals.records
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

    def last(self, totals: Totals) -> int | None:
        """The number of the last page by these totals, an empty source having one; None where they do not say."""
        return None if totals.pages is None else self.first_page + max(totals.pages, 1) - 1

    def lacking(self, body: Body) -> str | None:
        """What the first page has to say and does not, as a message."""
        if not self.total_records_path or body.count(self.total_records_path) is not None:
            return None
        return body.missing("number of records", self.total_records_path)

    def _from(self, number: int, offset: int, limit: int) -> PageRequest:
        query = {self.offset_param: str(offset), self.limit_param: str(limit)}
        return PageRequest(number=number, query=query)


class _TokenWalk(BaseModel):
    """What the kinds share whose pages each tell how to ask for the next one; they are numbered from 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    random_access: ClassVar[bool] = False
    first_page: ClassVar[int] = 1

    size_param: SizeParam = "limit"
    total_records_path: TotalRecordsPath = ""

    def first(self, size: int) -> PageRequest:
        """Asks for the first page, `size` records long."""
        return PageRequest(number=1, query=_sized(self.size_param, size))

    def next(self, page: Page, size: int) -> PageRequest | None:
        """Asks for the page after this one; None where the walk ends with it."""
        return None if page.token is None else self.after(page.number, page.token, size)

    def after(self, number: int, token: str, size: int) -> PageRequest:
        """Asks for the page that follows page `number`, by the token which that one told."""
        return PageRequest(number=number + 1, url=token, follows=True)

    def totals(self, body: Body, size: int) -> Totals:
        """What the page says about the whole."""
        return Totals(records=body.count(self.total_records_path))

    def last(self, totals: Totals) -> int | None:
        """Nobody knows before the end."""
        return None


class Cursor(_TokenWalk):
    """Pages by a cursor, which each page gives for the next one: `?cursor=b64…&limit=1000`."""

    kind: Literal["cursor"] = "cursor"
    cursor_param: Annotated[Param, Field(description="Query parameter of the cursor.")] = "cursor"
    next_path: Annotated[Param, Field(description="Where the cursor of the next page stands.")] = "next_cursor"
    missing_next_ends: Annotated[
        bool, Field(description="The last page lacks the key altogether, even if it is the only one.")
    ] = False

    def after(self, number: int, token: str, size: int) -> PageRequest:
        """Asks for the page that follows page `number`, by the cursor which that one told."""
        query = {self.cursor_param: token} | _sized(self.size_param, size)
        return PageRequest(number=number + 1, query=query, follows=True)

    def token(self, body: Body, link: str, resolve: Callable[[str], str]) -> str | None:
        """The cursor of the next page; None on the last one."""
        return body.token(self.next_path)

    def lacking(self, body: Body) -> str | None:
        """What the first page has to say and does not, as a message."""
        return _without_next(self, body)


class NextUrl(_TokenWalk):
    """Pages by the URL of the next one, which each page holds; relative ones are resolved (RFC 3986 §5)."""

    kind: Literal["next_url"] = "next_url"
    next_path: Annotated[Param, Field(description="Where the URL of the next page stands.")] = "next"
    missing_next_ends: Annotated[
        bool, Field(description="The last page lacks the key altogether, even if it is the only one.")
    ] = False

    def token(self, body: Body, link: str, resolve: Callable[[str], str]) -> str | None:
        """The URL of the next page; None on the last one."""
        url = body.token(self.next_path)
        return None if url is None else resolve(url)

    def lacking(self, body: Body) -> str | None:
        """What the first page has to say and does not, as a message."""
        return _without_next(self, body)


class LinkHeader(_TokenWalk):
    """Pages by the `Link` header with `rel="next"` (RFC 8288); the last page has none."""

    kind: Literal["link_header"] = "link_header"

    def token(self, body: Body, link: str, resolve: Callable[[str], str]) -> str | None:
        """The URL of the next page; None on the last one."""
        url = next_link(link)
        return None if url is None else resolve(url)

    def lacking(self, body: Body) -> str | None:
        """Nothing: a source of one page sends no such header."""
        return None


def _sized(param: str, size: int) -> dict[str, str]:
    return {param: str(size)} if param else {}


def _without_next(form: Cursor | NextUrl, body: Body) -> str | None:
    """A message where a first page lacks the key of the next one: a mistyped path must not end a walk."""
    if form.missing_next_ends or body.has(form.next_path):
        return None
    told = body.missing("next page", form.next_path)
    return f"{told}; where the last page lacks that key, set missing_next_ends"


Numbered = PageNumber | Offset
Tokens = Cursor | NextUrl | LinkHeader


def _by_number_unless_told(value: Any) -> Any:
    return {"kind": "page_number"} | value if isinstance(value, dict) else value


Pagination = Annotated[
    Annotated[PageNumber | Offset | Cursor | NextUrl | LinkHeader, Field(discriminator="kind")],
    BeforeValidator(_by_number_unless_told),
]
