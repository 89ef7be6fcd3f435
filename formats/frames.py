"""Files as pandas DataFrames and back, for each format.

CSV is text throughout. Parquet keeps its types. Of JSON, values keep theirs: pandas' nullable types where they hold
all values of a column, Python objects where not, so no integer loses a digit to a missing neighbour.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, cast, runtime_checkable

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.formats import registry
from seawall.formats.csv import CsvWriter
from seawall.formats.schema import Schema
from seawall.formats.series import arrow, check_finite, json_text, nullable_types, rows_of, series
from seawall.formats.writer import FormatError, Settings

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own

FRAME_RECORDS: Final = 100_000

_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_COMPRESSIONS: Final = ("gz", "zst")


class FrameFormat(Protocol):
    """How DataFrames are read from files of a format, and written to them."""

    content_type: str

    def read(self, path: Path, columns: Schema, records: int) -> "Iterator[pd.DataFrame]":
        """Frames of at most `records` rows, with all of `columns`; the end of `path` says how it is compressed."""

    def write(self, frame: "pd.DataFrame", path: Path) -> None:
        """Write a frame to a new file."""


@runtime_checkable
class FramedKind(Protocol):
    """What the kind of a plug-in has, too, whose files can be DataFrames."""

    frames: FrameFormat


class CsvFrames:
    """CSV: every column is text, an empty cell is `""`."""

    content_type = "text/csv; charset=utf-8"

    def read(self, path: Path, columns: Schema, records: int) -> "Iterator[pd.DataFrame]":
        """Frames of text."""
        import pandas as pd  # noqa: PLC0415

        with _input_file(path) as file:
            header = next(csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""), strict=True), [])
        if not header:
            yield empty("csv", columns)
            return
        with _input_file(path) as file:
            settings: dict[str, Any] = {"dtype": "string", "na_filter": False, "index_col": False}
            yield from pd.read_csv(file, header=0, names=header, chunksize=records, **settings)

    def write(self, frame: "pd.DataFrame", path: Path) -> None:
        """Cells as docs/formats.md has them."""
        with CsvWriter(path, Settings(max_columns=max(1, frame.shape[1]))) as writer:
            for batch in _batches(row_texts(frame), FRAME_RECORDS):
                writer.write(batch)
            writer.close()


class LineFrames:
    """JSON Lines: values keep their types."""

    content_type = "application/x-ndjson"

    def read(self, path: Path, columns: Schema, records: int) -> "Iterator[pd.DataFrame]":
        """Frames of typed columns."""
        with _input_file(path) as file:
            lines = (line for line in file if not line.isspace())
            yield from typed_frames(lines, columns, records)

    def write(self, frame: "pd.DataFrame", path: Path) -> None:
        """A record a line."""
        with path.open("xb") as file:
            file.writelines(b"%s\n" % text for text in row_texts(frame))


class ArrayFrames:
    """JSON: one array of records; values keep their types. The bytes of a file are held in memory."""

    content_type = "application/json"

    def read(self, path: Path, columns: Schema, records: int) -> "Iterator[pd.DataFrame]":
        """Frames of typed columns."""
        with _input_file(path) as file:
            yield from typed_frames(_ARRAY.decode(file.read()), columns, records)

    def write(self, frame: "pd.DataFrame", path: Path) -> None:
        """One array, a record a line."""
        with path.open("xb") as file:
            file.write(b"[\n%s\n]\n" % b",\n".join(row_texts(frame)))


class ParquetFrames:
    """Parquet: the types that the file has, as pandas' nullable ones."""

    content_type = "application/vnd.apache.parquet"

    def read(self, path: Path, columns: Schema, records: int) -> "Iterator[pd.DataFrame]":
        """Frames of typed columns."""
        with pq.ParquetFile(str(path)) as file:
            batches = file.iter_batches(batch_size=min(records, max(1, file.metadata.num_rows)))
            first = next(batches, pa.RecordBatch.from_pylist([], schema=file.schema_arrow))
            types = nullable_types()
            for batch in chain([first], batches):
                yield batch.to_pandas(types_mapper=types.get)

    def write(self, frame: "pd.DataFrame", path: Path) -> None:
        """Typed columns; what Arrow has no type for, nested values included, is its JSON text."""
        columns = [arrow(frame.iloc[:, number]) for number in range(frame.shape[1])]
        table = pa.table(columns, names=list(frame.columns))
        pq.write_table(table, str(path), compression="zstd")


