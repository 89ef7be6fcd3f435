"""Walks of a client over the pages of a scripted server, and what came of each page."""

from collections.abc import Sequence
from typing import Any

from seawall.clients.api import ApiClient
from seawall.clients.errors import SourceError
from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.source import ApiSource
from seawall.tests.wireserver import Route, WireServer

Outcome = Page | Gap | End


def client_of(server: WireServer, *, max_in_flight: int = 8, **changes: Any) -> ApiClient:
    """A client of the server's `/items`, with six attempts for a page; `changes` are fields of the source."""
    source = ApiSource(**{"name": "items", "url": f"{server.url}/items", "max_attempts": 6} | changes)
    return ApiClient(source, max_in_flight=max_in_flight)


def walk(route: Route, last: int, **changes: Any) -> tuple[list[Outcome], WireServer]:
    """Pages 1 to `last`, after the first page has told the totals."""
    with WireServer(route) as server, client_of(server, **changes) as client:
        client.first_page(1)
        return list(client.pages(1, last)), server


def first_page_of(route: Route, **changes: Any) -> tuple[Page | SourceError, WireServer]:
    """The first page, or the error that came in its place."""
    with WireServer(route) as server, client_of(server, **changes) as client:
        try:
            return client.first_page(1), server
        except SourceError as error:
            return error, server


def shape(outcomes: Sequence[Outcome]) -> str:
    """A letter for each outcome: `p` for a page, `g` for a gap, `e` for the end."""
    return "".join({Page: "p", Gap: "g", End: "e"}[type(outcome)] for outcome in outcomes)


def page_of(outcomes: Sequence[Outcome], number: int) -> Page:
    """The page with this number."""
    (page,) = (outcome for outcome in outcomes if outcome.number == number)
    assert isinstance(page, Page), page
    return page


def gap_of(outcomes: Sequence[Outcome], number: int) -> Gap:
    """The gap in place of the page with this number."""
    (gap,) = (outcome for outcome in outcomes if outcome.number == number)
    assert isinstance(gap, Gap), gap
    return gap
