"""How far a source goes: what its pages say, what they show, and whom to believe."""

import pytest

from seawall.clients.pages.page import Totals, larger
from seawall.clients.pagination.extent import Extent, plausible


@pytest.fixture
def extent() -> Extent:
    return Extent(first_page=1, page_size=10)


def test_the_last_word_counts_but_the_largest_numbers_are_kept(extent: Extent) -> None:
    extent.learn(Totals(pages=9, records=90), number=1)
    extent.learn(Totals(pages=7, records=70), number=2)
    assert extent.totals == Totals(pages=7, records=70)
    assert extent.largest == Totals(pages=9, records=90)


def test_a_page_that_says_nothing_takes_nothing_back(extent: Extent) -> None:
    extent.learn(Totals(pages=9), number=1)
    extent.learn(Totals(), number=2, records=10)
    assert extent.totals == Totals(pages=9)


def test_what_another_process_heard_counts_until_a_page_says_something(extent: Extent) -> None:
    extent.expect(Totals(pages=5), reach=3)
    assert (extent.totals, extent.reach) == (Totals(pages=5), 3)
    extent.learn(Totals(pages=4), number=4, records=1)
    extent.expect(Totals(pages=5), reach=3)
    assert (extent.totals, extent.largest, extent.reach) == (Totals(pages=4), Totals(pages=5), 4)


@pytest.mark.parametrize(
    ("totals", "ordinal", "records", "meant"),
    [
        (Totals(pages=4, records=35), 4, 5, Totals(pages=4, records=35)),
        (Totals(pages=1, records=10), 2, 10, Totals()),
        (Totals(pages=0, records=0), 2, 10, Totals()),
        (Totals(pages=0, records=0), 1, 0, Totals(pages=0, records=0)),
        (Totals(pages=1, records=10), 1, 10, Totals(pages=1, records=10)),
        (Totals(records=5), 1, 10, Totals()),
    ],
)
def test_a_total_that_its_own_page_refutes_tells_nothing(
    totals: Totals, ordinal: int, records: int, meant: Totals
) -> None:
    assert plausible(totals, ordinal=ordinal, records=records) == meant


def test_records_that_are_not_there_yet_are_promised(extent: Extent) -> None:
    extent.learn(Totals(records=100), number=1, records=10)
    assert extent.promises(10)
    assert not extent.promises(11)


def test_the_rest_of_the_records_is_known_to_the_record(extent: Extent) -> None:
    extent.learn(Totals(records=95), number=1, records=10)
    assert extent.is_exactly_the_rest(10, 5)
    assert not extent.is_exactly_the_rest(10, 4)


def test_a_page_is_shorter_than_others_only_where_most_are_alike(extent: Extent) -> None:
    for number in range(1, 4):
        extent.learn(Totals(), number=number, records=10)
    assert extent.is_shorter(9)
    assert not extent.is_shorter(10)
    assert not extent.is_shorter(0), "an empty page is another question"
    for _ in range(4):
        extent.stayed_short()
    assert not extent.is_shorter(9)


def test_the_earliest_end_counts_and_nothing_is_asked_for_beyond_it(extent: Extent) -> None:
    extent.end_before(8)
    extent.end_before(6)
    extent.end_before(7)
    assert not extent.is_over(6)
    assert extent.is_over(7)


@pytest.mark.parametrize(("totals", "records"), [(Totals(), 1), (Totals(pages=9), 0)], ids=["records", "a total"])
def test_an_end_is_none_once_something_behind_it_shows_up(extent: Extent, totals: Totals, records: int) -> None:
    extent.end_before(6)
    extent.learn(totals, number=9, records=records)
    assert not extent.is_over(7)


def test_a_number_of_pages_that_nobody_said_is_no_zero() -> None:
    assert larger(None, 0) == 0
    assert larger(None, None) is None
    assert larger(3, None, 5) == 5
