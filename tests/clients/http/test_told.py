"""What headers tell of time: waits, dates, quotas."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.http.told import quotas, retry_after, until_reset, wished_wait
from seawall.clients.pace.quota import Told

NOW = datetime(1994, 11, 6, 8, 48, 37, tzinfo=UTC)


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


def test_leading_zeros_do_not_shorten_a_wish() -> None:
    assert retry_after("0" * 20 + "5") == 5.0


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


@pytest.mark.parametrize(
    ("headers", "remaining", "seconds"),
    [
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "30"}, 5, 30),
        ({"RateLimit-Remaining": "5", "RateLimit-Reset": "30"}, 5, 30),
        ({"x-rate-limit-remaining": "5", "x-rate-limit-reset": "30"}, 5, 30),
        ({"X-Ratelimit-Remaining-Requests": "5", "X-Ratelimit-Reset-Requests": "30.5"}, 5, 30.5),
        ({"X-Shop-RateLimit-Remaining": "5", "X-Shop-RateLimit-Reset": "30"}, 5, 30),
        ({"RateLimit": '"default";r=50;t=30'}, 50, 30),
        ({"RateLimit": "limit=100, remaining=50, reset=30"}, 50, 30),
    ],
)
def test_a_quota_is_read_in_every_spelling(headers: dict[str, str], remaining: float, seconds: float) -> None:
    assert list(quotas(headers).values()) == [Told(remaining, seconds)]


@pytest.mark.parametrize("scale", [1, 1000], ids=["seconds", "milliseconds"])
def test_a_time_since_1970_goes_by_the_clock_of_the_server(scale: int) -> None:
    theirs = datetime.now(UTC).replace(microsecond=0) + HOUR
    reset = f"{(theirs.timestamp() + 20) * scale:.0f}"
    headers = {"Date": in_http(theirs), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    assert until_reset(headers) == 20


def test_a_time_may_be_a_date() -> None:
    theirs = datetime.now(UTC).replace(microsecond=0)
    reset = (theirs + timedelta(seconds=20)).isoformat()
    assert until_reset({"Date": in_http(theirs), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}) == 20


def test_each_of_several_quotas_is_read() -> None:
    told = quotas({"RateLimit": '"burst";r=0;t=1, "daily";r=900;t=4000'})
    assert told == {'"burst"': Told(0, 1), '"daily"': Told(900, 4000)}
    assert until_reset({"RateLimit": '"burst";r=0;t=1, "daily";r=900;t=4000'}) == 1


@pytest.mark.parametrize(
    "headers",
    [{"X-RateLimit-Remaining": "0"}, {"X-RateLimit-Reset": "30"}, {"RateLimit": "r=5"}, {"RateLimit": "tomorrow"},
     {"X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "30"},
     {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1s"},
     {"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "9"}],
)  # fmt: skip
def test_half_a_quota_is_none(headers: dict[str, str]) -> None:
    assert quotas(headers) == {}
    assert until_reset(headers) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_quota_can_break_the_parser_or_ask_for_negative_time(remaining: str, reset: str) -> None:
    for told in quotas({"X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "RateLimit": reset}).values():
        assert told.remaining >= 0
        assert 0 <= told.reset < float("inf")
