"""CSV: rows of cells below a header row, which become one JSON list of objects whose values are all texts."""

import csv
import sys
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from typing import Final

import msgspec

from seawall.clients.errors import AttemptError, BodyTooLargeError, MalformedPageError, TooManyRecordsError
from seawall.clients.pages.utf8 import refuse_other_than_utf8
from seawall.clients.redact import excerpt, neutral

OTHER_DELIMITERS: Final = ";\t|"

csv.field_size_limit(sys.maxsize)  # of the whole process; a body is bounded as a whole

_encoded: Final = msgspec.json.Encoder().encode


class _Lines:
    """The lines of a body, as long as those of one row have few delimiters: a row is a list before anyone sees it."""

    def __init__(self, content: bytes, delimiter: str, most_cells: int) -> None:
        self._lines = TextIOWrapper(BytesIO(content), "utf-8-sig", newline="")
        self._delimiter = delimiter
        self._most_cells = most_cells
        self._delimiters = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._delimiters += line.count(self._delimiter)
            if self._delimiters >= self._most_cells:
                raise TooManyRecordsError(f"holds a row of more than {self._most_cells:,} cells")
            yield line

    def begin_row(self) -> None:
        """Count from here."""
        self._delimiters = 0


def as_list(content: bytes, *, delimiter: str, max_records: int, max_bytes: int) -> tuple[tuple[str, ...], bytes]:
    """The names in the header row, and one JSON list with an object for each row below it.

    A row inside with more or fewer cells than names becomes a list of its cells, which is no record. An empty line is
    no row, unless there is one column: then it is an empty cell (RFC 4180 §2).

    Raises:
        TooManyRecordsError, BodyTooLargeError: it has more than `max_records` rows, or takes more than `max_bytes`.
        AttemptError: it ends within a cell or a row: it may be cut.
        MalformedPageError: it has no header row, or one that gives no name or the same name twice.
    """
    try:
        refuse_other_than_utf8(content)
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 ({error}), and its Content-Type names no other charset: {excerpt(content)}"
        raise MalformedPageError(message) from None
    lines = _Lines(content, delimiter, max_records)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows = _rows(reader, lines)
    try:
        names = _names(next(rows, []), delimiter, content)
        return names, _listed(names, rows, max_records=max_records, max_bytes=max_bytes)
    except csv.Error as error:
        message = f"line {reader.line_num:,} of the body is no CSV ({error}): {excerpt(content)}"
        raise AttemptError(message, cause="truncated") from None


def _rows(reader: Iterator[list[str]], lines: _Lines) -> Iterator[list[str]]:
    for row in reader:
        lines.begin_row()
        yield row


def _names(names: list[str], delimiter: str, content: bytes) -> tuple[str, ...]:
    """The names that a header row gives; raises MalformedPageError where rows cannot become objects by them."""
    if not names:
        raise MalformedPageError(f"the body has no header row at its top: {excerpt(content)}")
    if "" in names:
        message = f"column {names.index('') + 1:,} has no name in the header row: {excerpt(content)}"
        raise MalformedPageError(message)
    if len(set(names)) < len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise MalformedPageError(f"the header row names {neutral(repr(twice))} twice: {excerpt(content)}")
    others = [each for each in OTHER_DELIMITERS if each != delimiter and each in names[0]]
    if len(names) == 1 and others:
        message = f"the header row is one name with {others[0]!r} in it: is that the csv_delimiter? {excerpt(content)}"
        raise MalformedPageError(message)
    return tuple(names)


def _listed(names: tuple[str, ...], rows: Iterator[list[str]], *, max_records: int, max_bytes: int) -> bytes:
    listed, count, lacks = BytesIO(), 0, ""
    for row in rows:
        if not row and len(names) > 1:
            continue
        cells = row or [""]
        lacks = "" if len(cells) == len(names) else f"{len(cells):,} cells, the header row {len(names):,}"
        listed.write(b"," if count else b"[")
        listed.write(_encoded(cells if lacks else dict(zip(names, cells, strict=True))))
        count += 1
        if count > max_records:
            raise TooManyRecordsError(f"holds more than {max_records:,} rows")
        if listed.tell() > max_bytes:
            raise BodyTooLargeError(f"takes more than {max_bytes:,} bytes as JSON")
    if lacks:
        raise AttemptError(f"the last row has {lacks}: the body may be cut", cause="truncated")
    listed.write(b"]" if count else b"[]")
    return listed.getvalue()
