"""Progress, as people read it."""

import pytest

from seawall.tasks.landing.progress import line


@pytest.mark.parametrize(
    ("done", "total", "records", "seconds", "text"),
    [
        (0, 1_000, 0, 0.0, "0 of 1,000 pages, 0 records/s"),
        (250, 1_000, 250_000, 10.0, "250 of 1,000 pages, 25,000 records/s, about 30 s left"),
        (1_000, 1_000, 1_000_000, 40.0, "1,000 of 1,000 pages, 25,000 records/s"),
    ],
)
def test_progress_tells_pages_rate_and_time_left(
    done: int, total: int, records: int, seconds: float, text: str
) -> None:
    assert line(done, total, records, seconds) == text


def test_what_holds_a_walk_back_is_told_until_its_end() -> None:
    assert line(10, 100, 1_000, 10.0, "at the API's limit") == (
        "10 of 100 pages, 100 records/s (at the API's limit), about 90 s left"
    )
    assert line(10, None, 1_000, 10.0, "at max_in_flight") == "10 pages, 100 records/s (at max_in_flight)"
    assert line(100, 100, 1_000, 10.0, "at max_in_flight") == "100 of 100 pages, 100 records/s"
