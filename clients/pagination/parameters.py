"""Settings that several kinds of pagination share."""

from typing import Annotated

from pydantic import Field

Param = Annotated[str, Field(min_length=1, max_length=200)]
SizeParam = Annotated[str, Field(max_length=200, description="Query parameter of the page size; empty: none is sent.")]
TotalRecordsPath = Annotated[str, Field(description="Where the number of records stands; empty: nowhere.")]


def sized(param: str, size: int) -> dict[str, str]:
    """The query parameter of the page size, where the source has one."""
    return {param: str(size)} if param else {}
