"""Paginators: which request asks for which page, and where a walk ends."""

import pytest
from pydantic import ValidationError

from seawall.clients.pages.body import Body
from seawall.clients.pages.page import Totals
from seawall.clients.pagination.extent import last_page
from seawall.clients.pagination.numbered import PageNumber


def test_a_page_is_asked_for_by_its_number_and_size() -> None:
    assert PageNumber().at(3, 1000).query == {"page": "3", "limit": "1000"}


def test_the_parameters_can_have_other_names() -> None:
    assert PageNumber(page_param="p", size_param="per_page").at(2, 50).query == {"p": "2", "per_page": "50"}


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_page_has_the_first_number(first: int) -> None:
    assert PageNumber(first_page=first).first(10).query == {"page": str(first), "limit": "10"}


def test_totals_are_read_where_the_paths_say() -> None:
    body = Body(b'{"meta":{"pages":12},"count":"11,5","n":"117","data":[]}')
    paginator = PageNumber(total_pages_path="meta.pages", total_records_path="n")
    assert paginator.totals(body, 10) == Totals(pages=12, records=117)


def test_totals_that_are_not_there_are_unknown() -> None:
    assert PageNumber().totals(Body(b'{"data":[]}'), 10) == Totals()


def test_a_total_of_records_is_optional() -> None:
    assert PageNumber(total_records_path="").totals(Body(b'{"metadata":{"total_pages":2}}'), 10) == Totals(pages=2)


@pytest.mark.parametrize(("first", "pages", "last"), [(1, 10, 10), (0, 10, 9), (1, 1, 1), (1, 0, 1), (0, 0, 0)])
def test_the_last_page_follows_from_the_totals_and_an_empty_source_has_one(first: int, pages: int, last: int) -> None:
    assert last_page(first, pages) == last


def test_the_last_page_is_unknown_without_totals() -> None:
    assert last_page(1, None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_page": 2},
        {"first_page": -1},
        {"kind": "none"},
        {"typo": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PageNumber.model_validate(wrong)


def test_a_paginator_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PageNumber().page_param = "other"  # type: ignore[misc]  # this is what must fail
