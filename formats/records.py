"""Records as a writer gets them: a sequence of JSON texts, which may know how to be one text."""

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np

_LINE_BREAK: Final = ord("\n")
_OPENING_BRACE: Final = ord("{")


@runtime_checkable
class Joinable(Protocol):
    """Records that are in one piece already, so that joining them costs little."""

    def joined(self, mark: bytes, /) -> bytes:
        """All of them with `mark` between each two."""


def joined(records: Sequence[bytes], mark: bytes) -> bytes:
    """All records with `mark` between each two."""
    return records.joined(mark) if isinstance(records, Joinable) else mark.join(records)


def are_lines(text: bytes, records: int) -> bool:
    """Whether a text is so many JSON objects, one on each line, told by where they begin."""
    breaks = np.flatnonzero(np.frombuffer(text, np.uint8) == _LINE_BREAK)
    if breaks.size != records - 1 or not text.startswith(b"{") or not text.endswith(b"}") or b"\r" in text:
        return False
    return bool((np.frombuffer(text, np.uint8)[breaks + 1] == _OPENING_BRACE).all())
