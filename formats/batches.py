"""Batches: pages may be tiny, and what works on columns wants many rows at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import msgspec

from seawall.formats.records import are_lines, check_objects, joined

BATCH_RECORDS: Final = 10_000
BATCH_BYTES: Final = 2**19  # fits into the caches of a core


_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Batch:
    """JSON objects in one text: `lines` of JSON, or with commas between them, where objects hold line breaks."""

    text: bytes
    records: int
    lines: bool

    @classmethod
    def of(cls, records: Sequence[bytes]) -> Self:
        """The batch of these records. Raises RecordError for one that is not an object."""
        text = joined(records, b"\n")
        if are_lines(text, len(records)):
            return cls(text, len(records), lines=True)
        check_objects(records)
        return cls(joined(records, b","), len(records), lines=False)

    def texts(self) -> Sequence[bytes | msgspec.Raw]:
        """The JSON text of each record."""
        return self.text.split(b"\n") if self.lines else _ARRAY.decode(b"[%s]" % self.text)


class Batches:
    """Gathers records into batches; `add` and `flush` do their work while they are iterated over."""

    def __init__(self) -> None:
        self._waiting: list[Batch] = []  # all lines, or none
        self._records = self._bytes = 0

    def add(self, records: Sequence[bytes]) -> Iterator[Batch]:
        """Add records, in order; each batch that becomes full. Raises RecordError for one that is not an object."""
        if len(records) > BATCH_RECORDS:
            check_objects(records)  # all of them, before any is taken
        for first in range(0, len(records), BATCH_RECORDS):
            batch = Batch.of(records if len(records) <= BATCH_RECORDS else records[first : first + BATCH_RECORDS])
            if self._waiting and self._waiting[0].lines != batch.lines:
                yield from self.flush()
            self._waiting.append(batch)
            self._records += batch.records
            self._bytes += len(batch.text)
            if self._records >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
                yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """What waits, as one batch; nothing where nothing does."""
        waiting, records = self._waiting, self._records
        self._waiting, self._records, self._bytes = [], 0, 0
        if waiting:
            mark = b"\n" if waiting[0].lines else b","
            yield Batch(mark.join(each.text for each in waiting), records, lines=waiting[0].lines)
