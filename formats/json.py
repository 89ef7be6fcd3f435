"""JSON: an array of records for each part (RFC 8259), streamed, each record byte for byte what the source sent."""

from pathlib import Path
from typing import ClassVar, Final

from seawall.formats.files import COMPRESSIONS, media_type, suffixed
from seawall.formats.lines import LinesWriter, Punctuation
from seawall.formats.writer import Settings

_ARRAY: Final = Punctuation(before=b"[\n", between=b",\n", after=b"\n]\n", none=b"[]\n")


class Json:
    """The format `json`."""

    takes: ClassVar[frozenset[str]] = frozenset()
    compressions = COMPRESSIONS
    reason = "every part is one valid JSON array with the records as they came"

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008  # a frozen value
        self._compression = settings.compression
        self.suffix = suffixed("json", self._compression)
        self.content_type = media_type("application/json", self._compression)

    def open(self, path: Path) -> LinesWriter:
        """A writer to a new file at `path`."""
        return LinesWriter(path, self._compression, _ARRAY)
