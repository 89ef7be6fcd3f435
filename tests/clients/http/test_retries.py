"""Retries: the waits, the server's own wishes, and what ends them. No clock runs here but ours."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import (
    AttemptError,
    CertificateError,
    MalformedPageError,
    RetryAfterTooLongError,
    SourceDownError,
)
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.retries import Backoff, attempt_error, retry_after, wished_wait
from seawall.clients.limits import BACKOFF_BASE, BACKOFF_CAP, RETRY_AFTER_FLOOR, THROTTLE_BASE, THROTTLED_ATTEMPTS

Failure = httpx.TransportError | httpx.DecodingError

NOW = datetime(1994, 11, 6, 8, 48, 37, tzinfo=UTC)


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
        self.pauses: list[float] = []
        self.made = 0
        self._errors = errors
        pacing = Pacing(give_up_after=give_up_after, clock=lambda: 0.0, sleep=self._sleep)
        pacing.pause = self._pause  # type: ignore[method-assign]  # nobody else is there to be paused
        self.backoff = Backoff(pacing, max_attempts=max_attempts, max_retry_after=max_retry_after, uniform=uniform)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def _sleep(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False

    def run(self) -> "Attempts":
        return self.backoff.run(self._attempt)

    def _attempt(self) -> "Attempts":
        self.made += 1
        if self.made <= len(self._errors):
            raise self._errors[self.made - 1]
        return self


def failure(cause: str = "500", **more: Any) -> AttemptError:
    return AttemptError("no luck", cause=cause, **more)


# The header


@pytest.mark.parametrize(
    "date",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
    ids=["IMF-fixdate", "RFC 850", "asctime"],
)
def test_all_three_forms_of_an_http_date_are_read(date: str) -> None:
    assert retry_after(date, NOW) == 60


def test_seconds_are_read_as_they_stand() -> None:
    assert [retry_after(text) for text in ("0", "7", " 120 ")] == [0, 7, 120]


@pytest.mark.parametrize(
    "value",
    [None, "", "-5", "+5", "5.5", "1e3", "0x10", "soon", "١٢", "５", "²", "5, 6", "nan", "inf",
     "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994", "Sun, 06 Nov 99999 08:49:37 GMT",
     "Sun, 06 Nov 1994 08:49:37 +9999999"],
)  # fmt: skip
def test_what_does_not_parse_counts_as_absent(value: str | None) -> None:
    assert retry_after(value, NOW) is None


@pytest.mark.parametrize("later", [0, 1, 86_400 * 400])
def test_a_date_that_has_passed_counts_as_absent(later: int) -> None:
    now = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC) + timedelta(seconds=later)
    assert retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now) is None


def test_a_two_digit_year_more_than_fifty_years_ahead_means_the_past() -> None:
    assert retry_after("Friday, 06-Nov-65 08:49:37 GMT", datetime(2010, 1, 1, tzinfo=UTC)) is None
    assert retry_after("Friday, 06-Nov-55 08:49:37 GMT", datetime(2010, 1, 1, tzinfo=UTC)) is not None


@given(st.text(max_size=60))
def test_no_header_can_break_the_parser_or_ask_for_negative_time(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds < float("inf")


@given(
    st.from_regex(
        r"\A(Sun|[A-Z][a-z]{2,8}),? [0-9]{1,3}[ -][A-Z][a-z]{2}[ -][0-9]{1,6} [0-9:]{1,9} ([A-Z]{1,4}|[+-][0-9]{1,9})\Z"
    )
)
def test_nothing_shaped_like_a_date_can_break_the_parser(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or 0 < seconds < float("inf")


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


def test_throttling_has_a_base_of_its_own_and_pauses_everybody() -> None:
    attempts = Attempts(failure("429", throttling=True), failure("429", throttling=True)).run()
    assert attempts.waits == attempts.pauses == [THROTTLE_BASE, 2 * THROTTLE_BASE]


def test_an_ordinary_failure_pauses_nobody_else() -> None:
    attempts = Attempts(failure(), failure("reset")).run()
    assert attempts.pauses == []
    assert len(attempts.waits) == 2


def test_the_servers_wish_takes_the_place_of_the_backoff() -> None:
    assert Attempts(failure("429", throttling=True, retry_after=17.5)).run().waits == [17.5]


def test_retry_after_zero_still_waits_a_floor() -> None:
    assert Attempts(failure("429", throttling=True, retry_after=0.0)).run().waits == [RETRY_AFTER_FLOOR]


def test_a_wish_over_the_cap_ends_the_run_naming_both_numbers() -> None:
    attempts = Attempts(failure("429", throttling=True, retry_after=301.0))
    with pytest.raises(RetryAfterTooLongError, match="asks for 301 s, cap is 300 s"):
        attempts.run()
    assert (attempts.made, attempts.waits) == (1, [])


def test_throttling_at_the_last_attempt_still_pauses_the_others() -> None:
    attempts = Attempts(*[failure("429", throttling=True, retry_after=7.0)] * (THROTTLED_ATTEMPTS + 5))
    with pytest.raises(AttemptError):
        attempts.run()
    assert (attempts.made, len(attempts.pauses), len(attempts.waits)) == (
        THROTTLED_ATTEMPTS, THROTTLED_ATTEMPTS, THROTTLED_ATTEMPTS - 1
    )  # fmt: skip


def test_throttling_uses_up_no_attempts() -> None:
    throttled = [failure("429", throttling=True)] * 20
    assert Attempts(failure(), *throttled, failure(), max_attempts=3).run().made == 23


def test_leading_zeros_do_not_shorten_a_wish() -> None:
    assert retry_after("0" * 20 + "5") == 5.0


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


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def in_http(date: datetime) -> str:
    return format_datetime(date, usegmt=True)


@pytest.mark.parametrize("off", [-DAY / 2, -HOUR, timedelta(), HOUR, DAY / 2])
def test_a_date_to_wait_for_goes_by_the_clock_of_the_server(off: timedelta) -> None:
    theirs = datetime.now(UTC) + off
    headers = {"Date": in_http(theirs), "Retry-After": in_http(theirs + timedelta(seconds=60))}
    assert wished_wait(headers) == 60


@pytest.mark.parametrize(
    "date",
    ["", "yesterday", "0", "Fri, 01 Jan 2100 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", f"{in_http(NOW)}, x"],
)
def test_an_absurd_date_counts_as_absent(date: str) -> None:
    wish = wished_wait({"Date": date, "Retry-After": in_http(datetime.now(UTC) + timedelta(seconds=60))})
    assert wish is not None
    assert 50 < wish <= 60


def test_seconds_are_seconds_whatever_the_clock_of_the_server() -> None:
    assert wished_wait({"Date": in_http(datetime.now(UTC) + HOUR), "Retry-After": "7"}) == 7
