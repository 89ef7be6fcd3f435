"""CSV, written as pages arrive (RFC 4180): a column that appears later widens the file before it closes.

A cell is the value: text as it is, numbers and nested values as their JSON text, `true` and `false`;
null, a missing key and `""` are all an empty cell, unless `null_text` says otherwise for the first two.
"""

import csv
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.formats.batches import Batch, Batches
from seawall.formats.columns import Columns
from seawall.formats.files import COMPRESSIONS, OutputFile, media_type, open_text, suffixed
from seawall.formats.schema import Schema
from seawall.formats.texts import content, offsets
from seawall.formats.writer import Settings, WrittenFile, finished

COPIED_CELLS: Final = 200_000  # at a time, when a file is widened

_LINE_END: Final = "\r\n"  # with a bare \n, readers in Python would take a lone \r for another one
_SPECIAL: Final = (b'"', b",", b"\r", b"\n")
_FORMULA: Final = "^[=+\\-@\t\r\n\\x00＝＋－＠]"  # OWASP ASVS 5.0 §1.2.10 and "CSV Injection"
_PLAIN_NUMBER: Final = "^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$"

csv.field_size_limit(sys.maxsize)


class CsvWriter:
    """Streams records into a CSV file, a batch at a time."""

    def __init__(self, path: Path, settings: Settings = Settings()) -> None:  # noqa: B008  # a frozen value
        self._settings = settings
        self._wide = path.with_suffix(".wide")
        self._file = OutputFile(path, settings.compression)
        self._columns = Columns(settings.columns, settings.max_columns)
        self._batches = Batches()
        self._header: list[str] = []
        self._keyless = 0  # records that came before any column
        self._records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if kind is not None:
            self._file.discard()
            self._wide.unlink(missing_ok=True)

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""
        for batch in self._batches.add(records):
            self._write_batch(batch)

    def close(self) -> WrittenFile:
        """Finish the file, widened where columns appeared after its first batch."""
        for batch in self._batches.flush():
            self._write_batch(batch)
        if not self._header:
            self._begin()
        self._file.close()
        path, names = self._file.path, list(self._columns.schema)
        sha256: str | None = self._file.sha256
        if len(self._header) < len(names):
            _rewrite(path, names, self._wide, names, self._settings)
            self._wide.replace(path)
            sha256 = None
        return finished(path, self._records, self._columns.schema, self._columns.since, sha256=sha256)

    def _write_batch(self, batch: Batch) -> None:
        arrays = self._columns.read(batch)
        self._records += batch.records
        if not arrays:
            self._keyless += batch.records
            return
        if not self._header:
            self._header = list(arrays)
            self._begin()
        cells = [_cells(array, self._settings) for array in arrays.values()]
        self._file.write(_lines(cells, batch.records, quote_all=_quotes_all(self._header)))

    def _begin(self) -> None:
        """Write the header, and the rows that waited for one; a file without records is empty."""
        if self._records:
            self._file.write(_header(self._header, self._settings))
        step = _rows_at_once(self._header)
        for first in range(0, self._keyless, step):
            rows = min(step, self._keyless - first)
            nothing = _cells(pa.nulls(rows, pa.string()), self._settings)
            self._file.write(_lines([nothing] * len(self._header), rows, quote_all=_quotes_all(self._header)))


