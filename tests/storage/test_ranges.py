"""Ranges of pages, against an oracle of plain sets."""

import time
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.storage.ranges import PageRange, missing

BRISK = settings(max_examples=200, print_blob=True)
RANGES = st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda pair: PageRange(pair[0], sum(pair)))


@st.composite
def _disjoint(draw: st.DrawFn) -> list[PageRange]:
    """Ranges without a common page, in any order."""
    bounds = sorted(draw(st.sets(st.integers(0, 60), max_size=10)))
    return draw(st.permutations([PageRange(*pair) for pair in zip(bounds[::2], bounds[1::2], strict=False)]))


def _pages(ranges: Iterable[PageRange]) -> list[int]:
    return [page for each in ranges for page in range(each.first, each.last + 1)]


@given(_disjoint(), st.lists(RANGES, max_size=8))
@BRISK
def test_what_is_missing_is_wanted_and_not_covered(wanted: list[PageRange], covered: list[PageRange]) -> None:
    assert _pages(missing(wanted, covered)) == sorted(set(_pages(wanted)) - set(_pages(covered)))


@given(_disjoint(), st.lists(RANGES, max_size=8))
@BRISK
def test_no_missing_range_reaches_over_two_wanted_ones(wanted: list[PageRange], covered: list[PageRange]) -> None:
    for left in missing(wanted, covered):
        assert any(each.first <= left.first <= left.last <= each.last for each in wanted)


@given(_disjoint())
@BRISK
def test_nothing_is_missing_of_what_is_covered(wanted: list[PageRange]) -> None:
    assert missing(wanted, wanted) == []
    assert missing(wanted, []) == sorted(wanted)


@given(RANGES, st.integers(1, 15))
@BRISK
def test_a_split_range_has_all_its_pages_in_pieces_of_a_size(whole: PageRange, size: int) -> None:
    pieces = list(whole.split(size))
    assert _pages(pieces) == _pages([whole])
    assert all(len(piece) == size for piece in pieces[:-1])
    assert 1 <= len(pieces[-1]) <= size


@given(RANGES)
@BRISK
def test_the_length_of_a_range_is_its_number_of_pages(pages: PageRange) -> None:
    assert len(pages) == len(_pages([pages]))


@pytest.mark.parametrize(("pages", "text"), [(PageRange(1, 500), "1-500"), (PageRange(7, 7), "7")])
def test_people_read_a_range_as_its_ends(pages: PageRange, text: str) -> None:
    assert str(pages) == text


def test_ranges_compare_by_their_first_page() -> None:
    assert sorted([PageRange(9, 9), PageRange(1, 8), PageRange(1, 2)]) == [
        PageRange(1, 2), PageRange(1, 8), PageRange(9, 9),
    ]  # fmt: skip


def test_a_range_survives_json() -> None:
    pages = PageRange(3, 14)
    assert msgspec.json.decode(msgspec.json.encode(pages), type=PageRange) == pages


def test_what_is_missing_of_a_hundred_thousand_ranges_is_known_at_once() -> None:
    ranges = [PageRange(page, page) for page in range(100_000)]
    before = time.perf_counter()
    assert missing(ranges, ranges[::2]) == ranges[1::2]
    assert time.perf_counter() - before < 5  # an hour, where each range is compared with each
