"""Answers: what the status of a response, and the rules of its source, mean for a page."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import httpx

from seawall.clients.errors import (
    AttemptError,
    AuthenticationError,
    CursorExpiredError,
    MalformedPageError,
    PageFailedError,
    RequestRefusedError,
    SourceError,
)
from seawall.clients.http.exchange import Answer
from seawall.clients.http.retries import is_retryable
from seawall.clients.http.told import until_reset, wished_wait
from seawall.clients.http.urls import without_query
from seawall.clients.limits import MALFORMED_ATTEMPTS
from seawall.clients.pages.page import PageRequest
from seawall.clients.pages.rules import RULE, Then
from seawall.clients.redact import excerpt, neutral

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
KEEP_METHOD: Final = frozenset({307, 308})  # RFC 9110 §15.4.8, §15.4.9: the others may turn a POST into a GET
_REFUSALS: Final = frozenset({400, 403, 422})
_DOUBTS: Final = frozenset({400, 401, 403})  # that a load balancer answers once in a while
_EXPIRIES: Final = frozenset({400, 410})


class Meaning(Enum):
    """What an answer that is no failure is."""

    PAGE = "page"
    EMPTY = "empty"  # a page without records
    END = "end"  # there is no such page


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the meaning of an answer depends on, besides itself.

    `first` is set for the page that a walk begins with, `renewable` where a new token may turn a 401 into a page,
    `worked` once a page came with these credentials. `end_statuses` are those of pages beyond the end, `no_content` is
    set where an answer without a body may be a page; `rule` is what a rule of the source says of this answer.
    """

    first: bool
    renewable: bool
    worked: bool
    end_statuses: tuple[int, ...] = ()
    no_content: bool = False
    rule: tuple[int, Then] | None = None


def meaning_of(answer: Answer, request: PageRequest, about: Circumstances) -> Meaning:
    """What an answer to `request` is, by a rule or by its status: 200, or 206 with its range (RFC 9110 §15.3.7).

    Raises:
        AttemptError: another attempt may get another answer.
        PageFailedError: 404: there is no such page.
        RequestRefusedError, CursorExpiredError, AuthenticationError: asking again cannot help.
    """
    message = f"{without_query(answer.url)} answers {answer.status} for page {request.number}{_place(answer)}"
    if about.rule is not None:
        return _by_rule(answer, about.rule, message)
    if answer.status == httpx.codes.NO_CONTENT and (about.no_content or 204 in about.end_statuses):
        return Meaning.EMPTY if about.first or about.no_content else Meaning.END
    if answer.status in about.end_statuses and not about.first:
        return Meaning.END
    if answer.status == httpx.codes.OK or (answer.status == 206 and "Content-Range" in answer.headers):
        return Meaning.PAGE
    refuse(answer, request, about, f"{message}: {excerpt(answer.content)}")
    raise AssertionError("no answer but a page is none of these")


def refuse(answer: Answer, request: PageRequest, about: Circumstances, message: str) -> None:
    """Raise what an answer means whose status is that of no page."""
    status = answer.status
    wish = wished_wait(answer.headers)
    reset = until_reset(answer.headers) if status in (403, 429) else None
    if reset is not None or status == 429 or (wish is not None and (status == 503 or 400 <= status < 500)):
        raise AttemptError(message, cause=str(status), retry_after=reset if wish is None else wish, throttling=True)
    if status == httpx.codes.ACCEPTED:
        raise AttemptError(f"{message}; it is not ready yet", cause="202", retry_after=wish, pending=True)
    if is_retryable(status) or (status == httpx.codes.UNAUTHORIZED and about.renewable):
        is_shut_out = (
            about.first and status == httpx.codes.UNAUTHORIZED
        )  # where others are let in, no token is at fault
        attempts = MALFORMED_ATTEMPTS if is_shut_out else None
        raise AttemptError(message, cause=str(status), retry_after=wish, max_attempts=attempts)
    final = _final(status, request, about, message)
    if status in _DOUBTS and about.worked:
        raise AttemptError(message, cause=str(status), max_attempts=2, final=final)
    raise final


def _by_rule(answer: Answer, rule: tuple[int, Then], message: str) -> Meaning:
    """What a rule says."""
    number, then = rule
    cause, said = f"{RULE}{number}", f"{message}, which rule {number} of the source takes for {then!r}"
    match then:
        case "retry" | "throttle":
            wish = wished_wait(answer.headers)
            raise AttemptError(
                f"{said}: {excerpt(answer.content)}", cause=cause, retry_after=wish, throttling=then == "throttle"
            )
        case "fail":
            raise RequestRefusedError(f"{said}: {excerpt(answer.content)}")
        case _:
            return Meaning(then)


def _final(status: int, request: PageRequest, about: Circumstances, message: str) -> SourceError:
    """What is wrong where asking again does not help, or not for long."""
    if status == httpx.codes.UNAUTHORIZED:
        return AuthenticationError(f"{message}; the source's auth has no way to get another token")
    if request.follows and status in _EXPIRIES:
        return CursorExpiredError(
            f"{message}; the token that page {request.number - 1} gave for it has expired: begin a new run, since "
            "pages of another walk would not line up with those of this one"
        )
    if status in _REFUSALS or (about.first and status == httpx.codes.NOT_FOUND):
        return RequestRefusedError(message)
    if status == httpx.codes.NOT_FOUND:
        return PageFailedError(message, number=request.number, causes=("404",), missing=True)
    return MalformedPageError(message, cause=str(status))


def _place(answer: Answer) -> str:
    """Where a redirect leads, without its query, which may hold a secret."""
    if answer.status not in REDIRECTS:
        return ""
    return f", a redirect to {neutral(answer.headers.get('Location', '').partition('?')[0]) or 'nowhere'}"
