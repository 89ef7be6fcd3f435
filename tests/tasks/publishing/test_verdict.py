"""The verdict: the first that holds, with its figures, and every check with its outcome."""

from typing import Any

import pytest

from seawall.storage.documents import Totals
from seawall.tasks.landing.tally import Proof
from seawall.tasks.publishing.evidence import Evidence
from seawall.tasks.publishing.verdict import NAMES, judge

AND_NO_TWINS = "; 0 records with a key that came before"
AND_TWINS = "; 3 records with a key that came before"
AND_MOVED = "; the first page was another one at the end"
MOVED = Proof(first_page_moved=True)


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
        ({"duplicates": 0}, "complete", f"9 of 9 advertised records{AND_NO_TWINS}"),
        ({"duplicates": 3}, "duplicated", f"9 of 9 advertised records{AND_TWINS}"),
        ({"proof": MOVED}, "shifted", f"9 of 9 advertised records{AND_MOVED}"),
        ({"duplicates": 3, "proof": MOVED}, "duplicated", f"9 of 9 advertised records{AND_TWINS}{AND_MOVED}"),
        ({"keyless": 2}, "complete", "9 of 9 advertised records; 2 records without a key"),
        ({"advertised": 10, "duplicates": 3}, "short", f"9 of 10 advertised records{AND_TWINS}"),
        ({"advertised": 8, "proof": MOVED}, "excess", f"9 records, 8 advertised{AND_MOVED}"),
        ({"gaps": 1, "advertised": 99, "duplicates": 3}, "gaps", f"1 page missing{AND_TWINS}"),
    ],
)  # fmt: skip
def test_the_first_that_holds_counts_and_all_are_told(more: dict[str, Any], name: str, figures: str) -> None:
    verdict = judge(Evidence(**{"records": 9, "advertised": 9, "gaps": 0} | more))
    assert (verdict.name, verdict.figures) == (name, figures)


TWO_WALKS = Proof(passes=2)


@pytest.mark.parametrize(
    ("more", "name", "told"),
    [
        ({"totals_fell": True}, "shifted", "totals fell during the walk"),
        ({"totals_fell": True, "proof": TWO_WALKS}, "complete", "9 of 9"),
        ({"proof": Proof(passes=2, first_page_moved=True)}, "complete", "9 of 9"),
        ({"proof": Proof(passes=3, differing_pages=2)}, "shifted", "2 pages came differently in walk 3"),
        ({"shared": (4,)}, "duplicated", "page 4 with a record of the page before"),
        ({"hollow": (4,)}, "complete", "9 of 9"),
        ({"hollow": (4,), "advertised": None}, "unproven", "page 4 empty or shorter than others"),
        ({"hollow": tuple(range(2, 10)), "advertised": None}, "complete", "9 records"),
        ({"complaining_pages": 1, "advertised": None}, "unproven", "1 page with errors beside the records"),
        ({"complaining_pages": 10, "advertised": None}, "complete", "9 records"),
        ({"silent_path": "paging.next", "advertised": None}, "unproven", "(paging.next)"),
        ({"proof": Proof(refusal="page 11 failed")}, "complete", "9 of 9"),
        ({"proof": Proof(refusal="page 11 failed"), "advertised": None}, "unproven", "cannot be had: page 11 failed"),
        ({"proof": Proof(refusal="400", beyond=False)}, "complete", "9 of 9"),
        ({"proof": Proof(goes_on=True)}, "short", "it goes on growing"),
        ({"is_partial": True, "advertised": None}, "partial", "10 pages as asked for, the source has more"),
        ({"largest": Totals(pages=12), "advertised": None}, "unproven", "10 of 12 advertised pages hold records"),
        ({"largest": Totals(pages=8), "advertised": None}, "excess", "10 pages with records, 8 advertised"),
        ({"largest": Totals(pages=8)}, "complete", "9 of 9"),
    ],
)
def test_each_check_points_to_its_verdict(more: dict[str, Any], name: str, told: str) -> None:
    verdict = judge(Evidence(**{"records": 9, "advertised": 9, "gaps": 0, "landed_pages": 10} | more))
    assert verdict.name == name
    assert told in verdict.figures


def test_every_check_is_told_with_its_outcome() -> None:
    verdict = judge(Evidence(records=9, advertised=10, gaps=0, landed_pages=2, duplicates=0))
    outcomes = {check.check: check.outcome for check in verdict.checks}
    assert outcomes == {
        "every page": "passed",
        "total of records": "failed",
        "total of pages": "not made",
        "end looked beyond": "passed",
        "asked again": "not made",
        "lengths of pages": "passed",
        "errors beside records": "passed",
        "neighbours": "passed",
        "keys of the walk": "not made",
        "record keys": "passed",
        "totals over time": "passed",
        "first page again": "not made",
        "second walk": "not made",
        "rules of the source": "not made",
        "scope": "passed",
    }
    assert all(check.detail for check in verdict.checks)


def test_verdicts_are_in_the_order_in_which_they_count() -> None:
    assert NAMES == ("gaps", "short", "excess", "duplicated", "shifted", "unproven", "partial", "complete")
