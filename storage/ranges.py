"""Ranges of pages, and what is missing between them."""

from collections.abc import Iterable, Iterator

import msgspec


class PageRange(msgspec.Struct, frozen=True, order=True):
    """The pages `first` to `last`, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"no range of pages: {self.first} to {self.last}")

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.first < self.last else f"{self.first}"

    def __len__(self) -> int:
        return self.last - self.first + 1

    def split(self, size: int) -> Iterator["PageRange"]:
        """This range in ranges of `size` pages; the last one may be shorter."""
        for first in range(self.first, self.last + 1, size):
            yield PageRange(first, min(first + size - 1, self.last))


def missing(whole: Iterable[PageRange], covers: Iterable[PageRange]) -> list[PageRange]:
    """What of `whole` no range of `covers` holds, in order."""
    left = sorted(whole)
    for cover in sorted(covers):
        left = [piece for each in left for piece in _without(each, cover)]
    return left


def _without(whole: PageRange, cover: PageRange) -> Iterator[PageRange]:
    if cover.last < whole.first or whole.last < cover.first:
        yield whole
        return
    if whole.first < cover.first:
        yield PageRange(whole.first, cover.first - 1)
    if cover.last < whole.last:
        yield PageRange(cover.last + 1, whole.last)
