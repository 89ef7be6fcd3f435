"""Names: what APIs in the wild call the parameters, totals and flags of their pages.

They are compared in lower case, without `_`, `-` and `$`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from seawall.clients.pages.paths import HEADER
from seawall.clients.probe.anatomy import Anatomy

PAGE_PARAMS: Final = ("page", "pageNumber", "p", "page_no")
OFFSET_PARAMS: Final = ("offset", "skip", "start", "startIndex", "$skip", "from", "startAt")
SIZE_PARAMS: Final = (
    "limit",
    "per_page",
    "page_size",
    "pageSize",
    "size",
    "count",
    "$top",
    "rows",
    "maxResults",
    "first",
    "_size",
    "max",
    "top",
)
CURSOR_PARAMS: Final = ("cursor", "after", "start_cursor", "page_token", "next_token", "search_after", "continuation")
KEY_PARAMS: Final = ("starting_after", "after", "after_id", "since_id", "last_id")
TOTAL_RECORDS: Final = (
    "total",
    "totalrecords",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalelements",
    "count",
    "filteredtablerowscount",
    "contentrange",
)
TOTAL_PAGES: Final = ("totalpages", "pagecount", "numpages", "pages", "lastpage")
MORE: Final = ("hasmore", "more", "morerecords", "hasnext", "hasnextpage", "moreresults")
NO_MORE: Final = ("islast", "islastpage", "last", "lastpage", "done", "endofstream")
ABSENT_AT_THE_END: Final = ("nextlink", "nextpagetoken", "nexttoken")  # as OData and Google's APIs define these

_VARIABLES: Final = "variables"  # of a GraphQL request
_HEADER_PREFIX: Final = re.compile(r"(?:x-)?(?:wp-|pagination-)?")


def key(name: str) -> str:
    """A name without what does not tell it from another one."""
    return re.sub(r"[_$-]", "", name).lower()


def is_one(name: str, names: tuple[str, ...]) -> bool:
    """Whether a name is one of these."""
    return key(name) in map(key, names)


def last_key(path: str) -> str:
    """What a path ends with, as it is compared; of a header its name without what stands before many."""
    if path.startswith(HEADER):
        return key(_HEADER_PREFIX.sub("", path.removeprefix(HEADER).lower(), count=1))
    return key(path.removesuffix(".value").rpartition(".")[2])  # hits.total.value is a total


def path_of(paths: Iterable[str], names: tuple[str, ...]) -> str:
    """The path that ends with the first of these names that any ends with; empty where none does.

    Of several the least deep one, and a header last of all.
    """
    by_key = {last_key(path): path for path in sorted(paths, key=lambda path: (path[:7] != HEADER, -path.count(".")))}
    return next((by_key[name] for name in names if name in by_key), "")


def more_path(anatomy: Anatomy) -> str:
    """Where a first page says that there is more, as `more_path` has it; empty where nothing does."""
    if path := path_of((path for path, flag in anatomy.flags.items() if flag), MORE):
        return path
    path = path_of((path for path, flag in anatomy.flags.items() if not flag), NO_MORE)
    return f"!{path}" if path else ""


def places(names: Iterable[str], body: Any) -> tuple[str, ...]:
    """These names of parameters; where requests have a body, first the places there that are called so, or could be."""
    names = tuple(names)
    if not isinstance(body, dict):
        return names
    there = [pointer for pointer in _pointers(body) if is_one(pointer.rpartition("/")[2], names)]
    above = [""] if not isinstance(body.get(_VARIABLES), dict) else [f"/{_VARIABLES}"]
    return tuple(dict.fromkeys([*there, *(f"{place}/{name}" for place in above for name in names), *names]))


def _pointers(body: Mapping[str, Any], place: str = "") -> Iterable[str]:
    """The places in a body whose value is no object, but for keys that a pointer would have to escape."""
    for name, value in body.items():
        if "/" not in name and "~" not in name:
            if isinstance(value, dict):
                yield from _pointers(value, f"{place}/{name}")
            else:
                yield f"{place}/{name}"
