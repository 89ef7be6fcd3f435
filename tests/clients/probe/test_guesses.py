"""What one answer suggests about how its API is paged."""

from typing import Any

import httpx
import pytest

from seawall.clients.pagination.numbered import Offset, PageNumber
from seawall.clients.probe.anatomy import Anatomy
from seawall.clients.probe.guesses import guesses, with_totals

ASKED = httpx.URL("https://api.example.com/items?tenant=a")


def first(texts: dict[str, str], counts: dict[str, int] | None = None, link: str = "") -> dict[str, Any]:
    """The likeliest guess for an answer of 100 records."""
    shown = Anatomy(texts=texts, counts=counts or {})
    return next(guesses(shown, httpx.Headers({"Link": link} if link else {}), ASKED, 100)).model_dump()


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


def test_totals_are_found_by_their_usual_names_and_kept_where_they_are_right() -> None:
    shown = Anatomy(counts={"meta.totalPages": 3, "meta.total_count": 250, "page": 1})
    mended = with_totals(PageNumber(), shown)
    assert (mended.total_pages_path, mended.total_records_path) == ("meta.totalPages", "meta.total_count")
    assert with_totals(Offset(total_records_path="page"), shown).total_records_path == "page"
    assert with_totals(Offset(), Anatomy()).total_records_path == ""
