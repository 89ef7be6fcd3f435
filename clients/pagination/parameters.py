"""Settings that several kinds of pagination share."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from seawall.clients.pages.body import Body
from seawall.clients.pages.paths import Path, checked

Param = Annotated[str, Field(min_length=1, max_length=200)]
NextPath = Annotated[Path, Field(min_length=1, max_length=1000)]
SizeParam = Annotated[str, Field(max_length=200, description="Query parameter of the page size; empty: none is sent.")]
PageParam = Annotated[str, Field(max_length=200)]
MorePath = Annotated[
    str,
    AfterValidator(lambda path: path[: path.startswith("!")] + checked(path.removeprefix("!"))),
    Field(
        description="Where a page says that there is more: true, or what asks for it; ! before it: that there is not."
    ),
]
EndStatuses = Annotated[
    tuple[Literal[204, 400, 404, 410, 416, 422], ...],
    Field(description="With which the source answers beyond its last page."),
]
TotalRecordsPath = Annotated[Path, Field(description="Where the number of records stands; empty: nowhere.")]


PAGE_IN_PATH: Final = "{page}"  # in a URL, where the number of a page stands


def sized(param: str, size: int) -> dict[str, str]:
    """The query parameter of the page size, where the source has one."""
    return {param: str(size)} if param else {}


def more(path: str, body: Body) -> bool | None:
    """Whether a body says at this path that there are more pages; None where it does not say, or nobody asked."""
    flag = body.flag(path.removeprefix("!")) if path else None
    return flag if flag is None or not path.startswith("!") else not flag


def without_more(path: str, body: Body) -> str | None:
    """A message where a page does not say whether there is more, though it should."""
    if not path or body.flag(path.removeprefix("!")) is not None:
        return None
    return body.missing("sign of more pages", path.removeprefix("!"))


def without(what: str, path: str, body: Body) -> str | None:
    """A message where a path is named, and no number stands there."""
    return None if not path or body.count(path) is not None else body.missing(what, path)
