"""Every kind of pagination: which request asks for which page. Stateless and frozen; a form's fields are its settings.

All of them have `first(size)`; those in `numbered.py` have `at(number, size)`, those in `chained.py` `next(page, size)`
and `after(number, token, size)`.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from seawall.clients.pagination.chained import Cursor, LinkHeader, NextUrl
from seawall.clients.pagination.numbered import Offset, PageNumber

Numbered = PageNumber | Offset
Chained = Cursor | NextUrl | LinkHeader


def _by_number_unless_named(value: Any) -> Any:
    return {"kind": "page_number"} | value if isinstance(value, dict) else value


Pagination = Annotated[
    Annotated[PageNumber | Offset | Cursor | NextUrl | LinkHeader, Field(discriminator="kind")],
    BeforeValidator(_by_number_unless_named),
]


def paths(pagination: Numbered | Chained) -> list[str]:
    """Where in a body it looks for something."""
    return [getattr(pagination, name) for name in type(pagination).model_fields if name.endswith("_path")]
