"""Drift: what came later, and on which page."""

from typing import Any

from seawall.storage.documents import Column, Totals
from seawall.storage.manifest import Widening
from seawall.storage.receipts import Receipt
from seawall.tasks.publishing.drift import drift


def receipt(first: int, last: int, *columns: tuple[str, dict[str, int]], records: int = 1) -> Receipt:
    made = tuple(Column(name, list(since)[-1], since) for name, since in columns)
    rest: dict[str, Any] = {"bytes": 1, "sha256": "", "key": "k", "body_bytes": 1, "retries": {}, "totals": Totals()}
    return Receipt(first=first, last=last, records=records, columns=made, totals_at=1.0, landed_at="", **rest)


def test_the_columns_of_the_first_page_are_no_drift() -> None:
    assert drift([receipt(1, 5, ("a", {"null": 1, "integer": 1}), ("b", {"null": 1, "string": 4}))]) == ()


def test_a_column_that_appears_later_and_a_type_that_widens_are_told_with_their_pages() -> None:
    one = receipt(1, 5, ("a", {"null": 1, "integer": 1, "number": 3}))
    two = receipt(6, 9, ("a", {"null": 6, "integer": 6}), ("b", {"null": 6, "string": 8}))
    three = receipt(10, 12, ("a", {"null": 10, "string": 11}), ("b", {"null": 10, "string": 10}))
    assert drift([one, two, three]) == (
        Widening(column="a", before="integer", after="number", page=3),
        Widening(column="b", before="", after="null", page=6),
        Widening(column="a", before="number", after="string", page=11),
    )


def test_what_one_page_does_to_a_column_is_told_once_with_the_type_that_it_ends_with() -> None:
    one = receipt(1, 5, ("a", {"null": 1, "integer": 1, "number": 3, "string": 3}), ("b", {"null": 4, "number": 4}))
    assert drift([one]) == (
        Widening(column="a", before="integer", after="string", page=3),
        Widening(column="b", before="", after="number", page=4),
    )


def test_a_part_without_records_tells_nothing() -> None:
    empty = receipt(1, 1, ("a", {"null": 2}), records=0)
    assert drift([empty, receipt(2, 3, ("a", {"null": 2, "integer": 3}))]) == ()
