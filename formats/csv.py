"""CSV, written as pages arrive (RFC 4180): a column that appears later widens the file before it closes.

A cell is the value: text as it is, numbers and nested values as their JSON text, `true` and `false`;
null, a missing key and `""` are all an empty cell.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import msgspec

from formats.schema import Schema, type_of, widest
from formats.writer import RecordError, WrittenFile, finished

LINE_END = "\r\n"  # with a bare \n, Python's csv would leave a lone \r unquoted

_ROW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_VALUES = msgspec.json.Decoder(list[Any])
_NULL = msgspec.Raw(b"null")
_NOTHING = ("",)  # the row of a record without keys, where no column is known yet: a row is never blank

csv.field_size_limit(sys.maxsize)


class CsvWriter:
    """Streams records into a CSV file, a page at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wide = path.with_suffix(".wide")
        self._file = path.open("x", encoding="utf-8", newline="")
        self._rows = _writer(self._file, [])
        self._columns: Schema = {}
        self._header: list[str] | None = None
        self._records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        try:
            self._file.close()  # on a full disk this fails, too
        finally:
            if kind is not None:
                self._path.unlink(missing_ok=True)
                self._wide.unlink(missing_ok=True)

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""
        if not records:
            return
        rows = _decoded(records)
        columns = dict.fromkeys(chain(self._columns, chain.from_iterable(rows)))
        cells = [self._cells(name, [row.get(name, _NULL) for row in rows]) for name in columns]
        if self._header is None:
            self._header = list(columns)
            self._rows = _writer(self._file, self._header)
            self._rows.writerow(self._header or _NOTHING)
        self._rows.writerows(zip(*cells, strict=True) if cells else [_NOTHING] * len(rows))
        self._records += len(rows)

    def close(self) -> WrittenFile:
        """Finish the file, widened where columns appeared after its first page."""
        self._file.close()
        if self._header is not None and len(self._header) < len(self._columns):
            _rewrite(self._path, list(self._columns), self._wide, list(self._columns))
            self._wide.replace(self._path)
        return finished(self._path, self._records, self._columns)

    def _cells(self, name: str, values: list[msgspec.Raw]) -> list[str | None]:
        """One column of a page as cells, and its type noted."""
        texts = list(map(bytes, values))
        types = set(map(type_of, texts))
        self._columns[name] = widest(self._columns.get(name, "null"), *types)
        if types <= {"string", "null"}:
            return _VALUES.decode(b"[%s]" % b",".join(texts))
        return list(map(_cell, texts))


def _cell(text: bytes) -> str | None:
    if text[0] == ord('"'):
        return msgspec.json.decode(text, type=str)
    return None if text == b"null" else text.decode()


def _decoded(records: Sequence[bytes]) -> list[dict[str, msgspec.Raw]]:
    """The members of each record, their values still JSON text; of a key that repeats the last one counts."""
    try:
        return _ROWS.decode(b"[%s]" % b",".join(records))
    except msgspec.ValidationError:
        for position, record in enumerate(records):
            try:
                _ROW.decode(record)
            except msgspec.ValidationError as error:
                raise RecordError(position, str(error)) from None
        raise


def _writer(file: TextIO, columns: Sequence[str]) -> Any:
    """A writer of rows with `columns`, which quotes every cell where readers would else lose one.

    pandas takes a lone cell of blanks for a blank line, and all but Python take U+FEFF at the very
    beginning for a byte order mark.
    """
    every = len(columns) == 1 or any(name.startswith("\ufeff") for name in columns[:1])
    return csv.writer(file, lineterminator=LINE_END, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL)


def _rewrite(path: Path, columns: list[str], to: Path, wanted: list[str]) -> int:
    """Copy a CSV file whose rows hold `columns`, or fewer at its beginning, to one whose rows hold all of `wanted`.

    Returns the number of rows.
    """
    numbers = count()
    place = {name: index for index, name in enumerate(columns)}
    picks = [place.get(name, len(columns)) for name in wanted]
    pick = itemgetter(*picks) if len(picks) > 1 else lambda row: [row[i] for i in picks]
    with path.open(encoding="utf-8", newline="") as source, to.open("x", encoding="utf-8", newline="") as target:
        rows = csv.reader(source, strict=True)
        next(rows, None)  # a part without records has no header
        writer = _writer(target, wanted)
        writer.writerow(wanted)
        counted = (row for row, _ in zip(rows, numbers, strict=False))
        writer.writerows(map(pick, _padded(counted, len(columns) + 1)))
    return next(numbers)


def _padded(rows: Iterable[list[str]], width: int) -> Iterator[list[str]]:
    """The rows, each filled up with empty cells to `width`."""
    padding = [""] * width
    return (row + padding[len(row) :] for row in rows)


class Csv:
    """The format `csv`."""

    suffix = "csv"
    content_type = "text/csv; charset=utf-8"
    reason = "rows are streamed as pages arrive, in flat memory, and every tool reads them"

    def open(self, path: Path) -> CsvWriter:
        """A writer to a new file at `path`."""
        return CsvWriter(path)

    def fits(self, columns: Schema, schema: Schema) -> bool:
        """Whether the header is the dataset's; types do not show in a CSV file."""
        return list(columns) == list(schema)

    def widen(self, path: Path, columns: Schema, to: Path, schema: Schema) -> WrittenFile:
        """Copy the file at `path`, which has `columns`, to a file with all columns of `schema`, streaming."""
        records = _rewrite(path, list(columns), to, list(schema))
        return finished(to, records, schema)
