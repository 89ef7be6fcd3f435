"""JSON Lines: a JSON text in each line of a body, which becomes one JSON list with the same texts."""

from typing import Final

import msgspec

from seawall.clients.errors import AttemptError, MalformedPageError, TooManyRecordsError
from seawall.clients.pages.body import BOM, Body
from seawall.clients.pages.envelopes import is_error
from seawall.clients.redact import excerpt

_BLANKS: Final = b" \t\r\n"
_SEPARATOR: Final = b"\x1e"  # before each text of a sequence (RFC 7464), which may then have several lines
_WHOLE: Final = msgspec.json.Decoder(msgspec.Raw)


def as_list(content: bytes, *, max_records: int) -> bytes:
    """One JSON list of the JSON texts in the lines of a body, each byte for byte; blank lines count for nothing.

    That the body is whole has to be known: where it is cut at the end of a line, no text tells.

    Raises:
        TooManyRecordsError: it has more than `max_records` lines.
        AttemptError: a line is not one JSON text, as where it is cut; or the last one tells of an error.
        MalformedPageError: it is something else.
    """
    text = content.removeprefix(BOM)
    mark = _SEPARATOR if text.startswith(_SEPARATOR) else b"\n"
    if (count := text.count(mark)) > max_records:
        raise TooManyRecordsError(f"holds {count:,} lines, more than {max_records:,}")
    lines = [line for each in text.split(mark) if (line := each.strip(_BLANKS))]
    for number, line in enumerate(lines, 1):
        _refuse_other_than_json(number, line)
    if len(lines) == 1 and lines[0].startswith(b"["):
        raise MalformedPageError(
            f'the body is one JSON list, not JSON Lines: leave out decode: "jsonl": {excerpt(content)}'
        )
    if lines and is_error(lines[-1]):
        raise AttemptError(f"the last line tells of an error: {excerpt(lines[-1])}", cause="partial")
    return b"[" + b",".join(lines) + b"]"


def _refuse_other_than_json(number: int, line: bytes) -> None:
    try:
        _WHOLE.decode(line)
    except (msgspec.DecodeError, RecursionError):
        try:
            Body(line)  # which tells a lone surrogate, a fault of one record, from a cut
        except MalformedPageError as error:
            raise MalformedPageError(f"line {number:,}: {error}") from None
        except AttemptError as error:
            raise AttemptError(f"line {number:,}: {error}", cause=error.cause) from None
