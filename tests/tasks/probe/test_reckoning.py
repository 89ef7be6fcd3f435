"""What the figures of a probe amount to."""

import pytest

from seawall.tasks.probe.findings import SizeTrial
from seawall.tasks.probe.reckoning import best_page_size, estimate, page_seconds, record_keys


def size(page_size: int, records: int, seconds: float, *, whole: bool = False) -> SizeTrial:
    return SizeTrial(page_size=page_size, status=200, records=records, seconds=seconds, body_bytes=1, whole=whole)


def test_the_page_size_of_the_source_stays_unless_another_is_clearly_faster() -> None:
    trials = [size(100, 100, 0.1), size(1000, 1000, 0.5)]
    assert best_page_size([*trials, size(10_000, 10_000, 4.5)], own=1000, came=1) == 1000
    assert best_page_size([*trials, size(10_000, 10_000, 3.0)], own=1000, came=1) == 10_000


def test_what_a_server_gives_at_once_is_a_size_too_and_a_whole_source_is_none() -> None:
    assert best_page_size([size(1000, 250, 0.1), size(10_000, 250, 0.1)], own=1000, came=1) == 250
    assert best_page_size([size(1000, 40, 0.1, whole=True)], own=1000, came=1) == 1000
    assert best_page_size([], own=1000, came=25) == 25


def test_a_size_that_was_refused_is_never_proposed() -> None:
    assert best_page_size([size(20, 20, 0.1), size(100, 0, 0.1)], own=1000, came=20) == 20
    assert best_page_size([size(20, 15, 0.1, whole=True), size(100, 0, 0.1)], own=1000, came=15) == 20
    assert best_page_size([size(10, 0, 0.1), size(100, 0, 0.1)], own=1000, came=15) == 15


def test_pages_of_the_proposed_size_make_the_mean() -> None:
    assert page_seconds([(100, 1.0), (1000, 2.0), (1000, 4.0)], 1000) == 3.0
    assert page_seconds([(100, 1.0), (200, 3.0)], 1000) == 2.0


@pytest.mark.parametrize(("max_rate", "seconds"), [(None, 25.0), (2.0, 50.0)])
def test_an_estimate_goes_by_the_requests_in_flight_and_by_the_rate(max_rate: float | None, seconds: float) -> None:
    made = estimate(99_001, page_size=1000, seconds=2.0, record_bytes=10.5, in_flight=8, max_rate=max_rate)
    assert made is not None
    assert (made.pages, made.seconds, made.bytes) == (100, seconds, round(99_001 * 10.5))
    assert estimate(None, page_size=1000, seconds=2.0, record_bytes=1, in_flight=8, max_rate=None) is None


def test_record_keys_differ_in_every_record_and_names_like_keys_come_first() -> None:
    records = [b'{"at":1,"name":"a","b<":1,"order_id":7}', b'{"at":2,"name":"a","b<":2,"order_id":8}']
    assert record_keys(records) == ("order_id", "at")
    assert record_keys([*records, b'{"at":3}', b'{"at":4}']) == ("at",)
    assert record_keys([*records, b"null"]) == ()
