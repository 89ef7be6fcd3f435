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
    """What of `whole`, ranges without a common page, no range of `covers` holds, in order; one pass over both."""
    left: list[PageRange] = []
    waiting = iter(sorted(covers))
    cover = next(waiting, None)
    for each in sorted(whole):
        first = each.first
        while cover is not None and cover.first <= each.last:
            if first < cover.first:
                left.append(PageRange(first, cover.first - 1))
            first = max(first, cover.last + 1)
            if cover.last > each.last:
                break  # it holds pages of the next one, too
            cover = next(waiting, None)
        if first <= each.last:
            left.append(PageRange(first, each.last))
    return left
