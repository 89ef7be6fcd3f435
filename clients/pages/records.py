"""Records: the JSON texts of a page in one piece of memory, since a thousand objects cost more than their bytes."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, overload

import msgspec
import numpy as np
import xxhash

if TYPE_CHECKING:
    import numpy.typing as npt

DIGEST_BYTES: Final = 8

_LINE_BREAK: Final = b"\n"

members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode  # of one record, each as its JSON text


class Records(Sequence[bytes]):
    """JSON texts in order, each as it came; equal to any sequence of the same bytes.

    `text` is all of them, joined by line breaks; `starts` and `ends` are where each begins and ends in it.
    """

    def __init__(self, records: Sequence[bytes | msgspec.Raw] = ()) -> None:
        self.text = _LINE_BREAK.join(records)
        lengths = np.fromiter(map(len, records), np.int64, len(records))
        self.ends: npt.NDArray[np.int64] = np.cumsum(lengths) + np.arange(len(records))
        self.starts: npt.NDArray[np.int64] = self.ends - lengths

    @cached_property
    def digest(self) -> bytes:
        """What distinguishes these records from others, 8 bytes (XXH3); zeros where there are none.

        Receipts keep it, so it has to be the same in every process and version.
        """
        return xxhash.xxh3_64_digest(self.text) if len(self) else bytes(DIGEST_BYTES)

    def joined(self, mark: bytes) -> bytes:
        """All of them, joined by `mark`."""
        if mark == _LINE_BREAK:
            return self.text
        if len(mark) != 1:
            return mark.join(self)
        text = np.frombuffer(self.text, np.uint8).copy()
        text[self.ends[:-1]] = ord(mark)
        return text.tobytes()

    def __len__(self) -> int:
        return self.ends.size

    def __iter__(self) -> Iterator[bytes]:
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield self.text[start:end]

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            return [self[number] for number in range(len(self))[at]]
        return self.text[self.starts[at] : self.ends[at]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __repr__(self) -> str:
        return f"<{len(self):,} records>"


def without(records: Records, places: Sequence[int]) -> Records:
    """The records but for those at these places."""
    if not places:
        return records
    exclusions = set(places)
    return Records([record for place, record in enumerate(records) if place not in exclusions])
