"""Anatomy: what stands where in the JSON body of an API that nobody knows yet, by dotted paths."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from seawall.clients.errors import MalformedPageError
from seawall.clients.limits import ANATOMY_LEVELS
from seawall.clients.pages.body import BOM, COUNT_DIGITS
from seawall.clients.redact import excerpt

KEY: Final = re.compile(
    r"[A-Za-z0-9_@$:-]{1,100}"
)  # others could be mistaken for a path, or cannot be shown as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Lists of objects with their lengths, whole numbers, and texts, by path; nothing from inside a list."""

    lists: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def records_path(self) -> str | None:
        """Where the longest list of objects stands; the least deep of several; None where there is none."""
        return min(self.lists, key=lambda path: (-self.lists[path], path.count("."), path), default=None)


def anatomy(content: bytes) -> Anatomy:
    """What a body holds, down to ANATOMY_LEVELS below its top.

    Raises:
        MalformedPageError: it is not JSON.
    """
    try:
        body = json.loads(content.removeprefix(BOM), parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise MalformedPageError(f"the body is not JSON ({type(error).__name__}): {excerpt(content)}") from None
    notes = Anatomy()
    _look(body, "", notes)
    return notes


def _whole_number(digits: str) -> int:
    """The number; -1, which is no count, where it is too long for one."""
    return int(digits) if len(digits) <= COUNT_DIGITS else -1


def _look(value: Any, path: str, notes: Anatomy) -> None:
    if isinstance(value, dict):
        if not path or path.count(".") + 1 < ANATOMY_LEVELS:
            for key, member in value.items():
                if KEY.fullmatch(key):
                    _look(member, f"{path}.{key}" if path else key, notes)
    elif isinstance(value, list):
        if value and all(isinstance(each, dict) for each in value):
            notes.lists[path] = len(value)
    else:
        _note(value, path, notes)


def _note(value: Any, path: str, notes: Anatomy) -> None:
    """Note a text, or a number that may be a count, which can be a text, too."""
    if isinstance(value, str) and value:
        notes.texts[path] = value
        if value.isascii() and value.isdecimal():
            value = _whole_number(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        notes.counts[path] = value
