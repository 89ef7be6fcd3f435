"""JSON Lines (jsonlines.org): a record a line, byte for byte what the source sent but for line breaks."""

from pathlib import Path
from typing import ClassVar, Final

from seawall.formats.files import COMPRESSIONS, media_type, suffixed
from seawall.formats.lines import LinesWriter, Punctuation
from seawall.formats.writer import Settings

_LINES: Final = Punctuation(between=b"\n", after=b"\n", one_line=True)


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
        return LinesWriter(path, self._compression, _LINES)
