"""The comparison with the truth must find every difference, or a demo that passes proves nothing."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seawall.dev.customers import Customers
from seawall.dev.truth import SHOWN, cell, differences, rows

CUSTOMERS = Customers(seed=3, total=60, late_key_from=40, sparse_key_every=7)
TRUTH = list(CUSTOMERS.records())


def _land(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for record in TRUTH for name in record))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([cell(record.get(name)) for name in names] for record in records)
    return path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), ("", ""), ("x\n", "x\n"), (True, "true"), (False, "false"), (0, "0"), (12.5, "12.5"),
        ({"a": ["é", None]}, '{"a":["é",null]}'), ([], "[]"), (10**30, "1" + "0" * 30),
    ],
)  # fmt: skip
def test_a_cell_is_the_text_of_a_value(value: object, text: str) -> None:
    assert cell(value) == text


def test_files_that_hold_the_truth_differ_in_nothing(tmp_path: Path) -> None:
    parts = [_land(tmp_path / "1.csv", TRUTH[:25]), _land(tmp_path / "2.csv", TRUTH[25:])]
    assert differences(parts, CUSTOMERS.records()) == []


def test_no_files_hold_no_records() -> None:
    assert differences([], []) == []
    assert differences([], TRUTH[:1])[0].startswith("record 1 is missing: ")


def test_a_missing_record_at_the_end_is_found(tmp_path: Path) -> None:
    [found] = differences([_land(tmp_path / "1.csv", TRUTH[:-1])], TRUTH)
    assert found.startswith("record 60 is missing: ")
    assert "customer60@example.com" in found or "'id': 60" in found


def test_a_record_too_many_at_the_end_is_found(tmp_path: Path) -> None:
    [found] = differences([_land(tmp_path / "1.csv", [*TRUTH, TRUTH[0]])], TRUTH)
    assert found.startswith("record 61 is too many: ")


def test_a_record_that_was_dropped_or_repeated_or_moved_is_found(tmp_path: Path) -> None:
    for landed in (TRUTH[:9] + TRUTH[10:], TRUTH[:10] + TRUTH[9:], [*TRUTH[:9], TRUTH[10], TRUTH[9], *TRUTH[11:]]):
        assert "record 1" in differences([_land(tmp_path / "1.csv", landed)], TRUTH)[0]


@pytest.mark.parametrize("name", list(TRUTH[-1]))
def test_a_value_that_differs_is_found_in_any_field(tmp_path: Path, name: str) -> None:
    landed = [*TRUTH[:-1], TRUTH[-1] | {name: "other"}]
    assert differences([_land(tmp_path / "1.csv", landed)], TRUTH) == [
        f"record 60, {name!r}: 'other' instead of {cell(TRUTH[-1][name])!r}"
    ]


@pytest.mark.parametrize("change", ["late", " leading", "trailing ", "NULL", "x\r\ny"])
def test_a_value_where_there_is_none_is_found(tmp_path: Path, change: str) -> None:
    landed = [TRUTH[0] | {"loyalty_tier": change}, *TRUTH[1:]]
    assert differences([_land(tmp_path / "1.csv", landed)], TRUTH) == [
        f"record 1, 'loyalty_tier': {change!r} instead of ''"
    ]


def test_only_the_first_few_differences_are_told(tmp_path: Path) -> None:
    assert len(differences([_land(tmp_path / "1.csv", TRUTH[30:])], TRUTH)) == SHOWN


def test_rows_are_read_as_text_with_their_header(tmp_path: Path) -> None:
    names, read = rows(_land(tmp_path / "1.csv", TRUTH))
    assert names == list(dict.fromkeys(name for record in TRUTH for name in record))
    assert [row[0] for row in read] == [str(number) for number in range(1, 61)]
