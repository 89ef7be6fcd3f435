"""Pages of which only the one before tells how to ask for them: a cursor, a next URL, a Link header."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seawall.clients.errors import MalformedPageError, WalkLoopError
from seawall.clients.form import Form
from seawall.clients.pages.body import Body, as_text
from seawall.clients.pages.page import Page, PageRequest, Totals
from seawall.clients.pages.paths import is_expression
from seawall.clients.pagination.links import link_to
from seawall.clients.pagination.parameters import (
    EndStatuses,
    MorePath,
    NextPath,
    Param,
    SizeParam,
    TotalRecordsPath,
    more,
    sized,
    without,
    without_more,
)
from seawall.clients.pagination.reading import Reading
from seawall.clients.pointers import is_pointer
from seawall.clients.redact import excerpt

MissingNextEnds = Annotated[
    bool, Field(description="The last page lacks the key altogether, even if it is the only one.")
]


class Chain(Form):
    """What the kinds share whose pages each tell how to ask for the next one; they are numbered from 1."""

    random_access: ClassVar[bool] = False
    first_page: ClassVar[int] = 1
    tokens_are_urls: ClassVar[bool] = True

    size_param: SizeParam = "limit"
    total_records_path: TotalRecordsPath = ""
    more_path: MorePath = ""
    end_statuses: EndStatuses = ()

    def first(self, size: int) -> PageRequest:
        """Asks for the first page, `size` records long."""
        return PageRequest(number=1, query=sized(self.size_param, size))

    def next(self, page: Page, size: int) -> PageRequest | None:
        """Asks for the page after this one; None where the walk ends with it."""
        return None if page.next_token is None else self.after(page.number, page.next_token, size)

    def after(self, number: int, token: str, size: int) -> PageRequest:
        """Asks for the page that follows page `number`, by the token that it gave; a URL gets the page size back."""
        return PageRequest(number=number + 1, url=token, query=sized(self.size_param, size), token=token)

    def reading(
        self,
        request: PageRequest,
        records: Sequence[bytes],
        *,
        size: int,
        longest: int,
        comparable: Callable[[bytes], bytes],
    ) -> Reading:
        """What the records of a page say of its place in the walk; `comparable` is what makes a record the same."""
        return Reading()

    def next_token(self, body: Body, reading: Reading) -> str | None:
        """What asks for the next page; None on the last one.

        Raises:
            MalformedPageError: the page says that there is more, and not how to ask for it.
            WalkLoopError: more may lie behind it than its records can ask for.
        """
        says_more, token = self.more(body), self.token(body, reading)
        if reading.stuck and says_more is not False:
            raise WalkLoopError(reading.stuck)
        if says_more and token is None:
            raise MalformedPageError(
                f"{self.more_path!r} says that there is more, yet nothing asks for it; {body.beginning()}"
            )
        return None if says_more is False else token

    def token(self, body: Body, reading: Reading) -> str | None:
        """What may ask for the next page."""
        raise NotImplementedError

    def more(self, body: Body) -> bool | None:
        """Whether the page says that there are more; None where it does not say."""
        return more(self.more_path, body)

    def says_end(self, body: Body) -> bool:
        """Whether the page says that it is the last one, rather than nothing."""
        return self.more(body) is False

    def totals(self, body: Body, size: int) -> Totals:
        """What the page says about the whole."""
        return Totals(records=body.count(self.total_records_path))

    def lacking(self, body: Body, *, first: bool, empty: bool) -> str | None:
        """What a page, the first one or one without records has to say and this one does not, as a message."""
        lacking = None if empty and not first else without_more(self.more_path, body)
        return lacking or (without("number of records", self.total_records_path, body) if first else None)


class _Told(Chain):
    """What the kinds share whose pages hold what asks for the next one, at a path."""

    next_path: NextPath = "next"
    missing_next_ends: MissingNextEnds = False

    def says_end(self, body: Body) -> bool:
        """Whether the key of a next page is there, and says that there is none."""
        return super().says_end(body) or body.has(self.next_path)

    def lacking(self, body: Body, *, first: bool, empty: bool) -> str | None:
        """What a page, or the first one, has to say and this one does not, as a message."""
        if self.missing_next_ends:
            return super().lacking(body, first=first, empty=empty) if first else None
        is_over = self.more_path and self.more(body) is False
        lacking = None if is_over else self._without_next(body, first=first)
        return lacking or super().lacking(body, first=first, empty=empty)

    def _without_next(self, body: Body, *, first: bool) -> str | None:
        """A message where a page lacks the key of the next one: neither a mistyped path nor a glitch may end a walk.

        A JMESPath that finds nothing cannot tell a missing key from a null, so it has to find something once.
        """
        if body.has(self.next_path) or (is_expression(self.next_path) and not first):
            return None
        message = body.missing("next page", self.next_path)
        return f"{message}; where the last page lacks that key, set missing_next_ends; a run can be resumed with it"


class Cursor(_Told):
    """Pages by a cursor, which each page gives for the next one: `?cursor=b64…&limit=1000`."""

    tokens_are_urls: ClassVar[bool] = False

    kind: Literal["cursor"] = "cursor"
    cursor_param: Annotated[Param, Field(description="Query parameter of the cursor, or a pointer into the body.")] = (
        "cursor"
    )
    next_path: Annotated[NextPath, Field(description="Where the cursor of the next page stands.")] = "next_cursor"
    end_values: Annotated[
        tuple[str | int | float, ...], Field(description="Cursors that say that there is no next page.")
    ] = ()

    def after(self, number: int, token: str, size: int) -> PageRequest:
        """Asks for the page that follows page `number`, by the cursor that it gave."""
        query = {self.cursor_param: token} | sized(self.size_param, size)
        return PageRequest(number=number + 1, query=query, token=token)

    def token(self, body: Body, reading: Reading) -> str | None:
        """The cursor of the next page, as JSON where it goes into a body."""
        text = body.json_token(self.next_path)
        if text is None or self._ends(text):
            return None
        return text if is_pointer(self.cursor_param) else as_text(text, self.next_path)

    def _ends(self, text: str) -> bool:
        """Whether a cursor is one of the values that end a walk, as text or as a number."""
        plain = json.loads(text)
        return any(plain == value or text == str(value) for value in self.end_values)


class NextUrl(_Told, title="Next URL"):
    """Pages by the URL of the next one, which each page holds; relative ones are resolved (RFC 3986 §5)."""

    kind: Literal["next_url"] = "next_url"
    next_path: Annotated[NextPath, Field(description="Where the URL of the next page stands.")] = "next"
    base_path: Annotated[
        NextPath | Literal[""], Field(description="Where the URL stands that comes before it; empty: nowhere.")
    ] = ""

    def token(self, body: Body, reading: Reading) -> str | None:
        """The URL of the next page, as it is written there, behind what comes before it."""
        text = body.json_token(self.next_path)
        if text is not None and not text.startswith('"'):
            raise MalformedPageError(f"the value at {self.next_path!r} is no URL: {excerpt(text.encode())}")
        url = None if text is None else as_text(text, self.next_path)
        if url is None or not self.base_path or "://" in url.partition("?")[0]:
            return url
        base = body.token(self.base_path)
        if base is None:
            raise MalformedPageError(body.missing("URL that comes before the next one", self.base_path))
        return f"{base.rstrip('/')}/{url.lstrip('/')}"


class LinkHeader(Chain, title="Link header"):
    """Pages by the `Link` header with `rel="next"` (RFC 8288); the last page has none."""

    kind: Literal["link_header"] = "link_header"
    end_attribute: dict[str, str] = Field(
        default_factory=dict, description='What a link to no page has besides, such as {"results": "false"}.'
    )

    def token(self, body: Body, reading: Reading) -> str | None:
        """The URL of the next page, as it is written in the header; None where the link leads to no page."""
        return None if self.says_end(body) else link_to("next", body.header("Link"))

    def says_end(self, body: Body) -> bool:
        """Whether the page says that it is the last one, by a flag or by what its link has besides."""
        is_marked = bool(self.end_attribute) and link_to("next", body.header("Link"), self.end_attribute) is not None
        return is_marked or super().says_end(body)
