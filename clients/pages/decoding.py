"""Decoding: the JSON text that an answer's bytes hold, whatever they come as."""

import re
from typing import Final

import msgspec

from seawall.clients.errors import AttemptError, MalformedPageError
from seawall.clients.http.codings import decoded
from seawall.clients.http.exchange import Answer
from seawall.clients.limits import MAX_CODINGS, PIECE_BYTES
from seawall.clients.pages import cells, jsonlines
from seawall.clients.pages.body import BOM
from seawall.clients.pages.charsets import in_utf8
from seawall.clients.redact import excerpt
from seawall.clients.source import ApiSource

_GZIP: Final = b"\x1f\x8b\x08"  # RFC 1952 §2.3.1
_START_BYTES: Final = 1024
_HTML: Final = re.compile(rb"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_LINES_TYPE: Final = re.compile(r"ndjson|json-?lines?\b|jsonl\b|json-seq")
_NO_SCRIPT: Final = re.compile(rb"\s*(?:\)\]\}'?,?|while\s*\(1\);|for\s*\(;;\);|\{\}\s*&&)\s*")
_TAIL_BYTES: Final = 16
_PADDING: Final = b"\0 \t\r\n"


class Decoding:
    """How the bodies of a source become JSON texts in UTF-8. Thread-safe."""

    def __init__(self, source: ApiSource) -> None:
        self._source = source
        self._names: frozenset[str] = frozenset()  # of the columns of a page with rows, of CSV

    def json_text(self, answer: Answer) -> bytes:
        """The JSON text of a body, with the text of each record in it as it came; a plain one is not copied.

        Raises:
            BodyTooLargeError: it is larger than the source allows, decompressed or as JSON.
            AttemptError: it is cut, or nothing proves that it is not.
            MalformedPageError: it is XML, or not what the source says that its bodies are.
        """
        content_type = answer.headers.get("Content-Type", "").lower()
        content = in_utf8(self._unpacked(answer.content), content_type)
        start = content[:_START_BYTES].removeprefix(BOM).lstrip()
        decode = self._kind(content_type, start)
        _refuse_markup(start, content_type, decode)
        if decode == "json":
            return _bare(content, start)
        _refuse_unproven(answer)
        if decode == "jsonl":
            return jsonlines.as_list(content, max_records=self._source.max_page_records)
        return self._of_cells(content, start, content_type)

    def _unpacked(self, content: bytes) -> bytes:
        """A body without the gzip that no header tells of."""
        for _ in range(MAX_CODINGS):
            if not content.startswith(_GZIP):
                break
            packed = memoryview(content)
            pieces = (bytes(packed[at : at + PIECE_BYTES]) for at in range(0, len(packed), PIECE_BYTES))
            content = b"".join(decoded(pieces, "gzip", max_bytes=self._source.max_page_bytes))
        return content

    def _kind(self, content_type: str, start: bytes) -> str:
        """What a body is: as the source says, or JSON Lines where the Content-Type does, and it can be no list."""
        decode = self._source.decode
        if decode != "json":
            return decode
        if _LINES_TYPE.search(content_type) and not self._source.records_path and not start.startswith(b"["):
            return "jsonl"
        if "csv" in content_type and start[:1] not in (b"{", b"[", b""):
            message = 'the Content-Type says that the body is CSV: set decode to "csv", and records_path to ""'
            raise MalformedPageError(f"{message}: {excerpt(start)}")
        return decode

    def _of_cells(self, content: bytes, start: bytes, content_type: str) -> bytes:
        """The JSON text of a body in CSV.

        Any line of text is a header row, one of an error, too: so it has to share a name with that of another page.
        """
        if "csv" not in content_type and start.startswith((b"{", b"[", b"<")):
            raise MalformedPageError(f"the body is JSON or markup, not CSV: {excerpt(start)}")
        source = self._source
        names, text = cells.as_list(
            content,
            delimiter=source.csv_delimiter,
            max_records=source.max_page_records,
            max_bytes=source.max_page_bytes,
        )
        if self._names.isdisjoint(names) and self._names:
            raise MalformedPageError(f"the header row has no name of those of other pages: {excerpt(start)}")
        if text != b"[]":
            self._names |= frozenset(names)
        return text


def _refuse_markup(start: bytes, content_type: str, decode: str) -> None:
    """Raise MalformedPageError where a body is XML; HTML, which tells of errors, is for others to judge."""
    if "html" in content_type or _HTML.match(start) or (decode == "csv" and "csv" in content_type):
        return
    if start.startswith(b"<") or ("xml" in content_type and start[:1] not in (b"{", b"[", b'"', b"")):
        raise MalformedPageError(
            "the body is XML, which Seawall does not read: ask the API for JSON in the way that it documents, such as "
            'headers: {"Accept": "application/json"} or params: {"format": "json"} of the source; '
            f"the body begins: {excerpt(start)}"
        )


def _refuse_unproven(answer: Answer) -> None:
    """Raise AttemptError unless the framing of a body proves that it is whole, since its text cannot (RFC 9112 §8).

    With a length or in chunks, an answer that ends too early is an error of the transport before anyone reads it.
    """
    if "Content-Length" not in answer.headers and "Transfer-Encoding" not in answer.headers:
        raise MalformedPageError(
            "nothing proves that the body is whole: it comes without a Content-Length and not in chunks, so a cut "
            "between two records looks like its end; ask the API for JSON, whose text tells, or for a Content-Length",
            cause="unproven",
        )
    if answer.surplus:
        raise AttemptError("bytes follow the body that its framing does not count: it may be cut", cause="truncated")


def _bare(content: bytes, start: bytes) -> bytes:
    """A JSON text without what some servers put around it.

    That is a beginning which keeps scripts of other sites from reading it, quotes around JSON that was made text
    twice, and zeros at the end.
    """
    if guard := _NO_SCRIPT.match(start):
        content = content[content.index(start[: guard.end()]) + guard.end() :]
    elif start.startswith(b'"'):
        content = _unquoted(content)
    if b"\0" in content[-_TAIL_BYTES:]:
        content = content.rstrip(_PADDING)
    return content


def _unquoted(content: bytes) -> bytes:
    """The JSON list or object in a JSON string; the same bytes where there is none."""
    try:
        text = msgspec.json.decode(content.removeprefix(BOM), type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content
    return text.encode() if text.lstrip().startswith(("{", "[")) else content
