"""Parquet: typed columns, in row groups, compressed with zstd inside.

A column has the narrowest type that holds all its values exactly; text in the last resort. Where a column widens
after rows were written, these are copied to the wider type before the file closes.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from seawall.formats.batches import Batch, Batches
from seawall.formats.columns import Columns
from seawall.formats.schema import Schema
from seawall.formats.writer import Settings, WrittenFile, finished

ROW_GROUP_BYTES: Final = 128 * 2**20  # of values in memory, at which a row group closes before it is full

_TYPES: Final = {"boolean": pa.bool_(), "integer": pa.int64(), "long": pa.int64(), "number": pa.float64()}
_NAMELESS: Final[Schema] = {"": "null"}  # rows without any key, which could not be counted otherwise

Chunks = dict[str, pa.Array | pa.ChunkedArray]


class ParquetWriter:
    """Writes records into a Parquet file, a row group at a time."""

    def __init__(self, path: Path, settings: Settings = Settings()) -> None:  # noqa: B008  # a frozen value
        path.touch(exist_ok=False)
        self._path = path
        self._settings = settings
        self._columns = Columns(settings.columns, settings.max_columns)
        self._batches = Batches()
        self._waiting: list[tuple[int, Chunks]] = []  # rows and columns of the next row group
        self._segment_paths: list[Path] = []  # files of one schema each, which `close` joins
        self._segment: pq.ParquetWriter | None = None  # the newest of them
        self._records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if kind is not None:
            if self._segment is not None:
                with contextlib.suppress(OSError, pa.ArrowException):  # the disk may be full
                    self._segment.close()
            for path in (self._path, *self._segment_paths):
                path.unlink(missing_ok=True)

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""
        for batch in self._batches.add(records):
            self._take(batch)

    def close(self) -> WrittenFile:
        """Finish the file, all of it with the schema that it has in the end."""
        for batch in self._batches.flush():
            self._take(batch)
        self._write_row_groups(self._waiting_rows())
        (self._segment or self._next_segment(self._schema())).close()
        if len(self._segment_paths) > 1:
            _rewrite(self._segment_paths, self._path, self._schema())
            for path in self._segment_paths:
                path.unlink()
        else:
            self._segment_paths[0].replace(self._path)
        return finished(self._path, self._records, self._columns.schema, self._columns.since)

    def _take(self, batch: Batch) -> None:
        self._waiting.append((batch.records, self._columns.read(batch)))
        self._records += batch.records
        rows, size = self._waiting_rows(), self._settings.row_group_size
        if rows >= size:
            self._write_row_groups(rows - rows % size)
        elif sum(array.nbytes for _, arrays in self._waiting for array in arrays.values()) >= ROW_GROUP_BYTES:
            self._write_row_groups(rows)

    def _waiting_rows(self) -> int:
        return sum(rows for rows, _ in self._waiting)

    def _schema(self) -> pa.Schema:
        return _arrow(self._columns.schema, self._settings.metadata)

    def _write_row_groups(self, rows: int) -> None:
        """Write this number of the rows that wait, to a new segment if the schema is no longer the same."""
        if not self._waiting:
            return
        schema = self._schema()
        table = pa.concat_tables(_table(arrays, rows, schema) for rows, arrays in self._waiting)
        segment = self._segment
        if segment is None or segment.schema != schema:
            segment = self._next_segment(schema)
        segment.write_table(table.slice(0, rows), row_group_size=self._settings.row_group_size)
        rest = table.slice(rows)
        columns = dict(zip(schema.names, rest.columns, strict=True))
        self._waiting = [(rest.num_rows, columns)] if rest.num_rows else []

    def _next_segment(self, schema: pa.Schema) -> pq.ParquetWriter:
        if self._segment is not None:
            self._segment.close()
        self._segment_paths.append(self._path.with_suffix(f".{len(self._segment_paths)}"))
        self._segment = _writer(self._segment_paths[-1], schema)
        return self._segment


def _arrow(columns: Schema, metadata: Mapping[str, str]) -> pa.Schema:
    """The columns as Arrow has them; what is no number or boolean is text."""
    fields = [(name, _TYPES.get(kind, pa.string())) for name, kind in (columns or _NAMELESS).items()]
    return pa.schema(fields, metadata=dict(metadata))


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(str(path), schema, compression="zstd", write_statistics=True)


def _table(arrays: Chunks, rows: int, schema: pa.Schema) -> pa.Table:
    """Some rows with all columns of a schema, whose types hold all their values."""
    columns = [
        arrays[field.name].cast(field.type) if field.name in arrays else pa.nulls(rows, field.type) for field in schema
    ]
    return pa.table(columns, schema=schema)


def _rewrite(paths: Iterable[Path], to: Path, schema: pa.Schema) -> int:
    """Copy Parquet files, one after another, to one with all columns of a schema; the number of rows."""
    row_count = 0
    with _writer(to, schema) as target:
        for path in paths:
            with pq.ParquetFile(path) as source:
                for number in range(source.num_row_groups):
                    group = source.read_row_group(number)
                    arrays = dict(zip(group.column_names, group.columns, strict=True))
                    target.write_table(_table(arrays, group.num_rows, schema), row_group_size=group.num_rows)
                    row_count += group.num_rows
    return row_count


class Parquet:
    """The format `parquet`."""

    takes = frozenset({"columns", "max_columns", "row_group_size"})
    compressions: ClassVar[tuple[str, ...]] = ("none",)  # around the object; inside, its pages are compressed always
    reason = "columns are typed, compressed and read on their own, with statistics that let readers skip rows"
    suffix = "parquet"
    content_type = "application/vnd.apache.parquet"

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008  # a frozen value
        self._settings = settings

    def open(self, path: Path) -> ParquetWriter:
        """A writer to a new file at `path`."""
        return ParquetWriter(path, self._settings)

    def fits(self, columns: Schema, schema: Schema) -> bool:
        """Whether names, order and types are the dataset's."""
        return bool(_arrow(columns, {}) == _arrow(schema, {}))

    def widen(self, path: Path, columns: Schema, to: Path, schema: Schema) -> WrittenFile:
        """Copy the file at `path`, which has `columns`, to a file with all columns of `schema`, streaming."""
        return finished(to, _rewrite([path], to, _arrow(schema, self._settings.metadata)), schema)
