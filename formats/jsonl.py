"""JSON Lines (jsonlines.org): a record a line, byte for byte what the source sent.

A line break between tokens becomes a space; a JSON string cannot contain one (RFC 8259 §7).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from formats.files import COMPRESSIONS, media_type, suffixed
from formats.lines import LinesWriter, Punctuation
from formats.writer import Settings

_LINES: Final = Punctuation(between=b"\n", after=b"\n")
_SPACES: Final = bytes.maketrans(b"\r\n", b"  ")


class JsonLines:
    """The format `jsonl`."""

    takes: ClassVar[frozenset[str]] = frozenset()
    compressions = COMPRESSIONS
    reason = "every record is kept byte for byte, a line each, at the least cost"

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008  # a frozen value
        self._compression = settings.compression
        self.suffix = suffixed("jsonl", self._compression)
        self.content_type = media_type("application/x-ndjson", self._compression)

    def open(self, path: Path) -> LinesWriter:
        """A writer to a new file at `path`."""
        return LinesWriter(path, self._compression, _LINES, _on_one_line)


def _on_one_line(records: Sequence[bytes]) -> Sequence[bytes]:
    whole = b"".join(records)
    if b"\n" not in whole and b"\r" not in whole:
        return records
    return [record.translate(_SPACES) for record in records]
