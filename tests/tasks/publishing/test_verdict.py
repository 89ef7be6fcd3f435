"""The verdict: the first that holds, with its figures."""

from typing import Any

import pytest

from seawall.tasks.publishing.evidence import Evidence
from seawall.tasks.publishing.verdict import judge

AND_NO_TWINS = "; 0 records with a key that came before"
AND_TWINS = "; 3 records with a key that came before"
AND_MOVED = "; the first page was another one at the end"


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
    verdict = judge(Evidence(records=records, advertised=advertised, gaps=gaps))
    assert (verdict.name, verdict.figures) == (name, figures)


@pytest.mark.parametrize(
    ("more", "name", "figures"),
    [
        ({"duplicates": 0, "first_page_moved": False}, "complete", f"9 of 9 advertised records{AND_NO_TWINS}"),
        ({"duplicates": 3}, "duplicated", f"9 of 9 advertised records{AND_TWINS}"),
        ({"first_page_moved": True}, "shifted", f"9 of 9 advertised records{AND_MOVED}"),
        ({"duplicates": 3, "first_page_moved": True}, "duplicated", f"9 of 9 advertised records{AND_TWINS}{AND_MOVED}"),
        ({"keyless": 2}, "complete", "9 of 9 advertised records; 2 records without a key"),
        ({"advertised": 10, "duplicates": 3}, "short", f"9 of 10 advertised records{AND_TWINS}"),
        ({"advertised": 8, "first_page_moved": True}, "excess", f"9 records, 8 advertised{AND_MOVED}"),
        ({"gaps": 1, "advertised": 99, "duplicates": 3}, "gaps", f"1 page missing{AND_TWINS}"),
    ],
)
def test_the_first_that_holds_counts_and_all_are_told(more: dict[str, Any], name: str, figures: str) -> None:
    verdict = judge(Evidence(**{"records": 9, "advertised": 9, "gaps": 0} | more))
    assert (verdict.name, verdict.figures) == (name, figures)
