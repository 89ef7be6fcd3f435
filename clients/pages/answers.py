"""Answers: what the status of a response means for a page."""

import httpx

from seawall.clients.errors import (
    AttemptError,
    AuthenticationError,
    CursorExpiredError,
    MalformedPageError,
    PageFailedError,
    RequestRefusedError,
)
from seawall.clients.http.exchange import Answer
from seawall.clients.http.retries import is_retryable, wished_wait
from seawall.clients.http.urls import without_query
from seawall.clients.limits import MALFORMED_ATTEMPTS
from seawall.clients.pages.page import PageRequest
from seawall.clients.redact import excerpt

_REFUSALS = frozenset({400, 403, 422})
_EXPIRIES = frozenset({400, 410})


def raise_for_status(answer: Answer, request: PageRequest, *, first: bool, renewable: bool) -> None:
    """Return where an answer to `request` can be a page: its status is 200.

    `first` is set for the page that a walk begins with, `renewable` where a new token may turn a 401 into a page.

    Raises:
        AttemptError: another attempt may get another answer.
        PageFailedError: 404: there is no such page.
        RequestRefusedError, CursorExpiredError, AuthenticationError: asking again cannot help.
    """
    status, number = answer.status, request.number
    if status == httpx.codes.OK:
        return
    message = f"{without_query(answer.url)} answers {status} for page {number}: {excerpt(answer.content)}"
    if status == httpx.codes.UNAUTHORIZED and not renewable:
        raise AuthenticationError(f"{message}; the source's auth has no way to get another token")
    if is_retryable(status) or status == httpx.codes.UNAUTHORIZED:
        wish = wished_wait(answer.headers)
        throttling = status == httpx.codes.TOO_MANY_REQUESTS or (status == 503 and wish is not None)
        shut_out = first and status == httpx.codes.UNAUTHORIZED  # where others are let in, no token is at fault
        attempts = MALFORMED_ATTEMPTS if shut_out else None
        raise AttemptError(message, cause=str(status), retry_after=wish, throttling=throttling, max_attempts=attempts)
    if request.follows and status in _EXPIRIES:
        raise CursorExpiredError(
            f"{message}; the token that page {number - 1} gave for it has expired: begin a new run, since pages of "
            "another walk would not line up with those of this one"
        )
    if status in _REFUSALS or (first and status == httpx.codes.NOT_FOUND):
        raise RequestRefusedError(message)
    if status == httpx.codes.NOT_FOUND:
        raise PageFailedError(message, number=number, causes=("404",), missing=True)
    raise MalformedPageError(message, cause=str(status))
