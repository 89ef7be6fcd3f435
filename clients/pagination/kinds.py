"""Every kind of pagination: which request asks for which page. Stateless and frozen; a form's fields are its settings.

All of them have `first(size)`; those in `numbered.py` have `at(number, size)`, those in `chained.py` `next(page, size)`
and `after(number, token, size)`.
"""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from seawall.clients.pagination.chained import Cursor, LinkHeader, NextUrl
from seawall.clients.pagination.keyset import Keyset
from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.pagination.parameters import PAGE_IN_PATH
from seawall.clients.pointers import is_pointer, with_values

Numbered = PageNumber | Offset
Chained = Cursor | Keyset | NextUrl | LinkHeader


def _by_number_unless_named(value: Any) -> Any:
    return {"kind": "page_number"} | value if isinstance(value, dict) else value


Pagination = Annotated[
    Annotated[PageNumber | Offset | Cursor | Keyset | NextUrl | LinkHeader, Field(discriminator="kind")],
    BeforeValidator(_by_number_unless_named),
]


# what may change between a run and its resumption: which answers end a walk, or are no page
_REMEDIES: Final = frozenset({"missing_next_ends", "end_statuses", "end_values"})
_LATER: Final = frozenset(
    {"more_path", "base_path", "end_attribute", "first_offset"}
)  # which older plans know nothing of


def decisive_settings(pagination: Numbered | Chained) -> dict[str, Any]:
    """The settings that decide which records come in which order."""
    settings = pagination.model_dump(exclude=set(_REMEDIES))
    return {name: value for name, value in settings.items() if value or name not in _LATER}


def refuse_unaskable(pagination: Numbered | Chained, *, url: str, method: str, body: Any) -> None:
    """Raise ValueError where what asks for a page has no place in the requests of a source."""
    if body is not None and method != "POST":
        raise ValueError("body: only a POST has one; set method to POST")
    is_in_path = isinstance(pagination, PageNumber) and not pagination.page_param
    if (PAGE_IN_PATH in url) is not is_in_path:
        raise ValueError(
            "url and pagination: the number of a page stands in the URL, as {page}, where the kind is page_number with "
            "an empty page_param, and nowhere else"
        )
    for name, value in pagination:
        if name.endswith("_param") and is_pointer(value):
            if method != "POST":
                raise ValueError(f"pagination.{name}: {value!r} is a place in the body of a POST; set method to POST")
            try:
                with_values(body, {value: "0"})
            except ValueError as error:
                raise ValueError(f"pagination.{name}: {error}") from None


def paths(pagination: Numbered | Chained) -> list[str]:
    """Where in a body it looks for something beside the records."""
    names = [name for name in type(pagination).model_fields if name.endswith("_path") and name != "record_path"]
    return [path for name in names if (path := getattr(pagination, name).removeprefix("!"))]
