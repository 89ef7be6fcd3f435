"""Batches: pages may be tiny, and what works on columns wants many rows at once."""

from collections.abc import Callable, Sequence
from typing import Final

from formats.records import joined
from formats.writer import check_objects

BATCH_RECORDS: Final = 10_000
BATCH_BYTES: Final = 2**19  # fits into the caches of a core


class Batches:
    """Gathers records and hands them on as a JSON array, with their number, once there are enough."""

    def __init__(self, convert: Callable[[bytes, int], None]) -> None:
        self._convert = convert
        self._texts: list[bytes] = []
        self._records = self._bytes = 0

    def add(self, records: Sequence[bytes]) -> None:
        """Add records, in order. Raises RecordError for one that is not an object."""
        check_objects(records)
        for first in range(0, len(records), BATCH_RECORDS):
            some = records if len(records) <= BATCH_RECORDS else records[first : first + BATCH_RECORDS]
            self._texts.append(joined(some, b","))
            self._records += len(some)
            self._bytes += len(self._texts[-1])
            if self._records >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
                self.flush()

    def flush(self) -> None:
        """Hand on what waits."""
        texts, records = self._texts, self._records
        self._texts, self._records, self._bytes = [], 0, 0
        if records:
            self._convert(b"[%s]" % b",".join(texts), records)
