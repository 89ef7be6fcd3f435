"""An outage behind a cached first page: what it costs, and what is none. No time passes here but on paper."""

import random
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any

import httpx
import pytest

from seawall.clients.api import ApiClient
from seawall.clients.errors import SourceDownError
from seawall.clients.limits import MAX_GAPS_IN_A_ROW, READ_AHEAD
from seawall.clients.pages.page import Gap, Page, Totals
from seawall.clients.pages.records import Records
from seawall.clients.source import ApiSource
from seawall.clients.walks.outage import Outage
from seawall.testing.stand_ins import VirtualTime
from seawall.tests.walks import Outcome, shape
from seawall.tests.wireserver import page

ATTEMPTS, IN_FLIGHT = 12, 8
WINDOW = IN_FLIGHT * READ_AHEAD

Comes = Callable[[int], bool]  # whether a page comes when it is asked for


class Source(httpx.BaseTransport):
    """A source of so many pages, of which those come that `comes` lets."""

    def __init__(self, pages: int, comes: Comes) -> None:
        self._pages, self._comes, self._lock = pages, comes, Lock()
        self.asked: Counter[int] = Counter()
        self.time = VirtualTime()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        with self._lock:
            self.asked[number] += 1
            comes = self._comes(number)
        body = page(number, self._pages) if comes else b"{}"
        return httpx.Response(200 if comes else 500, stream=httpx.ByteStream(body))


def form(**changes: Any) -> ApiSource:
    return ApiSource(**{"name": "items", "url": "http://127.0.0.1:9/items", "max_attempts": ATTEMPTS} | changes)


def walked(
    source: Source, pages: int, *, in_flight: int = IN_FLIGHT, max_failed_pages: int = 0, **changes: Any
) -> tuple[list[Outcome], SourceDownError | None]:
    """What came of each page, and the error that ended the walk; time passes in no thread, and for all together."""
    outcomes: list[Outcome] = []
    client = ApiClient(
        form(**changes),
        max_in_flight=in_flight,
        max_failed_pages=max_failed_pages,
        transport=source,
        sleep=source.time.sleep,
    )
    with client:
        client.first_page()
        try:
            outcomes.extend(client.pages(1, pages))
        except SourceDownError as error:
            return outcomes, error
    return outcomes, None


@pytest.mark.parametrize("pages", [200, 100_000])
def test_a_source_that_is_down_behind_a_cached_first_page_costs_a_window_whatever_its_length(pages: int) -> None:
    source = Source(pages, lambda number: number == 1)
    outcomes, error = walked(source, pages)
    assert shape(outcomes) == "p" + "g" * MAX_GAPS_IN_A_ROW
    assert str(error).startswith("the API is down: 21 pages failed for good, and too few came in between")
    assert "resume the run once the source is well" in str(error)
    assert "answers 500 for page" in str(error)
    assert source.asked.total() <= 2 * WINDOW * ATTEMPTS
    assert source.time.clock() <= 2 * WINDOW * 180, "of which 32 pass at once"


def test_a_source_that_goes_down_in_mid_run_is_found_out_however_many_pages_came_before() -> None:
    outcomes, error = walked(Source(1_000, lambda number: number <= 500), 1_000)
    assert shape(outcomes) == "p" * 500 + "g" * MAX_GAPS_IN_A_ROW
    assert error is not None


@pytest.mark.parametrize("in_flight", [1, 8, 64])
def test_a_fifth_of_all_pages_failing_here_and_there_are_gaps_however_many_are_in_flight(in_flight: int) -> None:
    broken = {number for number in range(2, 601) if random.Random(number).random() < 0.2}
    outcomes, error = walked(Source(600, lambda number: number not in broken), 600, in_flight=in_flight, max_attempts=2)
    assert error is None
    assert shape(outcomes) == "".join("g" if number in broken else "p" for number in range(1, 601))


@pytest.mark.parametrize("broken", [range(2, 7), range(96, 101), range(10, 100, 3), range(40, 40 + MAX_GAPS_IN_A_ROW)])
def test_broken_pages_among_good_ones_are_gaps(broken: range) -> None:
    outcomes, error = walked(Source(100, lambda number: number not in broken), 100, max_attempts=2)
    assert error is None
    assert shape(outcomes) == "".join("g" if number in broken else "p" for number in range(1, 101))


def test_more_may_fail_where_a_run_is_published_without_them() -> None:
    source = Source(100, lambda number: number < 50)
    outcomes, error = walked(source, 100, max_failed_pages=51 - MAX_GAPS_IN_A_ROW)
    assert (shape(outcomes), error) == ("p" * 49 + "g" * 51, None)
    assert walked(source, 100, max_failed_pages=50 - MAX_GAPS_IN_A_ROW)[1] is not None


@pytest.mark.parametrize(("give_up_after", "end"), [(50, "g"), (100_000, "p" * 100)])
def test_an_outage_of_an_hour_is_survived_where_give_up_after_lets_so_many_attempts_fail(
    give_up_after: int, end: str
) -> None:
    source = Source(200, lambda number: number == 1 or source.time.clock() > 3_600)
    outcomes, error = walked(source, 200, in_flight=1, give_up_after=give_up_after)
    assert (error is None) == (give_up_after > 50)
    assert shape(outcomes).startswith("p" + "g" * MAX_GAPS_IN_A_ROW)
    assert shape(outcomes).endswith(end)


def gap(number: int, *, missing: bool = False) -> Gap:
    return Gap(number=number, error=f"page {number} failed", missing=missing)


def good(number: int) -> Page:
    return Page(number=number, records=Records([b"{}"]), totals=Totals(), body_bytes=2, read_at=0.0)


def test_where_most_pages_fail_the_source_is_down_though_some_come() -> None:
    outage = Outage(form(), max_failed_pages=0)
    outcomes = [gap(number) if number % 3 else good(number) for number in range(2, 100)]
    with pytest.raises(SourceDownError):
        list(map(outage.add, outcomes))


def test_the_same_page_counts_once_and_the_first_one_makes_up_for_none() -> None:
    outage = Outage(form(), max_failed_pages=0)
    for number in range(2, 2 + MAX_GAPS_IN_A_ROW):
        for each in (gap(number), gap(number), good(1)):
            outage.add(each)
    with pytest.raises(SourceDownError):
        outage.add(gap(99))


def test_pages_that_are_not_there_say_nothing() -> None:
    outage = Outage(form(), max_failed_pages=0)
    for number in range(2, 1_000):
        outage.add(gap(number, missing=True))
    for number in range(2, 2 + MAX_GAPS_IN_A_ROW):
        outage.add(gap(number))
    with pytest.raises(SourceDownError):
        outage.add(gap(99))
