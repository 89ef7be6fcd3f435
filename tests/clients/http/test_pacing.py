"""Pacing: slots, pauses, the rate and the count of failures, by a clock that only sleeping moves."""

import threading
from collections.abc import Callable

import pytest

from seawall.clients.errors import AttemptError, SourceDownError, WalkStoppedError
from seawall.clients.http.pacing import Pacing

OUCH = RuntimeError("ouch")


class Clock:
    """Time that passes while somebody sleeps; `meanwhile` happens during the first sleep."""

    def __init__(self, meanwhile: Callable[[], None] | None = None) -> None:
        self.now = 1000.0
        self.meanwhile = meanwhile

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> bool:
        self.now += seconds
        if seconds and self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return False


def refuse(pacing: Pacing, seconds: float) -> None:
    """A request that is told to slow down."""
    with pytest.raises(AttemptError), pacing.slot():
        raise AttemptError("slow down", cause="429", throttling=True, retry_after=seconds)


def start(pacing: Pacing) -> None:
    with pacing.slot():
        pass


def test_without_a_rate_or_a_pause_nobody_waits() -> None:
    clock = Clock()
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    for _ in range(100):
        start(pacing)
    assert clock.now == 1000


def test_a_pause_holds_every_request_back() -> None:
    clock = Clock()
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    refuse(pacing, 30)
    start(pacing)
    assert clock.now == 1030


class OnTheWire:
    """A request that is on the wire until it is told to slow down."""

    def __init__(self, pacing: Pacing) -> None:
        self._slot = pacing.slot()
        self._slot.__enter__()

    def refuse(self, seconds: float) -> None:
        error = AttemptError("slow down", cause="429", throttling=True, retry_after=seconds)
        assert not self._slot.__exit__(AttemptError, error, None)


def test_the_longest_pause_wins() -> None:
    clock = Clock()
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    requests = [OnTheWire(pacing) for _ in range(3)]
    for request, seconds in zip(requests, (10, 30, 20), strict=True):
        request.refuse(seconds)
    start(pacing)
    assert clock.now == 1030


def test_a_pause_that_begins_while_another_is_waited_out_is_waited_out_too() -> None:
    clock = Clock(meanwhile=lambda: another.refuse(60))
    pacing = Pacing(clock=clock, sleep=clock.sleep)
    another = OnTheWire(pacing)
    refuse(pacing, 10)
    start(pacing)
    assert clock.now == 1070


def test_a_pause_holds_back_who_already_waits_for_a_slot() -> None:
    clock = Clock()
    pacing = Pacing(max_in_flight=1, clock=clock, sleep=clock.sleep)
    started: list[float] = []

    def second() -> None:
        with pacing.slot():
            started.append(clock.now)

    waiting = threading.Thread(target=second)
    first = OnTheWire(pacing)
    waiting.start()
    first.refuse(45)
    waiting.join(10)
    assert started == [1045]


def test_a_rate_spaces_the_starts() -> None:
    clock = Clock()
    pacing = Pacing(max_rate=4, clock=clock, sleep=clock.sleep)
    for _ in range(9):
        start(pacing)
    assert clock.now == 1002  # the first at once, eight more a quarter of a second apart


def test_no_more_than_max_in_flight_hold_a_slot() -> None:
    pacing = Pacing(max_in_flight=3)
    inside, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(3)

    def work() -> None:
        nonlocal inside, most
        with pacing.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(10)  # passes only when three are inside together
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most, inside) == (3, 0)


def test_a_slot_is_given_back_when_the_work_fails() -> None:
    pacing = Pacing(max_in_flight=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), pacing.slot():
            raise OUCH


def test_failures_in_a_row_add_up_over_all_fetchers() -> None:
    pacing = Pacing(give_up_after=50)
    down: list[Exception] = []

    def fail() -> None:
        try:
            pacing.failed(OUCH)
        except SourceDownError as error:
            down.append(error)

    threads = [threading.Thread(target=fail) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [str(error) for error in down] == [
        "the API is down: 50 attempts in a row failed, none succeeded; the last: ouch"
    ]


def test_a_success_starts_the_count_anew() -> None:
    pacing = Pacing(give_up_after=3)
    for _ in range(5):
        pacing.failed(OUCH)
        pacing.failed(OUCH)
        pacing.succeeded()


def test_an_api_that_still_answers_is_asked_once_whenever_as_many_attempts_have_failed() -> None:
    asked: list[str] = []

    def answers() -> bool:
        asked.append("and it answers")
        return True

    pacing = Pacing(give_up_after=3, answers=answers)
    for _ in range(9):
        pacing.failed(OUCH)
    assert len(asked) == 3


def test_stop_ends_a_wait_that_has_begun() -> None:
    pacing = Pacing()
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(WalkStoppedError):
            pacing.sleep(3600)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    pacing.stop()
    assert ended.wait(5)


def test_after_stop_nothing_starts() -> None:
    pacing = Pacing()
    assert not pacing.stopped
    pacing.stop()
    assert pacing.stopped
    with pytest.raises(WalkStoppedError):
        start(pacing)
    with pytest.raises(WalkStoppedError):
        pacing.sleep(0)


def test_who_waits_for_a_slot_does_not_start_after_stop() -> None:
    pacing = Pacing(max_in_flight=1)
    outcome: list[str] = []

    def second() -> None:
        try:
            with pacing.slot():
                outcome.append("started")
        except WalkStoppedError:
            outcome.append("stopped")

    waiting = threading.Thread(target=second)
    with pacing.slot():
        waiting.start()
        pacing.stop()
    waiting.join(10)
    assert outcome == ["stopped"]
