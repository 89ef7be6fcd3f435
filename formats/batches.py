"""Batches: pages may be tiny, and what works on columns wants many rows at once."""

from collections.abc import Callable, Sequence
from typing import Final

from formats.writer import check_objects

BATCH_RECORDS: Final = 10_000
BATCH_BYTES: Final = 2**19  # fits into the caches of a core


class Batches:
    """Gathers records and hands them on, `BATCH_RECORDS` at most at a time."""

    def __init__(self, convert: Callable[[Sequence[bytes]], None]) -> None:
        self._convert = convert
        self._waiting: list[bytes] = []
        self._bytes = 0

    def add(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""
        check_objects(records)
        self._waiting += records
        self._bytes += sum(map(len, records))
        if len(self._waiting) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand on what waits."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        for first in range(0, len(waiting), BATCH_RECORDS):
            self._convert(waiting[first : first + BATCH_RECORDS])
