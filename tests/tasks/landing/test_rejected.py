"""Rejected records: set aside with their bytes, never dropped, never doubled."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.clients.pages.page import End, Gap, Page, Rejected, Totals
from seawall.clients.pages.records import Records
from seawall.tasks.errors import RejectedRecordsError
from seawall.tasks.landing.rejected import RejectedFile, within_limit


def page(number: int, *rejected: Rejected) -> Page:
    return Page(number=number, records=Records([b"{}"]), totals=Totals(), body_bytes=1, read_at=1.0, rejected=rejected)


BAD = Rejected(position=3, reason="not a JSON object", record=b'"\\ud800"')


def test_a_line_has_page_position_reason_and_the_bytes(tmp_path: Path) -> None:
    file = RejectedFile(tmp_path / "rejected.jsonl")
    for each in (page(1), page(4, BAD, Rejected(position=7, reason="why", record=b"\xff")), page(5, BAD)):
        file.add(each)
    lines = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert file.records == 3
    assert lines[0] == {
        "page": 4, "position": 3, "reason": "not a JSON object", "record": base64.b64encode(BAD.record).decode()
    }  # fmt: skip
    assert [(line["page"], line["position"], base64.b64decode(line["record"])) for line in lines[1:]] == [
        (4, 7, b"\xff"),
        (5, 3, BAD.record),
    ]


def test_pages_without_any_make_no_file(tmp_path: Path) -> None:
    file = RejectedFile(tmp_path / "rejected.jsonl")
    file.add(page(1))
    assert (file.records, list(tmp_path.iterdir())) == (0, [])


def test_a_walk_goes_on_up_to_the_page_that_exceeds_the_limit() -> None:
    walk: list[Page | Gap | End] = [page(1, BAD), Gap(number=2, error="no"), page(3, BAD), page(4, BAD), page(5)]
    passed: list[int] = []

    def take(outcomes: Iterator[Page | Gap | End]) -> None:
        passed.extend(outcome.number for outcome in outcomes)

    with pytest.raises(RejectedRecordsError) as caught:
        take(within_limit(walk, 2))
    assert passed == [1, 2, 3]
    for told in ("page 4, record 3: not a JSON object", "3 rejected records, max_rejected_records is 2", "_rejected/"):
        assert told in str(caught.value)


def test_rejected_records_that_a_page_does_not_list_count_too() -> None:
    crowded = replace(page(1, BAD), unlisted_rejections=5)
    with pytest.raises(RejectedRecordsError, match="6 rejected records, max_rejected_records is 0"):
        list(within_limit([crowded], 0))
