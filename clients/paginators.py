"""Paginators: which request asks for which page. Stateless and frozen; a form's fields are their settings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from clients.page import Body, Totals


class PageNumber(BaseModel):
    """Pages by number, whose count comes with every page: `?page=3&limit=1000`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["page_number"] = "page_number"
    page_param: Annotated[str, Field(min_length=1, description="Query parameter of the page number.")] = "page"
    size_param: Annotated[str, Field(min_length=1, description="Query parameter of the page size.")] = "limit"
    first_page: Annotated[int, Field(ge=0, le=1, description="Number of the first page: 0 or 1.")] = 1
    total_pages_path: Annotated[str, Field(min_length=1, description="Where the number of pages stands.")] = (
        "metadata.total_pages"
    )
    total_records_path: Annotated[str, Field(description="Where the number of records stands.")] = (
        "metadata.total_records"
    )

    def first(self, size: int) -> dict[str, str]:
        """The query of the first page, `size` records long."""
        return self.at(self.first_page, size)

    def at(self, number: int, size: int) -> dict[str, str]:
        """The query of page `number`, `size` records long."""
        return {self.page_param: str(number), self.size_param: str(size)}

    def totals(self, body: Body) -> Totals:
        """What the page says about the whole."""
        return Totals(pages=body.count(self.total_pages_path), records=body.count(self.total_records_path))

    def last(self, totals: Totals) -> int | None:
        """The number of the last page by these totals, an empty source having one; None where they do not say."""
        return None if totals.pages is None else self.first_page + max(totals.pages, 1) - 1


Pagination = PageNumber
