"""What a format promises: a writer that lands records in one file, whole or not at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from formats.schema import Schema


class FormatError(Exception):
    """A record that no format can hold, or a format or option that does not exist."""


class RecordError(FormatError):
    """The record at `position` (from 0) of those just written is not a JSON object."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(position, reason)
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        return f"record {self.position + 1}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A finished file: its path, how much it holds, the SHA-256 of its bytes, its columns."""

    path: Path
    records: int
    bytes: int
    sha256: str
    columns: Schema


class RecordWriter(Protocol):
    """Writes records, given as JSON text in UTF-8, to one file.

    As a context manager it removes the file on the way of an exception; only `close` finishes it.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""

    def close(self) -> WrittenFile:
        """Finish the file."""


class Format(Protocol):
    """A way to write records, known by its name in the registry."""

    suffix: str
    content_type: str
    reason: str  # what speaks for it, for the report

    def open(self, path: Path) -> RecordWriter:
        """A writer to a new file at `path`."""

    def fits(self, columns: Schema, schema: Schema) -> bool:
        """Whether a file with `columns` can stand in a dataset with `schema` as it is."""

    def widen(self, path: Path, columns: Schema, to: Path, schema: Schema) -> WrittenFile:
        """Copy the file at `path`, which has `columns`, to a file with all columns of `schema`, streaming."""


def finished(path: Path, records: int, columns: Schema) -> WrittenFile:
    """The facts of a file that is complete on disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return WrittenFile(path=path, records=records, bytes=path.stat().st_size, sha256=digest, columns=columns)
