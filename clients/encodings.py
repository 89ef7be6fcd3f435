"""Encodings of text in text: what a page of errors in HTML that shows a JSON body leaves of a word."""

import html
import re
from typing import Final

LAYERS: Final = 16  # that are taken off; whatever goes deeper is not worth showing

_MARKS: Final = re.compile(r"[&%\\]")
_ESCAPE: Final = re.compile(
    r"""(?P<entity>&(?:amp;|\#0*38;|\#[xX]0*26;)*(?:[a-zA-Z][a-zA-Z0-9]{1,30}|\#[0-9]{1,10}|\#[xX][0-9a-fA-F]{1,10});)
    | (?P<percent>(?:%(?:25)*[0-9a-fA-F]{2})+)
    | (?<!\\)\\++ (?: (?P<units>u[0-9a-fA-F]{4}(?:\\++u[0-9a-fA-F]{4})*+) | (?P<code>U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2})
                  | (?P<letter>[nrtbf]) )""",
    re.VERBOSE,
)
_LAYERS_OF: Final = re.compile(r"&(?:amp;|\#0*38;|\#[xX]0*26;)*")
_CONTROL: Final = dict(zip("nrtbf", "\n\r\t\b\f", strict=True))  # RFC 8259 §7
_PLAIN: Final = str.maketrans({"+": " ", "\\": None})


def may_be_encoded(text: str) -> bool:
    """Whether anything in a text could be an escape of HTML, URLs, JSON or Python."""
    return _MARKS.search(text) is not None


def bare(text: str) -> str | None:
    """A text without any escapes, however often they were nested, and without backslashes; None where they never end.

    Two texts that are one word in different encodings become the same: what is an escape by chance becomes something
    else in both of them. A plus is a blank.
    """
    for _ in range(LAYERS):
        before, text = text, _ESCAPE.sub(_decoded, text)
        if text == before:
            return text.translate(_PLAIN)
    return None


def _decoded(escape: re.Match[str]) -> str:
    kind, text = escape.lastgroup, escape[0]
    if kind == "entity":
        return html.unescape(_LAYERS_OF.sub("&", text, count=1))
    if kind == "percent":
        return bytes.fromhex("".join(re.findall("%(?:25)*([0-9a-fA-F]{2})", text))).decode("utf-8", "replace")
    if kind == "letter":
        return _CONTROL[escape["letter"]]
    digits = re.findall(r"u([0-9a-fA-F]{4})", text) if kind == "units" else [escape["code"][1:]]
    if kind == "units":
        return bytes.fromhex("".join(digits)).decode("utf-16-be", "replace")
    return chr(min(int(digits[0], 16), 0x10FFFF))
