"""How far a source goes: what its pages say, what they show, and whom to believe."""

import pytest

from seawall.clients.pages.page import Totals
from seawall.clients.pagination.extent import Extent, larger


@pytest.fixture
def extent() -> Extent:
    return Extent(first_page=1, page_size=10)


def test_the_last_word_counts_but_the_largest_number_of_pages_is_kept(extent: Extent) -> None:
    extent.learn(Totals(pages=9, records=90))
    extent.learn(Totals(pages=7, records=70))
    assert extent.totals == Totals(pages=7, records=70)
    assert extent.at_most == Totals(pages=9, records=70)


def test_a_page_that_says_nothing_takes_nothing_back(extent: Extent) -> None:
    extent.learn(Totals(pages=9))
    extent.learn(Totals(), records=10)
    assert extent.totals == Totals(pages=9)


def test_what_another_process_heard_counts_until_a_page_says_something(extent: Extent) -> None:
    extent.expect(Totals(pages=5))
    assert extent.totals == Totals(pages=5)
    extent.learn(Totals(pages=4))
    extent.expect(Totals(pages=5))
    assert extent.totals == Totals(pages=4)


@pytest.mark.parametrize(("number", "is_beyond"), [(3, False), (4, True)])
def test_totals_say_which_page_lies_beyond_the_end(extent: Extent, number: int, is_beyond: bool) -> None:  # noqa: FBT001
    assert extent.is_beyond(number, Totals(pages=3)) is is_beyond


def test_an_empty_page_before_the_advertised_records_can_have_come_is_no_end(extent: Extent) -> None:
    extent.learn(Totals(records=100), records=10)
    assert extent.is_beyond(10, extent.totals) is False
    assert extent.is_beyond(11, extent.totals) is None


def test_without_totals_only_the_page_after_an_empty_one_can_say(extent: Extent) -> None:
    assert extent.is_beyond(1, Totals()) is False, "an empty source has one page"
    assert extent.is_beyond(2, Totals()) is None


def test_one_empty_page_is_looked_beyond_and_not_each_that_was_read_ahead(extent: Extent) -> None:
    assert extent.doubt(5)
    assert not extent.doubt(6)
    assert extent.doubt(4), "an earlier one may still be the end"
    extent.trust()
    assert extent.doubt(9)


def test_the_earliest_end_counts_and_nothing_is_asked_for_beyond_it(extent: Extent) -> None:
    extent.end_before(8)
    extent.end_before(6)
    extent.end_before(7)
    assert not extent.is_over(6)
    assert extent.is_over(7)


def test_a_number_of_pages_that_nobody_said_is_no_zero() -> None:
    assert larger(None, 0) == 0
    assert larger(None, None) is None
    assert larger(3, None, 5) == 5
