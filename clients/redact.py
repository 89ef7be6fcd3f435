"""Secrets by value, and text from servers: both are made harmless here before anybody reads them."""

import base64
import html
import json
import re
import threading
from collections import Counter
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
SHORT: Final = 4  # a shorter secret is masked only where it stands as a whole word
SERVER_TEXT_CHARACTERS: Final = 200
SHOWN_CHARACTERS: Final = 2000
EXCERPT_BYTES: Final = 65_536  # looked through for secrets; no header, so no token, is longer

_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff]"
)
_SHOWN_ATTRIBUTES: Final = ("strerror", "filename", "filename2")  # OSError shows these, not its arguments
_INERT: Final = str.maketrans({"<": "‹", ">": "›", "`": "'"})


def _encodings(secret: str) -> set[str]:
    """The texts that a secret may hide in: raw, URL-encoded, JSON, HTML, and base64 at any offset."""
    percent = {quote(secret, safe=""), quote_plus(secret), quote(secret)}
    lowered = {re.sub(r"%..", lambda match: match[0].lower(), text) for text in percent}
    as_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    as_json |= {text.replace("/", "\\/") for text in as_json}  # as PHP writes it
    as_json |= {json.dumps(text)[1:-1] for text in as_json}  # a body quoted in another body
    escaped = {html.escape(secret), repr(secret)[1:-1]} | as_json
    return {secret} | percent | lowered | escaped | _base64(secret.encode("utf-8", "surrogatepass"))


def _base64(secret: bytes) -> set[str]:
    """Base64 of `secret` where it begins at byte 0, 1 or 2 of a group of three (RFC 4648 §4, §5)."""
    found = set()
    for offset in range(3):
        core = base64.b64encode(b"\0" * offset + secret).decode().rstrip("=")
        begin, end = (0, 2, 3)[offset], len(core) - bool((offset + len(secret)) % 3)
        if end - begin >= SHORT:
            found |= {core[begin:end], core[begin:end].replace("+", "-").replace("/", "_")}
    return found


class Secrets:
    """The secret values that this process knows, to be masked wherever text leaves it. Thread-safe."""

    def __init__(self) -> None:
        self._known: Counter[str] = Counter()
        self._texts: tuple[str, ...] = ()
        self._words: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Secrets: {len(self._known)} known>"

    def add(self, *secrets: str) -> None:
        """Mask these from now on; empty ones are ignored."""
        with self._lock:
            self._known.update(filter(None, secrets))
            self._prepare()

    def discard(self, secret: str) -> None:
        """Forget a secret, such as a token that died long ago, once nobody else added it."""
        with self._lock:
            self._known -= Counter({secret})
            self._prepare()

    def redact(self, text: str) -> str:
        """`text` with every known secret masked."""
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, MASK)
        return self._words.sub(MASK, text) if self._words else text

    def _prepare(self) -> None:
        texts = {text for secret in self._known for text in _encodings(secret) if len(secret) >= SHORT}
        words = "|".join(re.escape(secret) for secret in sorted(self._known) if len(secret) < SHORT)
        self._texts = tuple(sorted(texts, key=len, reverse=True))
        self._words = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None


SECRETS: Final = Secrets()
redact = SECRETS.redact


def plain(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Any text as one printable line of at most `limit` characters, without markup or secrets."""
    known = redact(text)
    cut = known if len(known) <= limit else known[:limit] + "…"
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], cut).translate(_INERT)


def neutral(text: str, limit: int = SERVER_TEXT_CHARACTERS) -> str:
    """Text from a server: plain, cut shorter, and with nothing in it that a reader would turn into a link."""
    return plain(text, limit).replace("](", "] (").replace("://", "[:]//").replace("www.", "www[.]")


def excerpt(content: bytes) -> str:
    """The first characters of a body from a server, neutral.

    Secrets are masked before the cut: half a token would not be known for one.
    """
    return neutral(content[:EXCERPT_BYTES].decode("utf-8", "backslashreplace")) or "(empty)"


def redact_error(error: BaseException) -> None:
    """Mask secrets in the arguments and notes of `error` and of all that caused it, in place."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.args = tuple(redact(arg) if isinstance(arg, str) else arg for arg in each.args)
        if redact(str(each)) != str(each):
            each.args = (redact(str(each)),)
        for name in _SHOWN_ATTRIBUTES:
            if isinstance(value := getattr(each, name, None), str):
                setattr(each, name, redact(value))
        if notes := getattr(each, "__notes__", None):
            notes[:] = map(redact, map(str, notes))
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
