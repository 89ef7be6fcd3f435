"""Records as a writer gets them: a sequence of JSON texts, which may know how to be one text."""

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np

from seawall.formats.writer import FormatError

_LINE_BREAK: Final = ord("\n")
_OPENING_BRACE: Final = ord("{")
_OBJECT: Final = frozenset({b"{"})


class RecordError(FormatError):
    """The record at `position` (from 0) of those just passed to a writer is not a JSON object."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(position, reason)
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        return f"record {self.position + 1}: {self.reason}"


@runtime_checkable
class Joinable(Protocol):
    """Records that are in one piece already, so that joining them costs little."""

    def joined(self, mark: bytes, /) -> bytes:
        """All of them with `mark` between each two."""


def joined(records: Sequence[bytes], mark: bytes) -> bytes:
    """All records with `mark` between each two."""
    return records.joined(mark) if isinstance(records, Joinable) else mark.join(records)


def are_lines(text: bytes, records: int) -> bool:
    """Whether a text is this number of JSON objects, one on each line, judged by where they begin."""
    breaks = np.flatnonzero(np.frombuffer(text, np.uint8) == _LINE_BREAK)
    if breaks.size != records - 1 or not text.startswith(b"{") or not text.endswith(b"}") or b"\r" in text:
        return False
    return bool((np.frombuffer(text, np.uint8)[breaks + 1] == _OPENING_BRACE).all())


def check_objects(records: Sequence[bytes]) -> None:
    """Raise RecordError for the first of the JSON texts that is not an object."""
    if not records or are_lines(joined(records, b"\n"), len(records)) or {record[:1] for record in records} <= _OBJECT:
        return
    position = next(position for position, record in enumerate(records) if record[:1] != b"{")
    raise RecordError(position, "not a JSON object")
