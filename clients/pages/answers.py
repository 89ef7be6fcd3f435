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
from seawall.clients.http.retries import is_retryable, retry_after
from seawall.clients.http.urls import without_query
from seawall.clients.pages.page import PageRequest
from seawall.clients.redact import excerpt

_REFUSED = frozenset({400, 403, 422})
_EXPIRED = frozenset({400, 410})


def raise_for_status(answer: Answer, request: PageRequest, *, first: bool, renewable: bool) -> None:
    """Return where an answer to `request` can be a page, which is 200 alone.

    `first` is set for the page that a walk begins with, `renewable` where a 401 may pass with a new token.

    Raises:
        AttemptError: another attempt may be answered otherwise.
        PageFailedError: 404: there is no such page.
        RequestRefusedError, CursorExpiredError, AuthenticationError: asking again cannot help.
    """
    status, number = answer.status, request.number
    if status == httpx.codes.OK:
        return
    told = f"{without_query(answer.url)} answers {status} for page {number}: {excerpt(answer.content)}"
    if status == httpx.codes.UNAUTHORIZED and not renewable:
        raise AuthenticationError(f"{told}; the source's auth has no way to get another token")
    if is_retryable(status) or status == httpx.codes.UNAUTHORIZED:
        wish = retry_after(answer.headers.get("Retry-After"))
        throttled = status == httpx.codes.TOO_MANY_REQUESTS or (status == 503 and wish is not None)
        raise AttemptError(told, cause=str(status), retry_after=wish, throttled=throttled)
    if request.follows and status in _EXPIRED:
        raise CursorExpiredError(
            f"{told}; what page {number - 1} gave to ask for it has expired: begin a new run, since pages of another "
            "walk do not fit to those of this one"
        )
    if status in _REFUSED or (first and status == httpx.codes.NOT_FOUND):
        raise RequestRefusedError(told)
    if status == httpx.codes.NOT_FOUND:
        raise PageFailedError(told, number=number, causes=("404",), missing=True)
    raise MalformedPageError(told, cause=str(status))