def _rows_at_once(header: Sequence[str]) -> int:
    return max(1, COPIED_CELLS // max(1, len(header)))


def _quotes_all(header: Sequence[str]) -> bool:
    """Whether every cell is quoted, since readers would lose one otherwise.

    pandas takes a lone cell of blanks for a blank line, and all but Python take U+FEFF at the very
    beginning for a byte order mark.
    """
    return len(header) == 1 or any(name.startswith("\ufeff") for name in header[:1])


def _header(names: Sequence[str], settings: Settings) -> memoryview:
    cells = [_cells(pa.array([name], pa.string()), settings) for name in names]
    return _lines(cells, 1, quote_all=_quotes_all(names))


def _cells(array: pa.Array, settings: Settings) -> pa.Array:
    """The values of a column as the text of its cells."""
    if settings.escape_formulas and pa.types.is_string(array.type):
        formula = pc.and_not(pc.match_substring_regex(array, _FORMULA), pc.match_substring_regex(array, _PLAIN_NUMBER))
        array = pc.if_else(formula, pc.binary_join_element_wise("'", array, ""), array)
    texts = array.cast(pa.string())
    return texts.fill_null(settings.null_text) if texts.null_count else texts


def _lines(cells: Sequence[pa.Array], rows: int, *, quote_all: bool) -> memoryview:
    """The lines of some rows, from the cells of their columns; a row without columns is one empty cell."""
    if not cells:
        return memoryview(b'""\r\n' * rows)
    *first, last = [_quoted(column) if quote_all else _quoted_where_needed(column) for column in cells]
    last = pc.binary_join_element_wise(last, _LINE_END, "")
    return content(pc.binary_join_element_wise(*first, last, ",") if first else last)


def _quoted_where_needed(cells: pa.Array) -> pa.Array:
    text = bytes(content(cells))
    if not any(special in text for special in _SPECIAL):  # much faster than asking each cell
        return cells
    characters = np.frombuffer(text, np.uint8)
    places = np.flatnonzero(np.logical_or.reduce([characters == ord(special) for special in _SPECIAL]))
    special = np.diff(np.searchsorted(places, offsets(cells))) > 0
    return _quoted(cells) if special.all() else pc.if_else(pa.array(special), _quoted(cells), cells)


def _quoted(cells: pa.Array) -> pa.Array:
    if b'"' in bytes(content(cells)):
        cells = pc.replace_substring(cells, '"', '""')
    return pc.binary_join_element_wise('"', cells, '"', "")


def _rewrite(path: Path, names: list[str], to: Path, header: list[str], settings: Settings) -> int:
    """Copy a CSV file whose rows hold `names`, or fewer at its beginning, to one whose rows hold all of `header`.

    Returns the number of rows.
    """
    row_count = 0
    picks = [names.index(name) if name in names else len(names) for name in header]
    target = OutputFile(to, settings.compression)
    try:
        with open_text(path, settings.compression) as source:
            rows = csv.reader(source, strict=True)
            next(rows, None)  # a part without records has no header
            target.write(_header(header, settings))
            while some := list(islice(rows, _rows_at_once(header))):
                cells = _transposed(some if names else [[]] * len(some), len(names) + 1, settings.null_text)
                columns = [pa.array(cells[pick], pa.string()) for pick in picks]
                target.write(_lines(columns, len(some), quote_all=_quotes_all(header)))
                row_count += len(some)
        target.close()
    except BaseException:
        target.discard()
        raise
    return row_count


def _transposed(rows: Sequence[list[str]], width: int, null_text: str) -> list[tuple[str, ...]]:
    """The columns of rows, each of which is filled up to `width` with empty cells."""
    padding = [null_text] * width
    return list(zip(*(row + padding[len(row) :] for row in rows), strict=True))


class Csv:
    """The format `csv`."""

    takes = frozenset({"columns", "max_columns", "null_text", "escape_formulas"})
    compressions = COMPRESSIONS
    reason = "rows are streamed as pages arrive, in flat memory, and every tool reads them"

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008  # a frozen value
        self._settings = settings
        self.suffix = suffixed("csv", settings.compression)
        self.content_type = media_type("text/csv; charset=utf-8", settings.compression)

    def open(self, path: Path) -> CsvWriter:
        """A writer to a new file at `path`."""
        return CsvWriter(path, self._settings)

    def fits(self, columns: Schema, schema: Schema) -> bool:
        """Whether the header is the dataset's; types do not show in a CSV file."""
        return list(columns) == list(schema)

    def widen(self, path: Path, columns: Schema, to: Path, schema: Schema) -> WrittenFile:
        """Copy the file at `path`, which has `columns`, to a file with all columns of `schema`, streaming."""
        return finished(to, _rewrite(path, list(columns), to, list(schema), self._settings), schema)
