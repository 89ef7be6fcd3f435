"""The desk: where tokens are asked for, with attempts and a deadline of their own."""

from collections.abc import Callable
from typing import cast

import httpx

from clients.codings import decoded
from clients.errors import AttemptError, AuthenticationError, MalformedPageError
from clients.limits import LOGIN_ATTEMPTS, LOGIN_BYTES, LOGIN_DEADLINE
from clients.pacing import Pacing
from clients.retries import Backoff, attempt_error, is_retryable, retry_after
from clients.tokens import TokenRequest, decoded_answer
from clients.urls import without_query
from clients.wire import deadline, hang_up


def token_desk(
    client: httpx.Client, pacing: Pacing, max_retry_after: float
) -> Callable[[TokenRequest], httpx.Response]:
    """What sends a request for a token through `client` and returns a final answer.

    Raises (on sending):
        AuthenticationError: no final answer came in LOGIN_ATTEMPTS.
    """

    def send(request: TokenRequest) -> httpx.Response:
        backoff = Backoff(
            pacing, max_attempts=LOGIN_ATTEMPTS, max_retry_after=max_retry_after, url=without_query(request.url)
        )
        try:
            for attempt in backoff:
                with attempt, deadline(LOGIN_DEADLINE):
                    return _answered(client, request)
        except AttemptError as error:
            raise AuthenticationError(f"no token after {LOGIN_ATTEMPTS} attempts; the last: {error}") from error
        raise AssertionError("stamina raises or returns")

    return send


def _answered(client: httpx.Client, request: TokenRequest) -> httpx.Response:
    """One request for a token: a final answer, or the AttemptError that another attempt may heal."""
    try:
        response = _sent(client, request)
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise attempt_error(error) from error
    status, shown = response.status_code, without_query(request.url)
    if is_retryable(status):
        wish = retry_after(response.headers.get("Retry-After"))
        raise AttemptError(f"{shown} answers {status}", cause=str(status), retry_after=wish)
    if status < 400 and not response.content:
        raise AttemptError(f"{shown} answers {status} without JSON", cause="malformed")
    return response


def _sent(client: httpx.Client, request: TokenRequest) -> httpx.Response:
    """An answer with a body of at most LOGIN_BYTES; one that is longer, cut, oddly coded or no JSON has none.

    The connection of such a one is not used again, as in `Fetcher`.
    """
    fields = dict(request.fields)
    data, json = (fields, None) if request.form else (None, fields)
    basic = httpx.BasicAuth(*request.basic) if request.basic else None
    with client.stream("POST", request.url, auth=basic, data=data, json=json) as response:
        try:
            coding = response.headers.get("Content-Encoding", "")
            content = b"".join(decoded(cast(httpx.SyncByteStream, response.stream), coding, limit=_bounded))
            if response.status_code < 400:
                decoded_answer(content)
        except (AttemptError, MalformedPageError, ValueError, RecursionError):
            content = b""
            hang_up(response)
    headers = {"Retry-After": response.headers.get("Retry-After", "")}
    return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)


def _bounded(length: int) -> None:
    if length > LOGIN_BYTES:
        raise AttemptError(f"an answer to a login is larger than {LOGIN_BYTES:,} bytes", cause="too large")
