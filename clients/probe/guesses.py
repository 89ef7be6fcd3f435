"""Guesses: the kinds of pagination that one answer of an unknown API suggests, likeliest first."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar, cast
from urllib.parse import parse_qsl

import httpx

from seawall.clients.errors import MalformedPageError
from seawall.clients.pagination.chained import Cursor, LinkHeader, NextUrl
from seawall.clients.pagination.kinds import Chained, Numbered
from seawall.clients.pagination.links import link_to
from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.probe.anatomy import Anatomy

# What APIs in the wild call these things. Names are compared in lower case, without _ and -.
PAGE_PARAMS: Final = ("page", "pagenumber", "pageno", "p")
OFFSET_PARAMS: Final = ("offset", "skip", "start", "startat", "startindex", "from")
SIZE_PARAMS: Final = ("limit", "per_page", "page_size", "pageSize", "size", "_size", "count", "max", "top")
TOTAL_RECORDS: Final = (
    "total",
    "totalrecords",
    "totalcount",
    "totalresults",
    "totalitems",
    "count",
    "filteredtablerowscount",
)
TOTAL_PAGES: Final = ("totalpages", "pagecount", "numpages", "pages", "lastpage")
_NEXT: Final = re.compile(r"(?:.*\.)?_?next[a-z_]*(?:\.href)?|(?:.*\.)?[a-z_]*cursor[a-z_]*", re.IGNORECASE)
_URL: Final = re.compile(r"https?://|/|[^ ?]*\?.*=")

Guess = TypeVar("Guess", bound=Numbered)


def guesses(anatomy: Anatomy, headers: httpx.Headers, url: httpx.URL, records: int) -> Iterator[Numbered | Chained]:
    """What the answer from `url` suggests: its anatomy, its headers, and its number of records.

    Links show the names of parameters; where there are none, the usual names are worth a try.
    """
    link = _link(headers)
    nexts = {path: text for path, text in anatomy.texts.items() if _NEXT.fullmatch(path)}
    urls = {path: text for path, text in nexts.items() if _URL.match(text)}
    for target in filter(None, (link, *urls.values())):
        yield from (with_totals(guess, anatomy) for guess in _by_params(_params(url, target), records))
    for path in urls:
        yield with_total(NextUrl(next_path=path, size_param=""), anatomy)
    if link:
        yield with_total(LinkHeader(size_param=""), anatomy)
    for path in nexts.keys() - urls.keys():
        name = path.rpartition(".")[2]
        params = dict.fromkeys((re.sub(r"^next_", "", name), "cursor", name))
        yield from (with_total(Cursor(next_path=path, cursor_param=param, size_param=""), anatomy) for param in params)
    yield with_totals(PageNumber(size_param=""), anatomy)
    yield with_totals(Offset(), anatomy)


def with_totals(guess: Guess, anatomy: Anatomy) -> Guess:
    """The guess, with paths of totals that the answer has; its own where they are among those."""
    paths = {"total_records_path": _path(anatomy.counts, TOTAL_RECORDS)}
    if isinstance(guess, PageNumber):
        paths["total_pages_path"] = _path(anatomy.counts, TOTAL_PAGES)
    own_paths = {name: path for name in paths if (path := getattr(guess, name)) in anatomy.counts}
    return cast(Guess, guess.model_copy(update=paths | own_paths))


def with_total(guess: Chained, anatomy: Anatomy) -> Chained:
    """The guess, with the path of the number of records, where the answer has one."""
    if guess.total_records_path in anatomy.counts:
        return guess
    return guess.model_copy(update={"total_records_path": _path(anatomy.counts, TOTAL_RECORDS)})


def _by_params(params: Mapping[str, str], records: int) -> Iterator[Numbered]:
    """What the parameters of a link to the next page suggest."""
    size = next((name for name, text in params.items() if text == str(records) and _is(name, SIZE_PARAMS)), "")
    for name, text in params.items():
        if text in ("1", "2") and _is(name, PAGE_PARAMS):
            yield PageNumber(page_param=name, first_page=int(text) - 1, size_param=size)
        if text == str(records) and _is(name, OFFSET_PARAMS):
            yield Offset(offset_param=name, **({"limit_param": size} if size else {}))


def _params(url: httpx.URL, target: str) -> dict[str, str]:
    """The query parameters of a link in the answer from `url`; none where it is no URL."""
    try:
        return dict(parse_qsl(url.join(target).query.decode("ascii", "replace")))
    except (httpx.InvalidURL, ValueError):
        return {}


def _link(headers: httpx.Headers) -> str | None:
    try:
        return link_to("next", headers.get("Link", ""))
    except MalformedPageError:
        return None


def _path(counts: Iterable[str], names: tuple[str, ...]) -> str:
    """The path whose key has the first of these names that any key has; empty where none has one of them."""
    by_key = {_key(path.rpartition(".")[2]): path for path in sorted(counts, key=lambda path: -path.count("."))}
    return next((by_key[name] for name in names if name in by_key), "")


def _is(name: str, names: tuple[str, ...]) -> bool:
    return _key(name) in {_key(each) for each in names}


def _key(name: str) -> str:
    return re.sub(r"[_-]", "", name).lower()
