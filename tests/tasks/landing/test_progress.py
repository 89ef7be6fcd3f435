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
