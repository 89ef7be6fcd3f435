"""Records one after another, each with the bytes as they came: what JSON Lines and JSON have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from seawall.formats.batches import Batch
from seawall.formats.columns import Columns
from seawall.formats.files import OutputFile
from seawall.formats.records import are_lines, check_objects, joined
from seawall.formats.writer import ColumnsError, WrittenFile, finished

DESCRIBED_RECORDS: Final = 1_000  # of a part; looking into all of them would double their cost

_SPACES: Final = bytes.maketrans(b"\r\n", b"  ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Punctuation:
    """What stands before the records, between two of them, after them; and in place of all where there are none.

    With `one_line` line breaks between the tokens of a record become spaces; a JSON string has none (RFC 8259 §7).
    """

    before: bytes = b""
    between: bytes
    after: bytes
    none: bytes = b""
    one_line: bool = False


class LinesWriter:
    """Streams records into a file, each with its own bytes."""

    def __init__(self, path: Path, compression: str, punctuation: Punctuation) -> None:
        self._file = OutputFile(path, compression)
        self._punctuation = punctuation
        self._columns = Columns()
        self._records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if kind is not None:
            self._file.discard()

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""
        if not records:
            return
        text = self._text(records)
        if not self._records:
            self._describe(records[:DESCRIBED_RECORDS])
        self._file.write(self._punctuation.between if self._records else self._punctuation.before)
        self._file.write(text)
        self._records += len(records)

    def _describe(self, records: Sequence[bytes]) -> None:
        """Learn the columns of these records, as far as there are not too many."""
        try:
            self._columns.read(Batch.of(records))
        except ColumnsError as error:
            self._columns = Columns()
            if error.record:
                self._describe(records[: error.record])

    def _text(self, records: Sequence[bytes]) -> bytes:
        """The records, checked, with what stands between them."""
        between, lines = self._punctuation.between, joined(records, b"\n")
        if are_lines(lines, len(records)):
            return lines if between == b"\n" else lines.replace(b"\n", between)
        check_objects(records)
        if self._punctuation.one_line:
            return between.join([record.translate(_SPACES) for record in records])
        return joined(records, between)

    def close(self) -> WrittenFile:
        """Finish the file."""
        self._file.write(self._punctuation.after if self._records else self._punctuation.none)
        self._file.close()
        return finished(self._file.path, self._records, self._columns.schema, sha256=self._file.sha256)
