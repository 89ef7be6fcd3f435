"""Pages of which only the one before tells how to ask for them: a cursor, a next URL, a Link header."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seawall.clients.form import Form
from seawall.clients.http.urls import with_missing
from seawall.clients.pages.body import Body
from seawall.clients.pages.page import Page, PageRequest, Totals
from seawall.clients.pages.paths import is_expression
from seawall.clients.pagination.links import link_to
from seawall.clients.pagination.parameters import NextPath, Param, SizeParam, TotalRecordsPath, sized, without


class _Chain(Form):
    """What the kinds share whose pages each tell how to ask for the next one; they are numbered from 1."""

    random_access: ClassVar[bool] = False
    first_page: ClassVar[int] = 1
    tokens_are_urls: ClassVar[bool] = True

    size_param: SizeParam = "limit"
    total_records_path: TotalRecordsPath = ""

    def first(self, size: int) -> PageRequest:
        """Asks for the first page, `size` records long."""
        return PageRequest(number=1, query=sized(self.size_param, size))

    def next(self, page: Page, size: int) -> PageRequest | None:
        """Asks for the page after this one; None where the walk ends with it."""
        return None if page.next_token is None else self.after(page.number, page.next_token, size)

    def says_end(self, body: Body) -> bool:
        """Whether the key of a next page is there, and says that there is none."""
        return False

    def after(self, number: int, token: str, size: int) -> PageRequest:
        """Asks for the page that follows page `number`, by the token that it gave; a URL gets the page size back."""
        return PageRequest(number=number + 1, url=with_missing(token, sized(self.size_param, size)), token=token)

    def totals(self, body: Body, size: int) -> Totals:
        """What the page says about the whole."""
        return Totals(records=body.count(self.total_records_path))

    def lacking(self, body: Body, *, first: bool) -> str | None:
        """What a page, or the first one, has to say and this one does not, as a message."""
        return without("number of records", self.total_records_path, body) if first else None


class Cursor(_Chain):
    """Pages by a cursor, which each page gives for the next one: `?cursor=b64…&limit=1000`."""

    tokens_are_urls: ClassVar[bool] = False

    kind: Literal["cursor"] = "cursor"
    cursor_param: Annotated[Param, Field(description="Query parameter of the cursor.")] = "cursor"
    next_path: Annotated[NextPath, Field(description="Where the cursor of the next page stands.")] = "next_cursor"
    missing_next_ends: Annotated[
        bool, Field(description="The last page lacks the key altogether, even if it is the only one.")
    ] = False

    def after(self, number: int, token: str, size: int) -> PageRequest:
        """Asks for the page that follows page `number`, by the cursor that it gave."""
        query = {self.cursor_param: token} | sized(self.size_param, size)
        return PageRequest(number=number + 1, query=query, token=token)

    def next_token(self, body: Body, link: str) -> str | None:
        """The cursor of the next page; None on the last one."""
        return body.token(self.next_path)

    def says_end(self, body: Body) -> bool:
        """Whether the key of a next page is there, and says that there is none."""
        return body.has(self.next_path)

    def lacking(self, body: Body, *, first: bool) -> str | None:
        """What a page, or the first one, has to say and this one does not, as a message."""
        return _without_next(self, body, first=first) or super().lacking(body, first=first)


class NextUrl(_Chain, title="Next URL"):
    """Pages by the URL of the next one, which each page holds; relative ones are resolved (RFC 3986 §5)."""

    kind: Literal["next_url"] = "next_url"
    next_path: Annotated[NextPath, Field(description="Where the URL of the next page stands.")] = "next"
    missing_next_ends: Annotated[
        bool, Field(description="The last page lacks the key altogether, even if it is the only one.")
    ] = False

    def next_token(self, body: Body, link: str) -> str | None:
        """The URL of the next page, as it is written there; None on the last one."""
        return body.token(self.next_path)

    def says_end(self, body: Body) -> bool:
        """Whether the key of a next page is there, and says that there is none."""
        return body.has(self.next_path)

    def lacking(self, body: Body, *, first: bool) -> str | None:
        """What a page, or the first one, has to say and this one does not, as a message."""
        return _without_next(self, body, first=first) or super().lacking(body, first=first)


class LinkHeader(_Chain, title="Link header"):
    """Pages by the `Link` header with `rel="next"` (RFC 8288); the last page has none."""

    kind: Literal["link_header"] = "link_header"

    def next_token(self, body: Body, link: str) -> str | None:
        """The URL of the next page, as it is written in the header `link`; None on the last one."""
        return link_to("next", link)


def _without_next(pagination: Cursor | NextUrl, body: Body, *, first: bool) -> str | None:
    """A message where a page lacks the key of the next one: neither a mistyped path nor a glitch may end a walk.

    A JMESPath that finds nothing cannot tell a missing key from a null, so it has to find something once.
    """
    is_silent = is_expression(pagination.next_path) and not first
    if pagination.missing_next_ends or is_silent or body.has(pagination.next_path):
        return None
    message = body.missing("next page", pagination.next_path)
    return f"{message}; where the last page lacks that key, set missing_next_ends; a run can be resumed with it"
