"""Reading ahead: what goes on behind a page that backs off, and where it stops."""

import threading
from concurrent.futures import Future

import pytest

from seawall.clients.pages.page import End, Gap, Page, Totals
from seawall.clients.pages.records import Records
from seawall.clients.walks.readahead import Ahead, Outcome, ReadAhead
from seawall.tests.walks import client_of
from seawall.tests.wireserver import Answer, Request, WireServer, after, as_json

IN_FLIGHT = 2
WINDOW = 4 * IN_FLIGHT


def page(number: int, records: int = 1) -> Page:
    return Page(number=number, records=Records([b"{}"] * records), totals=Totals(), body_bytes=1_000, read_at=0.0)


def ahead_of(*, affords: int, sharing: int = 1, monkeypatch: pytest.MonkeyPatch) -> Ahead:
    """What may be asked for with two requests in flight, and memory for so many pages."""
    read_ahead = ReadAhead(lambda: IN_FLIGHT)
    read_ahead.came(page(1))
    monkeypatch.setattr("seawall.clients.walks.readahead.READ_AHEAD_BYTES", affords * read_ahead._largest)
    return Ahead(read_ahead, sharing=sharing)


def asked(ahead: Ahead, count: int) -> list[Future[Outcome]]:
    futures: list[Future[Outcome]] = [Future() for _ in range(count)]
    for future in futures:
        assert ahead.has_room()
        ahead.ask(future)
    return futures


def test_no_more_than_a_window_is_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = ahead_of(affords=1000, monkeypatch=monkeypatch)
    asked(ahead, WINDOW)
    assert not ahead.has_room()


def test_pages_behind_one_that_backs_off_go_on_until_memory_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = ahead_of(affords=50, monkeypatch=monkeypatch)
    _, *behind = asked(ahead, WINDOW)
    count = WINDOW
    for number, future in enumerate(behind, 2):
        future.set_result(page(number))
    while ahead.has_room():
        (future,) = asked(ahead, 1)
        count += 1
        future.set_result(page(count))
    assert count == 50


def test_once_the_first_has_come_no_more_than_a_window_is_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = ahead_of(affords=50, monkeypatch=monkeypatch)
    for number, future in enumerate(asked(ahead, WINDOW), 1):
        future.set_result(page(number))
    assert not ahead.has_room()
    ahead.take()
    assert ahead.has_room()


@pytest.mark.parametrize(
    "outcome",
    [page(3, records=0), Gap(number=3, error="500", retries=()), End(number=3, totals=Totals(), read_at=0.0)],
    ids=["empty", "a gap", "the end"],
)
def test_nothing_goes_on_beyond_what_may_be_the_end(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = ahead_of(affords=50, monkeypatch=monkeypatch)
    first, *behind = asked(ahead, WINDOW)
    for number, future in enumerate(behind, 2):
        future.set_result(outcome if number == 3 else page(number))
    assert not ahead.has_room()
    first.set_result(page(1))
    assert [ahead.take().number for _ in range(WINDOW)] == list(range(1, WINDOW + 1))
    assert ahead.has_room()


def test_walks_share_window_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = ahead_of(affords=50, sharing=4, monkeypatch=monkeypatch)
    asked(ahead, WINDOW // 4)
    assert not ahead.has_room()


def test_a_page_that_hangs_holds_up_no_other_and_all_come_in_order() -> None:
    hold, others = threading.Event(), threading.Semaphore(0)

    def route(request: Request) -> Answer:
        answer = as_json({"metadata": {"total_pages": 100}, "data": [{"id": request.page}]})
        if request.page == 2:
            return after(hold, answer)
        others.release()
        return answer

    with WireServer(route) as server, client_of(server, max_in_flight=2) as client:
        walked: list[int] = []
        walk = threading.Thread(target=lambda: walked.extend(each.number for each in client.pages(1, 100)))
        walk.start()
        for _ in range(99):
            assert others.acquire(timeout=20), "all other pages are asked for while page 2 hangs"
        hold.set()
        walk.join(20)
    assert walked == list(range(1, 101))
