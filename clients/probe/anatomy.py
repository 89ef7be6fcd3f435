"""Anatomy: what stands where in the answer of an API that nobody knows yet, by dotted paths and names of headers."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from seawall.clients.errors import MalformedPageError
from seawall.clients.limits import ANATOMY_LEVELS
from seawall.clients.pages.body import BOM, COUNT_DIGITS
from seawall.clients.pages.paths import HEADER
from seawall.clients.redact import excerpt

KEY: Final = re.compile(  # others could be mistaken for a path, or cannot be shown as they are
    r"(?!header:|jmespath:)[A-Za-z0-9_@$:-]{1,100}(?:\.[A-Za-z0-9_@$:-]{1,100}){0,3}"
)
_TOTAL: Final = re.compile(
    r"(?:x-)?(?:[a-z]+-)?(?:total|pages?-?count|pages|count|num-pages|last-page)[a-z-]*", re.IGNORECASE
)
_RANGE: Final = re.compile(r"[^/]*/([0-9]+)")  # Content-Range (RFC 9110 §14.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Lists of objects with their lengths, whole numbers, flags and texts, by path; nothing from inside a list.

    Among the numbers are those of headers whose names tell of totals.
    """

    lists: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def records_path(self) -> str | None:
        """Where the longest list of objects stands; the least deep of several; None where there is none."""
        return min(self.lists, key=lambda path: (-self.lists[path], path.count("."), path), default=None)


def anatomy(content: bytes, headers: httpx.Headers | None = None) -> Anatomy:
    """What a body holds, down to ANATOMY_LEVELS below its top, and what its headers count.

    Raises:
        MalformedPageError: it is not JSON.
    """
    try:
        body = json.loads(content.removeprefix(BOM), parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise MalformedPageError(f"the body is not JSON ({type(error).__name__}): {excerpt(content)}") from None
    notes = Anatomy()
    _look(body, "", ANATOMY_LEVELS, notes)
    notes.counts.update(_counts(headers or httpx.Headers()))
    return notes


def _counts(headers: httpx.Headers) -> Iterator[tuple[str, int]]:
    """The numbers of headers that tell of totals, by path."""
    for raw_name, _ in headers.raw:
        name = raw_name.decode("ascii", "replace")
        text = headers[name].strip()
        if name.lower() == "content-range" and (told := _RANGE.fullmatch(text)):
            text = told[1]
        elif not _TOTAL.fullmatch(name):
            continue
        if text.isascii() and text.isdecimal():
            yield f"{HEADER}{name}", _whole_number(text)


def _whole_number(digits: str) -> int:
    """The number; -1, which is no count, where it is too long for one."""
    return int(digits) if len(digits) <= COUNT_DIGITS else -1


def _look(value: Any, path: str, levels: int, notes: Anatomy) -> None:
    if isinstance(value, dict):
        for key, member in value.items() if levels else ():
            if KEY.fullmatch(key):
                _look(member, f"{path}.{key}" if path else key, levels - 1, notes)
    elif isinstance(value, list):
        if value and all(isinstance(each, dict) for each in value):
            notes.lists[path] = len(value)
    else:
        _note(value, path, notes)


def _note(value: Any, path: str, notes: Anatomy) -> None:
    """Note a flag, a text, or a number that may be a count, which can be a text, too."""
    if isinstance(value, bool):
        notes.flags[path] = value
    if isinstance(value, str) and value:
        notes.texts[path] = value
        if value.isascii() and value.isdecimal():
            value = _whole_number(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        notes.counts[path] = value
