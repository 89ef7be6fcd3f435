"""Pointers: places in the body of a request, where what asks for a page is put (JSON Pointer, RFC 6901)."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import msgspec

from seawall.clients.pages.paths import steps


def is_pointer(name: str) -> bool:
    """Whether the name of a parameter is a place in the body."""
    return name.startswith("/")


def with_values(body: Any, texts: Mapping[str, str]) -> bytes:
    """The JSON text of a body with these JSON texts at their pointers, written as they are; None is an empty object.

    Raises:
        ValueError: a pointer leads through something that is no object, or to an element that a list has not.
    """
    whole = {} if body is None else deepcopy(body)
    for pointer, text in texts.items():
        whole = _with(whole, steps(pointer), msgspec.Raw(text.encode()), pointer)
    return msgspec.json.encode(whole)


def _with(value: Any, keys: Sequence[str], text: msgspec.Raw, pointer: str) -> Any:
    """A value with a text at the end of the keys."""
    if not keys:
        return text
    key, *rest = keys
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        value[int(key)] = _with(value[int(key)], rest, text, pointer)
    elif isinstance(value, dict):
        value[key] = _with(value.get(key, {}) if rest else None, rest, text, pointer)
    else:
        raise ValueError(f"{pointer!r} leads nowhere in the body: {key!r} is no key of an object there")
    return value
