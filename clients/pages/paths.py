"""Paths: where in an answer something stands, in each of the ways in which a source may say it."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Annotated, Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator

HEADER: Final = "header:"
EXPRESSION: Final = "jmespath:"

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # the name of a header (RFC 9110 §5.6.2)
_BAD_ESCAPE: Final = re.compile(r"~(?![01])")


def checked(path: str) -> str:
    """The path, if it can be one. Raises ValueError with what is wrong with it, and what a path may be."""
    if path.startswith(HEADER):
        if not _TOKEN.fullmatch(path.removeprefix(HEADER)):
            raise ValueError(f"{path!r} names no header; write header: and its name, such as header:X-Total-Count")
    elif path.startswith(EXPRESSION):
        try:
            expression(path)
        except JMESPathError as error:
            raise ValueError(f"{path!r} is no JMESPath: {_in_one_line(error)}") from None
    elif path.startswith("/"):
        if _BAD_ESCAPE.search(path):
            raise ValueError(
                f"{path!r} is no JSON Pointer: write ~0 for a tilde in a key, and ~1 for a slash (RFC 6901)"
            )
    elif path and not all(path.split(".")):
        raise ValueError(
            f"{path!r} has a dot too many; where a key begins or ends with a dot, write a JSON Pointer: /key."
        )
    return path


def checked_in_body(path: str) -> str:
    """The path, if it can be one of a list in a body. Raises ValueError."""
    if path.startswith((HEADER, EXPRESSION)):
        raise ValueError(
            f"{path!r}: records are found by a dotted path or a JSON Pointer, such as data.items or /data/items"
        )
    return checked(path)


Path = Annotated[str, AfterValidator(checked)]
PathInBody = Annotated[str, AfterValidator(checked_in_body)]


def in_body(path: str) -> bool:
    """Whether a path leads through the keys of a body."""
    return not path.startswith((HEADER, EXPRESSION))


def is_expression(path: str) -> bool:
    """Whether a path is a JMESPath."""
    return path.startswith(EXPRESSION)


def steps(path: str) -> tuple[str, ...]:
    """The steps of a path through a body: keys of a JSON Pointer, what stands between the dots of any other."""
    if path.startswith("/"):
        return tuple(each.replace("~1", "/").replace("~0", "~") for each in path[1:].split("/"))
    return tuple(path.split(".")) if path else ()


def beginnings(path: str) -> Iterator[str]:
    """The keys that a path through a body may begin with: a key may hold dots itself."""
    each = steps(path)
    if path.startswith("/"):
        yield each[0]
    else:
        yield from (".".join(each[:length]) for length in range(1, len(each) + 1))


def above(path: str) -> Iterator[str]:
    """The paths on the way to this one through a body, the deepest first, the body itself at last."""
    mark = "/" if path.startswith("/") else "."
    while path:
        path = path.rpartition(mark)[0]
        yield path


@lru_cache(256)
def expression(path: str) -> Callable[[Any], Any]:
    """What a JMESPath looks for. Raises JMESPathError."""
    search: Callable[[Any], Any] = jmespath.compile(path.removeprefix(EXPRESSION)).search
    return search


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
