"""What a format promises: a writer that lands records in one file, whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self, runtime_checkable

from seawall.formats.files import sha256_of
from seawall.formats.schema import Schema

ROW_GROUP_RECORDS: Final = 100_000
MAX_COLUMNS: Final = 2_000  # as many as SQLite takes; each costs a cell in every row


class FormatError(Exception):
    """A record that no format can hold, or a format or option that does not exist."""


class ColumnsError(FormatError):
    """More columns than `limit`, with the key `name` of a record; `record` is its number in the file, from 0."""

    def __init__(self, limit: int, name: str, record: int = 0) -> None:
        super().__init__(limit, name, record)
        self.limit = limit
        self.name = name
        self.record = record

    def __str__(self) -> str:
        return (
            f"more than {self.limit:,} columns, which is max_columns: where records have keys of their own, name those "
            "to keep in the option columns, and the others land in _extra as JSON text; or take the format jsonl"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What shapes the files of a run; a format names those that it takes.

    `columns` pins names and order; keys that it does not name land in `_extra`. `metadata` says whose files they
    are, for formats that have a place for it. `max_columns` shapes nothing: it says how many are too many.
    """

    compression: str = "none"
    columns: tuple[str, ...] = ()
    null_text: str = ""
    escape_formulas: bool = False
    row_group_size: int = ROW_GROUP_RECORDS
    max_columns: int = MAX_COLUMNS
    metadata: Mapping[str, str] = field(default_factory=dict)

    def given(self) -> dict[str, object]:
        """Those that differ from the default, by name; metadata is for everyone."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "metadata"}
        return {name: value for name, value in values.items() if value != getattr(_DEFAULTS, name)}


_DEFAULTS: Final = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A finished file: its path, how much it holds, the SHA-256 of its bytes, its columns.

    `since` has, for each column, the record of the file (from 0) with which it came to each of its types.
    """

    path: Path
    records: int
    bytes: int
    sha256: str
    columns: Schema = field(default_factory=dict)
    since: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class RecordWriter(Protocol):
    """Writes records, given as JSON text in UTF-8, to one file.

    As a context manager it removes the file when an exception passes through; only `close` finishes it.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object, ColumnsError for too many keys."""

    def close(self) -> WrittenFile:
        """Finish the file. Raises ColumnsError for too many keys."""


class Format(Protocol):
    """A way to write records, with the settings of a run.

    `suffix` is how keys of its objects end, without the first dot.
    """

    suffix: str
    content_type: str

    def open(self, path: Path) -> RecordWriter:
        """A writer to a new file at `path`."""


class FormatKind(Protocol):
    """A format by its name: a class, built with the settings of a run.

    `takes` names the settings that mean something to it besides `compression`, which may be any of `compressions`.
    """

    takes: frozenset[str]
    compressions: tuple[str, ...]
    reason: str  # what speaks for it, for the report

    def __call__(self, settings: Settings, /) -> Format:
        """The format with the settings of a run."""


@runtime_checkable
class OneSchema(Protocol):
    """What a format has, too, whose files have columns: all files of a dataset have the same."""

    def fits(self, columns: Schema, schema: Schema) -> bool:
        """Whether a file with `columns` can stand in a dataset with `schema` as it is."""

    def widen(self, path: Path, columns: Schema, to: Path, schema: Schema) -> WrittenFile:
        """Copy the file at `path`, which has `columns`, to a file with all columns of `schema`, streaming."""


def finished(
    path: Path,
    records: int,
    columns: Schema | None = None,
    since: Mapping[str, Mapping[str, int]] | None = None,
    *,
    sha256: str | None = None,
) -> WrittenFile:
    """The facts of a file that is complete on disk; it is read again where `sha256` is not given."""
    return WrittenFile(
        path=path,
        records=records,
        bytes=path.stat().st_size,
        sha256=sha256 or sha256_of(path),
        columns=dict(columns or {}),
        since=since or {},
    )
