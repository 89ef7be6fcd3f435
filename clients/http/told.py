"""What the headers of an answer tell of time: how long to wait, and what is left of a quota until when."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from seawall.clients.limits import MAX_CLOCK_SKEW
from seawall.clients.pace.quota import Told

_PAIRS: Final = re.compile(r"((?:x-)?(?:[a-z0-9]+-)?rate-?limit-)(remaining|reset)(-requests)?", re.IGNORECASE)
_POLICY: Final = re.compile(r'\s*("[^"]*")?\s*(.*)', re.DOTALL)  # a name, and what is said of it
_REMAINING: Final = re.compile(r"\b(?:r|remaining)=(\d{1,12})\b", re.IGNORECASE)
_RESET: Final = re.compile(r"\b(?:t|reset)=(\d{1,12})\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,14}(\.[0-9]{1,9})?")
_EPOCHS: Final = 10**9  # seconds; a larger number is a time, no duration

_HTTP_DATE: Final = re.compile(r"[A-Z][a-z]{2,8},? [ -~]{10,30}")


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for: delay-seconds or one of the three HTTP-date forms.

    A value that does not parse, is negative or lies in the past counts as absent (RFC 9110 §10.2.3, §5.6.7).
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text.lstrip("0")[:12] or 0)
    now = now or datetime.now(UTC)
    date = _http_date(text, now)
    seconds = (date - now).total_seconds() if date else 0.0
    return seconds if seconds > 0 else None


def wished_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks us to wait, a date by the clock of the server: that of its Date header.

    A Date that does not parse, or is more than MAX_CLOCK_SKEW away from our time, counts as absent.
    """
    return retry_after(headers.get("Retry-After"), _time_of(headers))


def quotas(headers: Mapping[str, str]) -> dict[str, Told]:
    """What is left of each quota that an answer tells, by name, and seconds until it begins anew.

    Pairs of `X-RateLimit-Remaining` and `-Reset` in whatever spelling, and the `RateLimit` field of
    draft-ietf-httpapi-ratelimit-headers, as items (`"name";r=50;t=30`) or, before its 8th version, as a dictionary.
    Servers write seconds from now, or a time: in seconds or milliseconds since 1970 or as a date, by their own clock.
    """
    pairs: dict[str, dict[str, str]] = {}
    for name, text in headers.items():
        if match := _PAIRS.fullmatch(name):
            pairs.setdefault(match[1].lower() + (match[3] or "").lower(), {})[match[2].lower()] = text.strip()
    told = {name: _told(pair.get("remaining", ""), pair.get("reset", ""), headers) for name, pair in pairs.items()}
    told |= dict(_policies(headers.get("RateLimit", ""), headers))
    return {name: each for name, each in told.items() if each is not None}


def until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until a quota begins anew of which an answer says that nothing is left; None where it says no such."""
    spent = [told.reset for told in quotas(headers).values() if told.remaining < 1 and told.reset > 0]
    return max(spent, default=None)


def _policies(field: str, headers: Mapping[str, str]) -> Iterator[tuple[str, Told | None]]:
    """What the `RateLimit` field says: one dictionary, or an item for each policy."""
    for part in field.split(",") if ";" in field else [field]:
        match = _POLICY.match(part)
        remaining, reset = (pattern.search(match[2] if match else "") for pattern in (_REMAINING, _RESET))
        if match and remaining and reset:
            yield match[1] or "RateLimit", _told(remaining[1], reset[1], headers)


def _told(remaining: str, reset: str, headers: Mapping[str, str]) -> Told | None:
    if not _NUMBER.fullmatch(remaining):
        return None
    seconds = _seconds_until(reset, headers)
    return None if seconds is None else Told(float(remaining), max(0.0, seconds))


def _seconds_until(reset: str, headers: Mapping[str, str]) -> float | None:
    """How long until a time that is written in one of the ways of servers; None where it is in none of them."""
    if not _NUMBER.fullmatch(reset):
        with contextlib.suppress(ValueError):
            date = datetime.fromisoformat(reset)
            return (date.replace(tzinfo=date.tzinfo or UTC) - _time_of(headers)).total_seconds()
        return None
    seconds = float(reset)
    if seconds < _EPOCHS:
        return seconds
    return (seconds / 1000 if seconds >= 1000 * _EPOCHS else seconds) - _time_of(headers).timestamp()


def _time_of(headers: Mapping[str, str]) -> datetime:
    """The time of an answer by the clock of its server, where that is credible; by ours otherwise."""
    ours = datetime.now(UTC)
    theirs = _http_date(headers.get("Date", "").strip(), ours)
    is_credible = theirs is not None and abs((theirs - ours).total_seconds()) <= MAX_CLOCK_SKEW
    return theirs if theirs is not None and is_credible else ours


def _http_date(text: str, now: datetime) -> datetime | None:
    """The date in one of the three forms (RFC 9110 §5.6.7); None where it is in none of them."""
    if not _HTTP_DATE.fullmatch(text):
        return None
    try:
        date = parsedate_to_datetime(text)
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date
        if re.match(r"[A-Z][a-z]+, \d\d-[A-Z][a-z]{2}-\d\d ", text) and date > now + timedelta(days=50 * 365):
            date = date.replace(year=date.year - 100)  # two-digit years mean the past, RFC 9110 §5.6.7
    except (ValueError, OverflowError):
        return None
    return date
