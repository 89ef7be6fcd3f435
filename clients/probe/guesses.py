"""Guesses: the kinds of pagination that one answer of an unknown API suggests, likeliest first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qsl

import httpx

from seawall.clients.errors import MalformedPageError
from seawall.clients.pagination.chained import Cursor, LinkHeader, NextUrl
from seawall.clients.pagination.keyset import Keyset
from seawall.clients.pagination.kinds import Chained, Numbered
from seawall.clients.pagination.links import link_to
from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.probe.anatomy import Anatomy
from seawall.clients.probe.names import (
    CURSOR_PARAMS,
    KEY_PARAMS,
    OFFSET_PARAMS,
    PAGE_PARAMS,
    SIZE_PARAMS,
    TOTAL_PAGES,
    TOTAL_RECORDS,
    is_one,
    more_path,
    path_of,
    places,
)

_NEXT: Final = re.compile(
    r"(?:.*\.)?(?:[@_]?next[a-z_-]*(?:\.href)?|(?!start|prev|self)[a-z_-]*(?:cursor|continuation)[a-z_-]*)",
    re.IGNORECASE,
)
_URL: Final = re.compile(r"https?://|/|[^ ?]*\?.*=")

Guess = TypeVar("Guess", bound=Numbered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One answer: what its body and headers hold, the URL that it came from, and its number of records.

    `keys` are the fields by which its records may be walked, `body` is what the request had for one.
    """

    anatomy: Anatomy
    headers: httpx.Headers
    url: httpx.URL
    records: int
    keys: tuple[str, ...] = ()
    body: Any = None

    @property
    def link(self) -> str | None:
        """The URL of the next page in the Link header."""
        try:
            return link_to("next", self.headers.get("Link", ""))
        except MalformedPageError:
            return None

    @property
    def nexts(self) -> dict[str, str]:
        """What may ask for the next page, by path."""
        return {path: text for path, text in self.anatomy.texts.items() if _NEXT.fullmatch(path)}

    @property
    def urls(self) -> dict[str, str]:
        """What of that is a URL."""
        return {path: text for path, text in self.nexts.items() if _URL.match(text)}

    def link_params(self) -> Iterator[dict[str, str]]:
        """The query parameters of each link to the next page."""
        for target in filter(None, (self.link, *self.urls.values())):
            yield _params(self.url, target)

    def size_params(self) -> tuple[str, ...]:
        """The parameters that may set the size of a page: those of links first, then by their usual names.

        Where links write names with a sign in front ($skip, _next), the usual names that have it, too, come first.
        """
        linked = [item for params in self.link_params() for item in params.items()]
        named = [name for name, text in linked if text == str(self.records) and not is_one(name, OFFSET_PARAMS)]
        signs = {name[:1] for name, _ in linked if not name[:1].isalnum()}
        usual = sorted(places(SIZE_PARAMS, self.body), key=lambda name: name[:1] not in signs)
        return tuple(dict.fromkeys([*named, *usual]))


def guesses(shown: Shown) -> Iterator[Numbered | Chained]:
    """What an answer suggests.

    Links show the names of parameters, and so does an answer that repeats them; where neither does, the usual names are
    worth a try. Where a flag says that there is more, a field of the last record may be what asks for it.
    """
    anatomy, flag = shown.anatomy, more_path(shown.anatomy)
    for params in shown.link_params():
        yield from (with_totals(guess, anatomy) for guess in _by_params(params, shown.records))
    told: list[Chained] = [NextUrl(next_path=path, size_param="") for path in shown.urls]
    told += [LinkHeader(size_param="")] if shown.link else []
    told += [cursor for path in shown.nexts if path not in shown.urls for cursor in _cursors(path, shown.body)]
    yield from (with_total(guess, anatomy) for guess in told)
    numbered = [with_totals(guess, anatomy) for guess in [*_echoed(anatomy), *_usual(shown.body)]]
    yield from numbered[:2]
    numbers = filter(_NEXT.fullmatch, anatomy.counts.keys() - anatomy.texts.keys())
    yield from (with_total(cursor, anatomy) for path in sorted(numbers) for cursor in _cursors(path, shown.body))
    if flag:
        for param in places(KEY_PARAMS, shown.body):
            for key in shown.keys[:1]:
                yield with_total(Keyset(cursor_param=param, record_path=key, size_param=""), anatomy)
    yield from numbered[2:]


