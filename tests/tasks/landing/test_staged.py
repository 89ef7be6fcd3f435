"""How outcomes of pages become parts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.clients.pages.page import End, Gap, Page, Totals
from seawall.clients.pages.records import Records
from seawall.formats.csv import Csv
from seawall.formats.writer import Settings
from seawall.storage.ranges import PageRange
from seawall.tasks.errors import IngestError
from seawall.tasks.landing.staged import StagedPart, staged_parts


def page(number: int, *records: object) -> Page:
    texts = [json.dumps(record).encode() for record in records or [{"n": number}]]
    return Page(
        number=number,
        records=Records(texts),
        totals=Totals(pages=9, records=9),
        body_bytes=10,
        read_at=float(number),
        retries=("500",),
    )


def test_consecutive_pages_are_one_part_and_a_gap_ends_it(tmp_path: Path) -> None:
    walk: list[Page | Gap | End] = [page(4), page(5), Gap(number=6, error="no"), Gap(number=7, error="no"), page(8)]
    seen: list[object] = []
    for outcome in staged_parts(walk, Csv(), tmp_path):
        if isinstance(outcome, StagedPart):
            seen.append(
                (outcome.pages, outcome.file.records, outcome.summary.body_bytes, dict(outcome.summary.retries))
            )
            outcome.file.path.unlink()
        else:
            assert isinstance(outcome, Gap)
            seen.append(outcome.number)
    assert seen == [(PageRange(4, 5), 2, 20, {"500": 2}), 6, 7, (PageRange(8, 8), 1, 10, {"500": 1})]


def test_pages_are_taken_one_at_a_time_while_a_part_is_written(tmp_path: Path) -> None:
    taken: list[int] = []

    def walk() -> Iterator[Page]:
        for number in (1, 2):
            taken.append(number)
            yield page(number)
        raise RuntimeError("the walk broke")

    with pytest.raises(RuntimeError, match="the walk broke"):
        list(staged_parts(walk(), Csv(), tmp_path))
    assert taken == [1, 2]
    assert list(tmp_path.iterdir()) == [], "nothing half-written is left"


END = End(number=2, totals=Totals(), read_at=1.0)


def test_an_end_passes_through(tmp_path: Path) -> None:
    outcomes = list(staged_parts([page(1), END], Csv(), tmp_path))
    assert outcomes[1] == END


def test_a_record_that_is_no_object_names_its_page_and_place(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="page 3, record 2: "):
        list(staged_parts([page(3, {"a": 1}, 7)], Csv(), tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("empty_page", [True, False])
def test_too_many_columns_are_refused_with_the_page_and_the_key_of_the_first_one(
    tmp_path: Path, *, empty_page: bool
) -> None:
    walk = [page(number, *({f"<k{number}_{n}>": n} for n in range(5))) for number in range(4, 9)]
    if empty_page:
        walk[1] = replace(walk[1], records=Records([]))
    with pytest.raises(IngestError) as caught:
        list(staged_parts(walk, Csv(Settings(max_columns=11)), tmp_path))
    place = "page 7, key '‹k7_1›'" if empty_page else "page 6, key '‹k6_1›'"
    assert str(caught.value).startswith(f"{place}: more than 11 columns, which is max_columns: ")
    assert list(tmp_path.iterdir()) == [], "nothing half-written is left"
