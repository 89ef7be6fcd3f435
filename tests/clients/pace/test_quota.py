"""A quota that headers tell: spread while it is short, and believed only where it was seen to shrink."""

import pytest

from seawall.clients.pace.quota import Quota, Told
from seawall.clients.pace.tickets import Ticket


def ticket(nth: int, started: float) -> Ticket:
    return Ticket(nth, started, 1, is_bound=False)


def told(quota: Quota, nth: int, now: float, remaining: float, reset: float) -> None:
    quota.tell(Told(remaining, reset), ticket(nth, now), now, started_since=0)


def test_a_quota_that_is_used_up_is_waited_for() -> None:
    quota = Quota()
    told(quota, 1, 0.0, 2, 10)
    told(quota, 2, 1.0, 1, 9)
    quota.started()
    assert quota.delay(2.0) == pytest.approx(8)
    assert quota.delay(10.0) == 0


def test_what_is_left_is_spread_over_the_time_that_is_left() -> None:
    quota = Quota()
    told(quota, 1, 0.0, 101, 10)
    told(quota, 2, 0.0, 100, 10)
    assert quota.rate(0.0) == pytest.approx(11)
    assert Quota().rate(0.0) is None


def test_headers_that_never_change_are_not_believed() -> None:
    quota = Quota()
    for nth in range(10):
        told(quota, nth, float(nth), 0, 60)
    assert quota.delay(10.0) == 0
    assert quota.rate(10.0) is None


def test_an_answer_from_before_the_quota_began_anew_tells_nothing() -> None:
    quota = Quota()
    told(quota, 1, 0.0, 2, 1)
    told(quota, 2, 0.1, 1, 1)
    late = ticket(3, 0.5)
    assert quota.delay(1.2) == 0
    quota.tell(Told(0, 1), late, 1.3, started_since=0)
    assert quota.delay(1.3) == 0


def test_more_left_than_before_is_a_new_quota() -> None:
    quota = Quota()
    told(quota, 1, 0.0, 2, 1)
    told(quota, 2, 0.1, 0, 1)
    assert quota.delay(0.2) > 0
    told(quota, 3, 0.3, 29, 1)
    assert quota.delay(0.3) == 0


def test_a_quota_for_hours_is_spent_as_fast_as_the_source_takes_it() -> None:
    quota = Quota()
    told(quota, 1, 0.0, 5000, 3600)
    told(quota, 2, 0.0, 4999, 3600)
    assert quota.rate(0.0) is None
    assert quota.delay(0.0) == 0
