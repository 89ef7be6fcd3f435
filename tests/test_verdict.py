"""The verdict: the first that holds, with its figures."""

import pytest

from tasks.verdict import judge


@pytest.mark.parametrize(
    ("records", "advertised", "gaps", "name", "figures"),
    [
        (10, 10, 0, "complete", "10 of 10 advertised records"),
        (10, None, 0, "complete", "10 records; every page asked for is there"),
        (0, 0, 0, "complete", "0 of 0 advertised records"),
        (9, 10, 0, "short", "9 of 10 advertised records"),
        (11, 10, 0, "excess", "11 records, 10 advertised"),
        (9, 10, 1, "gaps", "1 page missing"),
        (11, 10, 2, "gaps", "2 pages missing"),
        (1_000_000, 2_000_000, 0, "short", "1,000,000 of 2,000,000 advertised records"),
    ],
)
def test_the_verdict_follows_from_the_figures(
    records: int, advertised: int | None, gaps: int, name: str, figures: str
) -> None:
    verdict = judge(records=records, advertised=advertised, gaps=gaps)
    assert (verdict.name, verdict.figures) == (name, figures)
