"""Charsets: bodies in other encodings than UTF-8, where a byte order mark, zeros or the Content-Type say so."""

import codecs
import re
from typing import Final

from seawall.clients.errors import AttemptError
from seawall.clients.pages.utf8 import refuse_other_than_utf8
from seawall.clients.redact import excerpt

_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^\s;"']+)""")  # RFC 9110 §8.3.2
_MARKS: Final = {  # the longer one of two that begin alike comes first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# which of the first four bytes are zero where the first two characters are ASCII (RFC 4627 §3)
_ZEROS: Final[dict[tuple[bool, ...], str]] = {
    (True, True, True, False): "utf-32-be",
    (True, False, True, False): "utf-16-be",
    (False, True, True, True): "utf-32-le",
    (False, True, False, True): "utf-16-le",
}
_WIDE: Final = {
    "utf-16": "utf-16-be",  # without a mark, RFC 2781 §4.3
    "utf-32": "utf-32-be",
    **{name: name for name in ("utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le")},
}
_ONE_BYTE: Final = ("iso8859-", "cp125", "koi8-")
_OTHERS: Final = frozenset(
    {"shift_jis", "cp932", "euc_jp", "iso2022_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr", "cp949"}
)


def in_utf8(content: bytes, content_type: str) -> bytes:
    """A body as UTF-8; it is the same bytes where nothing tells of another encoding, be it UTF-8 or not.

    Raises:
        AttemptError: it is not in the encoding that it tells of: it may be cut.
    """
    name = _encoding(content, content_type)
    if name is None:
        return content
    try:
        return content.decode(name).encode()
    except UnicodeError as error:
        raise AttemptError(f"the body is not text in {name} ({error}): {excerpt(content)}", cause="truncated") from None


def _encoding(content: bytes, content_type: str) -> str | None:
    """The encoding that a body begins like, or that its Content-Type names; None for UTF-8, and for unknown ones."""
    for mark, marked in _MARKS.items():
        if content.startswith(mark):
            return marked
    if b"\0" in content[:4] and (name := _ZEROS.get(tuple(byte == 0 for byte in content[:4]))):
        return name
    return _declared(content, content_type) if "charset" in content_type else None


def _declared(content: bytes, content_type: str) -> str | None:
    """The encoding that the Content-Type names.

    What some servers name whatever they send: bytes that are UTF-8 with characters beyond ASCII are hardly ever text
    in an encoding of one byte a character, and text in UTF-16 is hardly ever without a zero.
    """
    charset = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(charset[1]).name if charset else ""
    except LookupError:
        return None
    if name.startswith(_ONE_BYTE):
        return None if _is_utf8(content) else name
    if name in _WIDE:
        return _WIDE[name] if b"\0" in content else None
    return name if name in _OTHERS else None


def _is_utf8(content: bytes) -> bool:
    try:
        refuse_other_than_utf8(content)
    except UnicodeDecodeError:
        return False
    return True