FRAMES: Final[dict[str, FrameFormat]] = {  # of our own formats, which know nothing of DataFrames
    "csv": CsvFrames(),
    "jsonl": LineFrames(),
    "json": ArrayFrames(),
    "parquet": ParquetFrames(),
}


def find(name: str) -> FrameFormat:
    """The DataFrames of the format called `name`, of a plug-in, too.

    Raises:
        FormatError: there is no such format, or it has no DataFrames; the message lists those that have.
    """
    if name in FRAMES:
        return FRAMES[name]
    kind = registry.find(name)
    if not isinstance(kind, FramedKind):
        raise FormatError(f"format {name!r} has no DataFrames; formats that have them: {', '.join(FRAMES)}")
    return kind.frames


def empty(format: str, columns: Schema) -> "pd.DataFrame":
    """A frame without rows."""
    return _frame([], dict.fromkeys(columns, "string") if format == "csv" else columns)


def format_of(name: str, *, compressed: bool = True) -> str:
    """The format of a file by the end of its name, which may be followed by `.gz` or `.zst` if `compressed`.

    Raises:
        FormatError: it ends in the name of no format.
    """
    inner = name
    for ending in _COMPRESSIONS if compressed else ():
        inner = inner.removesuffix(f".{ending}")
    _, dot, suffix = inner.rpartition(".")
    if not dot or suffix not in registry.names():
        endings = ", ".join(f".{each}" for each in registry.names())
        raise FormatError(f"{name!r} does not name a format; let it end in one of: {endings}")
    return suffix


def check(frame: "pd.DataFrame") -> None:
    """Refuse what a file would lose or confuse.

    Raises:
        FormatError: column names that repeat or are not text, or an index that means something.
    """
    import pandas as pd  # noqa: PLC0415

    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise FormatError(f"columns need names of their own, as text; these are {names[:20]!r}")
    if frame.index.name is not None or not pd.api.types.is_integer_dtype(frame.index):
        raise FormatError("the index would be lost; frame.reset_index() makes it a column")


def _input_file(path: Path) -> BinaryIO:
    """The file, decompressed as its name says."""
    return cast(BinaryIO, io.BufferedReader(pa.input_stream(str(path), compression="detect")))


def typed_frames(texts: Iterable[bytes | msgspec.Raw], columns: Schema, records: int) -> "Iterator[pd.DataFrame]":
    """Frames from the JSON texts of records, their columns typed; one at least, so that columns are known."""
    batches = _batches(texts, records)
    for batch in chain([next(batches, [])], batches):
        yield _frame(rows_of(batch), columns)


def _frame(rows: Sequence[Mapping[str, Any]], columns: Schema) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    names = list(dict.fromkeys(chain(columns, chain.from_iterable(rows))))
    series_by_name = {name: series([row.get(name) for row in rows], columns.get(name)) for name in names}
    return pd.DataFrame(series_by_name, index=pd.RangeIndex(len(rows)), columns=pd.Index(names, dtype="object"))


def _batches(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    waiting = iter(values)
    while batch := list(islice(waiting, size)):
        yield batch


def row_texts(frame: "pd.DataFrame") -> Iterator[bytes]:
    """The JSON text of each row."""
    names, columns = list(frame.columns), [frame.iloc[:, number] for number in range(frame.shape[1])]
    for column in columns:
        check_finite(column)
    rows = zip(*(column.astype("object") for column in columns), strict=True) if names else [()] * len(frame)
    return (json_text(dict(zip(names, row, strict=True))) for row in rows)
