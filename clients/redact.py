"""Secrets by value, and text from servers: both are made harmless here before anybody reads them."""

import base64
import html.entities
import re
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

from seawall.clients import encodings

MASK: Final = "***"
SHORT: Final = 4  # a shorter secret is masked only where it stands as a whole word
SERVER_TEXT_CHARACTERS: Final = 200
SHOWN_CHARACTERS: Final = 2000
EXCERPT_BYTES: Final = 65_536  # looked through for secrets; no header is longer, so no token is

_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff]"
)
_SHOWN_ATTRIBUTES: Final = ("strerror", "filename", "filename2")  # OSError shows these, not its arguments
_NEVER_ESCAPED: Final = re.compile(r"[A-Za-z0-9._-]+")  # RFC 3986 §2.3, without the tilde, which some escape
_LETTERS: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}  # RFC 8259 §7
_ENTITIES: Final = html.entities.codepoint2name | {ord("'"): "apos"}
_BACKSLASHES: Final = r"\\{1,8}"  # JSON in JSON in JSON; without a bound, a server's backslashes could take for ever
_INERT: Final = str.maketrans({"<": "‹", ">": "›", "`": "'"})


def _pattern(secret: str) -> re.Pattern[str]:
    """Finds a secret however it is written: each character as it is, or as URLs, JSON, HTML or Python escape it."""
    return re.compile("".join(map(_written, secret)))


def _written(character: str) -> str:
    """A pattern for one character of a secret, as it is or escaped, even repeatedly, its digits in either case."""
    if _NEVER_ESCAPED.fullmatch(character):
        return re.escape(character)
    code, units = ord(character), character.encode("utf-16-be", "surrogatepass")
    escapes = [
        "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")),
        "".join(rf"{_BACKSLASHES}u{unit:04x}" for (unit,) in struct.iter_unpack(">H", units)),
        rf"{_BACKSLASHES}U{code:08x}",
        rf"&#(?:0{{0,7}}{code}|x0{{0,7}}{code:x});",
        f"&{_ENTITIES[code]};" if code in _ENTITIES else None,
        rf"{_BACKSLASHES}x{code:02x}" if code < 256 else None,
        rf"{_BACKSLASHES}{_LETTERS[character]}" if character in _LETTERS else None,
        r"\+" if character == " " else None,
        rf"(?:{_BACKSLASHES})?{re.escape(character)}",
    ]
    return f"(?i:{'|'.join(filter(None, escapes))})"


def _base64(secret: bytes) -> set[str]:
    """Base64 of `secret` where it begins at byte 0, 1 or 2 of a group of three (RFC 4648 §4, §5)."""
    texts = set()
    for offset in range(3):
        core = base64.b64encode(b"\0" * offset + secret).decode().rstrip("=")
        begin, end = (0, 2, 3)[offset], len(core) - bool((offset + len(secret)) % 3)
        if end - begin >= SHORT:
            texts |= {core[begin:end], core[begin:end].replace("+", "-").replace("/", "_")}
    return texts


class Secrets:
    """The secret values that this process knows, to be masked wherever text leaves it. Thread-safe."""

    def __init__(self) -> None:
        self._secrets: Counter[str] = Counter()
        self._texts: tuple[str | re.Pattern[str], ...] = ()
        self._words: re.Pattern[str] | None = None
        self._bare: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Secrets: {len(self._secrets)} known>"

    def add(self, *secrets: str) -> None:
        """Mask these from now on; empty ones are ignored."""
        with self._lock:
            self._secrets.update(filter(None, secrets))
            self._prepare()

    def discard(self, *secrets: str) -> None:
        """Undo one `add` of secrets, such as a token that expired long ago; the last one forgets them."""
        with self._lock:
            self._secrets -= Counter(secrets)
            self._prepare()

    def redact(self, text: str) -> str:
        """`text` with every known secret masked; a line that hides one below several encodings is masked as a whole."""
        for secret in self._texts:
            if isinstance(secret, re.Pattern):
                text = secret.sub(MASK, text)
            elif secret in text:
                text = text.replace(secret, MASK)
        text = self._words.sub(MASK, text) if self._words else text
        if not self._bare or not self._hides(text):
            return text
        lines = "\n".join(MASK if self._hides(line) else line for line in text.split("\n"))
        return MASK if self._hides(lines) else lines

    def _hides(self, text: str) -> bool:
        """Whether a secret shows once all encodings are taken off a text, or there is no end of them."""
        if not encodings.may_be_encoded(text):
            return False
        bare = encodings.bare(text)
        return bare is None or any(secret in bare for secret in self._bare)

    def _prepare(self) -> None:
        long = sorted((secret for secret in self._secrets if len(secret) >= SHORT), key=len, reverse=True)
        in_base64 = {text for secret in long for text in _base64(secret.encode("utf-8", "surrogatepass"))}
        words = "|".join(re.escape(secret) for secret in sorted(self._secrets) if len(secret) < SHORT)
        whole = (secret if _NEVER_ESCAPED.fullmatch(secret) else _pattern(secret) for secret in long)
        self._texts = (*whole, *sorted(in_base64, key=len, reverse=True))
        self._words = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None
        self._bare = frozenset(bare for secret in long if len(bare := encodings.bare(secret) or "") >= SHORT)


SECRETS: Final = Secrets()
redact = SECRETS.redact


def plain(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Any text as one printable line of at most `limit` characters, without markup or secrets."""
    safe = redact(text)
    start = safe if len(safe) <= limit else safe[:limit] + "…"
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], start).translate(_INERT)


def neutral(text: str, limit: int = SERVER_TEXT_CHARACTERS) -> str:
    """Text from a server: plain, cut shorter, and with nothing in it that a viewer would turn into a link."""
    return plain(text, limit).replace("](", "] (").replace("://", "[:]//").replace("www.", "www[.]")


def excerpt(content: bytes) -> str:
    """The first characters of a body from a server, neutral.

    Secrets are masked before the cut: half a token would not be recognised.
    """
    return neutral(content[:EXCERPT_BYTES].decode("utf-8", "backslashreplace")) or "(empty)"


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that caused it, each once."""
    ids: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None and id(each) not in ids:
            ids.add(id(each))
            yield each
            pending += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


def redact_error(error: BaseException) -> None:
    """Mask secrets in the arguments and notes of `error` and of all that caused it, in place."""
    for each in chain(error):
        each.args = tuple(redact(arg) if isinstance(arg, str) else arg for arg in each.args)
        if redact(str(each)) != str(each):
            each.args = (redact(str(each)),)
        for name in _SHOWN_ATTRIBUTES:
            if isinstance(value := getattr(each, name, None), str):
                setattr(each, name, redact(value))
        if notes := getattr(each, "__notes__", None):
            notes[:] = map(redact, map(str, notes))
