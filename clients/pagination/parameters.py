"""Settings that several kinds of pagination share."""

from typing import Annotated

from pydantic import Field

from seawall.clients.pages.body import Body
from seawall.clients.pages.paths import Path

Param = Annotated[str, Field(min_length=1, max_length=200)]
NextPath = Annotated[Path, Field(min_length=1, max_length=1000)]
SizeParam = Annotated[str, Field(max_length=200, description="Query parameter of the page size; empty: none is sent.")]
TotalRecordsPath = Annotated[Path, Field(description="Where the number of records stands; empty: nowhere.")]


def sized(param: str, size: int) -> dict[str, str]:
    """The query parameter of the page size, where the source has one."""
    return {param: str(size)} if param else {}


def without(what: str, path: str, body: Body) -> str | None:
    """A message where a path is named, and no number stands there."""
    return None if not path or body.count(path) is not None else body.missing(what, path)