def with_totals(guess: Guess, anatomy: Anatomy) -> Guess:
    """The guess, with paths of totals that the answer has; its own where they are among those.

    Where there are none, a flag may tell whether there is more.
    """
    found = {"total_records_path": path_of(anatomy.counts, TOTAL_RECORDS)}
    if isinstance(guess, PageNumber):
        found["total_pages_path"] = path_of(anatomy.counts, TOTAL_PAGES)
    found |= {name: path for name in found if (path := getattr(guess, name)) in anatomy.counts}
    if not any(found.values()) and not guess.more_path:
        found["more_path"] = more_path(anatomy)
    return cast(Guess, guess.model_copy(update=found))


def with_total(guess: Chained, anatomy: Anatomy) -> Chained:
    """The guess, with the path of the number of records and of a flag that there is more, where the answer has them."""
    found = {}
    if guess.total_records_path not in anatomy.counts:
        found["total_records_path"] = path_of(anatomy.counts, TOTAL_RECORDS)
    if not guess.more_path and not isinstance(guess, LinkHeader):
        found["more_path"] = more_path(anatomy)
    return guess.model_copy(update=found)


def _cursors(path: str, body: Any) -> list[Chained]:
    """What a cursor at a path suggests."""
    return [Cursor(next_path=path, cursor_param=param, size_param="") for param in _cursor_params(path, body)]


def _cursor_params(path: str, body: Any) -> tuple[str, ...]:
    """The parameters that a cursor at a path may go into: one called like it, or by a usual name."""
    name = path.removesuffix(".href").rpartition(".")[2]
    bare = re.sub(r"^@?next[_-]?(?=.)", "", name)
    own = dict.fromkeys((bare[:1].lower() + bare[1:], "cursor", "after", name))
    return places(own | dict.fromkeys(CURSOR_PARAMS), body) if isinstance(body, dict) else tuple(own)


def _echoed(anatomy: Anatomy) -> Iterator[Numbered]:
    """What an answer suggests that repeats the parameters it was asked with, or their defaults."""
    for path, value in anatomy.counts.items():
        name = path.rpartition(".")[2]
        if value in (0, 1) and is_one(name, OFFSET_PARAMS):
            yield Offset(offset_param=name, first_offset=value)
        elif value in (0, 1) and is_one(name, PAGE_PARAMS):
            yield PageNumber(page_param=name, first_page=value, size_param="")


def _usual(body: Any) -> Iterator[Numbered]:
    """The usual names: the likeliest page number and offset, then the others."""
    pages: list[Numbered] = [PageNumber(page_param=name, size_param="") for name in places(PAGE_PARAMS, body)]
    offsets: list[Numbered] = [Offset(offset_param=name) for name in places(OFFSET_PARAMS, body)]
    yield from (pages[0], offsets[0], *offsets[1:], *pages[1:])


def _by_params(params: Mapping[str, str], records: int) -> Iterator[Numbered]:
    """What the parameters of a link to the next page suggest."""
    size = next((name for name, text in params.items() if text == str(records) and is_one(name, SIZE_PARAMS)), "")
    for name, text in params.items():
        if text in ("1", "2") and is_one(name, PAGE_PARAMS):
            yield PageNumber(page_param=name, first_page=int(text) - 1, size_param=size)
        for first in (0, 1):
            if text == str(records + first) and is_one(name, OFFSET_PARAMS):
                yield Offset(offset_param=name, first_offset=first, **({"limit_param": size} if size else {}))


def _params(url: httpx.URL, target: str) -> dict[str, str]:
    """The query parameters of a link in the answer from `url`; none where it is no URL."""
    try:
        return dict(parse_qsl(url.join(target).query.decode("ascii", "replace")))
    except (httpx.InvalidURL, ValueError):
        return {}
