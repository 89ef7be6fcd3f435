"""Anatomy: what stands where in the JSON body of an API that nobody knows yet, by dotted paths."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from seawall.clients.errors import MalformedPageError
from seawall.clients.limits import ANATOMY_LEVELS
from seawall.clients.redact import excerpt

KEY: Final = re.compile(r"[A-Za-z0-9_@$:-]{1,100}")  # others cannot be told from a path, or shown as they are

_COUNT_DIGITS: Final = 18  # whatever is longer counts nothing, and int() refuses 4,301 digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Lists of objects with their lengths, whole numbers, and texts; nothing of what stands inside of lists."""

    lists: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def records_path(self) -> str | None:
        """Where the longest list of objects stands, of several the one that is least deep."""
        return min(self.lists, key=lambda path: (-self.lists[path], path.count("."), path), default=None)


def anatomy(content: bytes) -> Anatomy:
    """What a body shows, down to ANATOMY_LEVELS below its top.

    Raises:
        MalformedPageError: it is not JSON.
    """
    try:
        body = json.loads(content.removeprefix(b"\xef\xbb\xbf"), parse_int=_short)
    except (ValueError, RecursionError) as error:
        raise MalformedPageError(f"the body is not JSON ({type(error).__name__}): {excerpt(content)}") from None
    found = Anatomy()
    _look(body, "", found)
    return found


def _short(digits: str) -> int:
    """The number, or -1, which counts nothing, for one so long that it counts nothing either."""
    return int(digits) if len(digits) <= _COUNT_DIGITS else -1


def _look(value: Any, path: str, found: Anatomy) -> None:
    if isinstance(value, dict):
        if not path or path.count(".") + 1 < ANATOMY_LEVELS:
            for key, member in value.items():
                if KEY.fullmatch(key):
                    _look(member, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list):
        if value and all(isinstance(each, dict) for each in value):
            found.lists[path] = len(value)
    else:
        _note(value, path, found)


def _note(value: Any, path: str, found: Anatomy) -> None:
    """Keep a text, or a number that may count something, which can be a text, too."""
    if isinstance(value, str) and value:
        found.texts[path] = value
        if value.isascii() and value.isdecimal():
            value = _short(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        found.counts[path] = value
