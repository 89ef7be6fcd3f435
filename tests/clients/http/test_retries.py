"""Retries: the waits, the server's own wishes, and what ends them. No clock runs here but ours."""

import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from seawall.clients.errors import (
    AttemptError,
    CertificateError,
    MalformedPageError,
    RetryAfterTooLongError,
    SourceDownError,
)
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.retries import Backoff, attempt_error
from seawall.clients.limits import BACKOFF_BASE, BACKOFF_CAP, RETRY_AFTER_FLOOR, THROTTLED_ATTEMPTS
from seawall.clients.pace.door import GAP_CAP

Failure = httpx.TransportError | httpx.DecodingError


class Attempts:
    """Runs a Backoff whose attempts raise these errors in turn, and writes down how long it waits."""

    def __init__(
        self,
        *errors: Exception,
        max_attempts: int = 12,
        max_retry_after: float = 300,
        give_up_after: int = 50,
        uniform: Callable[[float, float], float] = lambda low, high: high,
    ) -> None:
        self.waits: list[float] = []
        self.made = 0
        self._errors = errors
        self._pacing = Pacing(give_up_after=give_up_after, clock=lambda: sum(self.waits), sleep=self._sleep)
        self.backoff = Backoff(
            self._pacing, max_attempts=max_attempts, max_retry_after=max_retry_after, uniform=uniform
        )

    def _sleep(self, seconds: float) -> bool:
        self.waits += [seconds] if seconds else []
        return False

    def run(self) -> "Attempts":
        return self.backoff.run(self._attempt)

    def _attempt(self) -> "Attempts":
        with self._pacing.slot(again=self.made > 0):
            self.made += 1
            if self.made <= len(self._errors):
                raise self._errors[self.made - 1]
        return self


def failure(cause: str = "500", **more: Any) -> AttemptError:
    return AttemptError("no luck", cause=cause, **more)


# The wait


def test_each_backoff_is_drawn_from_zero_to_a_doubling_bound() -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return 0.125

    attempts = Attempts(*[failure()] * 11, uniform=uniform)
    assert attempts.run().waits == [0.125] * 11
    assert {low for low, _ in drawn} == {0}
    assert [high for _, high in drawn] == [min(BACKOFF_CAP, BACKOFF_BASE * 2**i) for i in range(11)]
    assert drawn[-1][1] == BACKOFF_CAP


def test_throttling_without_a_time_is_waited_for_at_the_gate() -> None:
    throttled = Attempts(*[failure("429", throttling=True)] * 6)
    assert throttled.run().made == 7
    assert 0 < sum(throttled.waits) < 5


def test_the_servers_wish_takes_the_place_of_the_backoff() -> None:
    assert Attempts(failure("429", throttling=True, retry_after=17.5)).run().waits == [17.5]


def test_retry_after_zero_still_waits_a_floor() -> None:
    assert Attempts(failure("429", throttling=True, retry_after=0.0)).run().waits == [RETRY_AFTER_FLOOR]


def test_a_wish_over_the_cap_ends_the_run_naming_both_numbers() -> None:
    attempts = Attempts(failure("429", throttling=True, retry_after=301.0))
    with pytest.raises(RetryAfterTooLongError, match="asks for 301 s, cap is 300 s"):
        attempts.run()
    assert (attempts.made, attempts.waits) == (1, [])


def test_a_source_that_throttles_for_ever_is_asked_ever_less_often() -> None:
    attempts = Attempts(*[failure("429", throttling=True)] * (THROTTLED_ATTEMPTS + 5))
    with pytest.raises(AttemptError):
        attempts.run()
    assert attempts.made == THROTTLED_ATTEMPTS
    assert attempts.waits[-1] == pytest.approx(GAP_CAP)


def test_throttling_uses_up_no_attempts() -> None:
    throttled = [failure("429", throttling=True)] * 20
    assert Attempts(failure(), *throttled, failure(), max_attempts=3).run().made == 23


def test_a_wish_of_exactly_the_cap_is_obeyed() -> None:
    assert Attempts(failure("503", throttling=True, retry_after=300.0)).run().waits == [300]


# The end


def test_a_success_ends_the_attempts() -> None:
    attempts = Attempts(failure("500"), failure("reset")).run()
    assert attempts.made == 3
    assert attempts.backoff.causes == ["500", "reset"]


def test_the_last_failure_is_raised_once_the_attempts_are_used_up() -> None:
    errors = [failure(str(number)) for number in range(4)]
    attempts = Attempts(*errors, max_attempts=4)
    with pytest.raises(AttemptError) as caught:
        attempts.run()
    assert caught.value is errors[-1]
    assert (attempts.made, len(attempts.waits)) == (4, 3)


def test_an_error_that_no_attempt_can_heal_is_raised_at_once() -> None:
    attempts = Attempts(KeyError("a bug"))
    with pytest.raises(KeyError):
        attempts.run()
    assert (attempts.made, attempts.waits) == (1, [])


def test_a_malformed_page_is_asked_three_times_whatever_else_fails_between() -> None:
    bad = MalformedPageError("no page")
    attempts = Attempts(bad, failure(), bad, failure("reset"), bad)
    with pytest.raises(MalformedPageError):
        attempts.run()
    assert attempts.made == 5


def test_too_many_failures_in_a_row_mean_that_the_api_is_down() -> None:
    attempts = Attempts(*[failure()] * 9, give_up_after=4)
    with pytest.raises(SourceDownError, match="4 attempts in a row failed, none succeeded; the last: no luck"):
        attempts.run()
    assert attempts.made == 4


def test_throttling_never_means_that_the_api_is_down() -> None:
    assert Attempts(*[failure("429", throttling=True)] * 9, give_up_after=2).run().made == 10


def test_a_503_that_names_a_time_again_and_again_means_that_the_api_is_down() -> None:
    attempts = Attempts(*[failure("503", throttling=True, retry_after=1.0)] * 9, give_up_after=4)
    with pytest.raises(SourceDownError):
        attempts.run()
    assert attempts.made == 4


# What a failure of the transport means


def raised(error: Failure, cause: BaseException | None = None) -> Failure:
    error.request = httpx.Request("GET", "https://api.example.com/items?key=hidden")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (httpx.ReadTimeout(""), "timeout"),
        (httpx.ConnectTimeout(""), "connect"),
        (httpx.PoolTimeout(""), "timeout"),
        (httpx.ConnectError("refused"), "connect"),
        (httpx.ReadError("reset"), "reset"),
        (httpx.WriteError("broken pipe"), "reset"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "reset"),
        (httpx.RemoteProtocolError("incomplete chunked read"), "truncated"),
        (httpx.RemoteProtocolError("peer closed connection without sending complete message body"), "truncated"),
        (httpx.DecodingError("incorrect header check"), "truncated"),
    ],
)
def test_transport_failures_are_retried_under_a_label(error: Failure, label: str) -> None:
    outcome = attempt_error(raised(error))
    assert isinstance(outcome, AttemptError)
    assert (outcome.cause, outcome.max_attempts, outcome.throttling) == (label, None, False)


def test_a_bad_certificate_is_final_however_deep_it_lies() -> None:
    deep = OSError("tls")
    deep.__context__ = ssl.SSLCertVerificationError("self-signed certificate")
    outcome = attempt_error(raised(httpx.ConnectError("tls"), deep))
    assert isinstance(outcome, CertificateError)
    assert "api.example.com" in str(outcome)
    assert "hidden" not in str(outcome)
