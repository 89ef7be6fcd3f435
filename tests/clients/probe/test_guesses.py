"""What one answer suggests about how its API is paged."""

from typing import Any

import httpx
import pytest

from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.probe.anatomy import Anatomy
from seawall.clients.probe.guesses import Shown, guesses, with_totals
from seawall.clients.probe.names import places

ASKED = httpx.URL("https://api.example.com/items?tenant=a")


def first(texts: dict[str, str], counts: dict[str, int] | None = None, link: str = "") -> dict[str, Any]:
    """The likeliest guess for an answer of 100 records."""
    shown = Anatomy(texts=texts, counts=counts or {})
    headers = httpx.Headers({"Link": link} if link else {})
    return next(guesses(Shown(anatomy=shown, headers=headers, url=ASKED, records=100))).model_dump()


@pytest.mark.parametrize(
    ("texts", "link", "expected"),
    [
        ({"next": "/items?page=2&per_page=100"}, "", {"kind": "page_number", "page_param": "page", "first_page": 1}),
        ({"next": "/items?p=1"}, "", {"kind": "page_number", "page_param": "p", "first_page": 0}),
        ({"next": "?skip=100&top=100"}, "", {"kind": "offset", "offset_param": "skip", "limit_param": "top"}),
        ({"links.next": "https://x.example.com/?after=abc"}, "", {"kind": "next_url", "next_path": "links.next"}),
        (
            {"meta.next_cursor": "abc"},
            "",
            {"kind": "cursor", "next_path": "meta.next_cursor", "cursor_param": "cursor"},
        ),
        ({"nextPageToken": "abc"}, "", {"kind": "cursor", "next_path": "nextPageToken"}),
        ({}, "</items?page=2>; rel=next", {"kind": "page_number", "page_param": "page"}),
        ({}, "</items?after=x>; rel=next", {"kind": "link_header"}),
        ({}, "not a link", {"kind": "page_number"}),
        ({"text": "https://example.com/?page=2"}, "", {"kind": "page_number", "page_param": "page"}),
    ],
)
def test_links_and_cursors_tell_the_kind(texts: dict[str, str], link: str, expected: dict[str, Any]) -> None:
    guess = first(texts, link=link)
    assert {name: guess[name] for name in expected} == expected


def every(body: Any = None, keys: tuple[str, ...] = ("id",), **shown: Any) -> list[Any]:
    """All guesses for an answer of 100 records."""
    headers = httpx.Headers()
    return list(guesses(Shown(anatomy=Anatomy(**shown), headers=headers, url=ASKED, records=100, keys=keys, body=body)))


def test_a_key_is_walked_by_only_where_a_flag_says_that_there_is_more() -> None:
    assert not any(guess.kind == "keyset" for guess in every(flags={"has_more": False, "last": True}))
    walks = [guess for guess in every(flags={"page.isLast": False}) if guess.kind == "keyset"]
    assert {(guess.more_path, guess.record_path) for guess in walks} == {("!page.isLast", "id")}
    assert [guess.cursor_param for guess in walks] == ["starting_after", "after", "after_id", "since_id", "last_id"]


def test_parameters_that_an_answer_repeats_come_before_the_usual_ones() -> None:
    scim, spring = every(counts={"startIndex": 1})[0], every(counts={"page": 0})[0]
    assert (scim.offset_param, scim.first_offset) == ("startIndex", 1)
    assert (spring.page_param, spring.first_page) == ("page", 0)


def test_what_stands_in_the_body_of_a_request_already_is_guessed_first() -> None:
    body = {"query": "…", "variables": {"first": 10, "cursor": None}}
    told = [guess for guess in every(body, texts={"data.pageInfo.endCursor": "abc"}) if guess.kind == "cursor"]
    assert [guess.cursor_param for guess in told][:2] == ["/variables/cursor", "/variables/endCursor"]
    assert "/variables/after" in [guess.cursor_param for guess in told]
    assert places(("limit", "size"), {"size": 5}) == ("/size", "/limit", "limit", "size")


def test_a_total_in_a_header_counts_where_the_body_has_none() -> None:
    counts = {"header:X-WP-Total": 250, "header:X-WP-TotalPages": 3}
    mended = with_totals(PageNumber(), Anatomy(counts=counts))
    assert (mended.total_records_path, mended.total_pages_path) == ("header:X-WP-Total", "header:X-WP-TotalPages")
    assert with_totals(PageNumber(), Anatomy(counts=counts | {"total": 250})).total_records_path == "total"


def test_totals_are_found_by_their_usual_names_and_kept_where_they_are_right() -> None:
    shown = Anatomy(counts={"meta.totalPages": 3, "meta.total_count": 250, "page": 1})
    mended = with_totals(PageNumber(), shown)
    assert (mended.total_pages_path, mended.total_records_path) == ("meta.totalPages", "meta.total_count")
    assert with_totals(Offset(total_records_path="page"), shown).total_records_path == "page"
    assert with_totals(Offset(), Anatomy()).total_records_path == ""


def test_names_with_the_sign_that_links_have_are_asked_first_for_the_size_of_a_page() -> None:
    asked = Shown(
        anatomy=Anatomy(texts={"next_url": "/items?_next=4711"}), headers=httpx.Headers(), url=ASKED, records=100
    )
    assert asked.size_params()[:2] == ("_size", "limit")
