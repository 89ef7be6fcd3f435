"""Paginators: which request asks for which page. Stateless and frozen; a form's fields are their settings.

All of them have `first(size)` and `next(page, size)`, those in `numbered.py` also `at(number, size)`, those in
`chained.py` also `after(number, token, size)`.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from seawall.clients.pagination.chained import Cursor, LinkHeader, NextUrl
from seawall.clients.pagination.numbered import Offset, PageNumber

Numbered = PageNumber | Offset
Tokens = Cursor | NextUrl | LinkHeader


def _by_number_unless_told(value: Any) -> Any:
    return {"kind": "page_number"} | value if isinstance(value, dict) else value


Pagination = Annotated[
    Annotated[PageNumber | Offset | Cursor | NextUrl | LinkHeader, Field(discriminator="kind")],
    BeforeValidator(_by_number_unless_told),
]


def paths(pagination: Numbered | Tokens) -> list[str]:
    """Where in a body it looks for something."""
    return [getattr(pagination, name) for name in type(pagination).model_fields if name.endswith("_path")]
