"""Requests: what asks for a page, and the settings that several kinds of pagination share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

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


def sized(param: str, size: int) -> dict[str, str]:
    """The query parameter of the page size, where the source has one."""
    return {param: str(size)} if param else {}
