"""Parquet: typed columns, in row groups, compressed with zstd inside.

A column has the narrowest type that holds all its values exactly; text in the last resort. Where a column needs a
wider type than rows have that are written already, those are copied into it before the file closes.
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

ROW_GROUP_BYTES: Final = 128 * 2**20  # of values in memory; with so many a row group closes before it is full

_TYPES: Final = {"boolean": pa.bool_(), "integer": pa.int64(), "long": pa.int64(), "number": pa.float64()}
_NAMELESS: Final[Schema] = {"": "null"}  # rows without any key, which could else not be counted

Chunks = dict[str, pa.Array | pa.ChunkedArray]


class ParquetWriter:
    """Writes records into a Parquet file, a row group at a time."""

    def __init__(self, path: Path, settings: Settings = Settings()) -> None:  # noqa: B008  # a frozen value
        path.touch(exist_ok=False)
        self._path = path
        self._settings = settings
        self._columns = Columns(settings.columns)
        self._batches = Batches(self._convert)
        self._waiting: list[tuple[int, Chunks]] = []  # rows and columns of the next row group
        self._written: list[Path] = []  # files of one schema each, the newest of them open
        self._open: pq.ParquetWriter | None = None
        self._records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if kind is not None:
            if self._open is not None:
                with contextlib.suppress(OSError, pa.ArrowException):  # the disk may be full
                    self._open.close()
            for path in (self._path, *self._written):
                path.unlink(missing_ok=True)

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""
        self._batches.add(records)

    def close(self) -> WrittenFile:
        """Finish the file, all of it with the schema that it has at its end."""
        self._batches.flush()
        self._write_row_groups(self._waiting_rows())
        (self._open or self._opened(self._schema())).close()
        if len(self._written) > 1:
            _rewrite(self._written, self._path, self._schema())
            for path in self._written:
                path.unlink()
        else:
            self._written[0].replace(self._path)
        return finished(self._path, self._records, self._columns.schema, self._columns.since)

    def _convert(self, batch: Batch) -> None:
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
        """Write so many of the rows that wait, in a file of their own if the schema is not that of those before."""
        if not self._waiting:
            return
        schema = self._schema()
        table = pa.concat_tables(_table(arrays, rows, schema) for rows, arrays in self._waiting)
        target = self._open if self._open and self._open.schema == schema else self._opened(schema)
        target.write_table(table.slice(0, rows), row_group_size=self._settings.row_group_size)
        rest = table.slice(rows)
        columns = dict(zip(schema.names, rest.columns, strict=True))
        self._waiting = [(rest.num_rows, columns)] if rest.num_rows else []

    def _opened(self, schema: pa.Schema) -> pq.ParquetWriter:
        if self._open is not None:
            self._open.close()
        self._written.append(self._path.with_suffix(f".{len(self._written)}"))
        self._open = _writer(self._written[-1], schema)
        return self._open


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
    copied = 0
    with _writer(to, schema) as target:
        for path in paths:
            with pq.ParquetFile(path) as source:
                for number in range(source.num_row_groups):
                    group = source.read_row_group(number)
                    arrays = dict(zip(group.column_names, group.columns, strict=True))
                    target.write_table(_table(arrays, group.num_rows, schema), row_group_size=group.num_rows)
                    copied += group.num_rows
    return copied


class Parquet:
    """The format `parquet`."""

    takes = frozenset({"columns", "row_group_size"})
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
