"""The gate: the strictest of its members' limits holds for all, as long as that member is there."""

import threading

import pytest

from seawall.clients.errors import AttemptError, WalkStoppedError
from seawall.clients.http.gate import Gate
from seawall.clients.http.pacing import Pacing


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> bool:
        self.now += seconds
        return False


def start(pacing: Pacing) -> None:
    with pacing.slot():
        pass


def refuse(pacing: Pacing, seconds: float) -> None:
    with pytest.raises(AttemptError), pacing.slot():
        raise AttemptError("slow down", cause="429", throttling=True, retry_after=seconds)


def test_two_members_share_one_rate_and_it_is_the_lower_one() -> None:
    clock = Clock()
    gate = Gate(clock=clock)
    slow, quick = (Pacing(gate=gate, max_rate=rate, sleep=clock.sleep) for rate in (4, 100))
    for pacing in (slow, quick, slow, quick, slow):
        start(pacing)
    assert clock.now == 1001  # the first at once, four more a quarter of a second apart


def test_a_member_that_leaves_takes_its_limits_along() -> None:
    clock = Clock()
    gate = Gate(clock=clock)
    slow, other = Pacing(gate=gate, max_rate=0.01, sleep=clock.sleep), Pacing(gate=gate, sleep=clock.sleep)
    slow.stop()
    slow.stop()
    for _ in range(50):
        start(other)
    assert clock.now == 1000


def test_a_pause_holds_for_all_members() -> None:
    clock = Clock()
    gate = Gate(clock=clock)
    told, other = (Pacing(gate=gate, sleep=clock.sleep) for _ in range(2))
    refuse(told, 30)
    start(other)
    assert clock.now == 1030


def test_who_waits_for_the_slot_of_another_member_is_let_go_by_a_stop_of_its_own() -> None:
    gate = Gate()
    holder, waiter = (Pacing(gate=gate, max_in_flight=1) for _ in range(2))
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(WalkStoppedError):
            start(waiter)
        ended.set()

    with holder.slot():
        threading.Thread(target=wait, daemon=True).start()
        assert not ended.wait(0.05)
        waiter.stop()
        assert ended.wait(5)
    start(holder)


def test_a_page_that_came_to_one_member_tells_all_that_the_api_can_be_reached() -> None:
    gate = Gate()
    first, second = (Pacing(gate=gate) for _ in range(2))
    assert not second.pages_came
    first.succeeded()
    assert second.pages_came


def test_failures_of_one_member_are_not_those_of_another() -> None:
    gate = Gate()
    failing, well = (Pacing(gate=gate, give_up_after=3) for _ in range(2))
    for _ in range(2):
        failing.failed(RuntimeError("ouch"))
        well.failed(RuntimeError("ouch"))
    well.succeeded()
    well.failed(RuntimeError("ouch"))
