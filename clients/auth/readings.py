"""Readings: what stands in the answer to a request for a token."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from jmespath.exceptions import JMESPathError

from seawall.clients.http.exchange import Answer
from seawall.clients.pages import paths

_ANSWER: Final = msgspec.json.Decoder(dict[str, Any])
_REFUSALS: Final = frozenset(  # RFC 6749 §5.2
    {
        "invalid_request", "invalid_client", "invalid_grant",
        "unauthorized_client", "unsupported_grant_type", "invalid_scope",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What signs requests, what asks for its successor, and how long it lives, as the server puts it.

    `secrets` is what of it no text may show; None: all of it.
    """

    access: object = field(repr=False)
    refresh: object = field(default=None, repr=False)
    life: object = None
    secrets: Sequence[str] | None = field(default=None, repr=False)


def decoded_answer(content: bytes) -> dict[str, Any]:
    """The JSON object in the answer to a request for a token; raises ValueError or RecursionError if it is none."""
    return _ANSWER.decode(content)


def refusal_code(answer: Answer) -> str:
    """Which of the refusals that RFC 6749 §5.2 has an answer names, in brackets; of its body nothing else is shown."""
    code = found(answer, "error")
    return f" ({code})" if isinstance(code, str) and code in _REFUSALS else ""


def found(answer: Answer, path: str) -> object:
    """What stands at a path of an answer; None where nothing does."""
    if path.startswith(paths.HEADER):
        return answer.headers.get(path.removeprefix(paths.HEADER))
    try:
        body = decoded_answer(answer.content)
        if paths.is_expression(path):
            return paths.expression(path)(body)
    except (ValueError, RecursionError, JMESPathError):
        return None
    return _below(body, paths.steps(path), longest=1 if path.startswith("/") else len(path))


def _below(value: Any, steps: Sequence[str], *, longest: int) -> object:
    """What the steps of a path lead to; where keys hold dots themselves, the longest that is there counts."""
    if not steps:
        return value
    if isinstance(value, list):
        at = int(steps[0]) if steps[0].isascii() and steps[0].isdecimal() and len(steps[0]) < len("1000000") else -1
        return _below(value[at], steps[1:], longest=longest) if 0 <= at < len(value) else None
    for length in range(min(longest, len(steps)), 0, -1) if isinstance(value, dict) else ():
        below = value.get(".".join(steps[:length]))
        if below is not None and (end := _below(below, steps[length:], longest=longest)) is not None:
            return end
    return None
