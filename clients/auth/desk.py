"""The desk: where tokens are asked for, with attempts and a deadline of their own."""

from collections.abc import Callable

import httpx

from seawall.clients.auth.tokens import TokenRequest, decoded_answer
from seawall.clients.errors import AttemptError, AuthenticationError
from seawall.clients.http.exchange import Answer, exchange
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.retries import Backoff, is_retryable, retry_after
from seawall.clients.http.urls import without_query
from seawall.clients.http.wire import deadline
from seawall.clients.limits import LOGIN_ATTEMPTS, LOGIN_BYTES, LOGIN_DEADLINE


def token_desk(client: httpx.Client, pacing: Pacing, max_retry_after: float) -> Callable[[TokenRequest], Answer]:
    """What sends a request for a token through `client` and returns a final answer.

    Raises (on sending):
        AuthenticationError: no final answer came in LOGIN_ATTEMPTS.
    """

    def send(request: TokenRequest) -> Answer:
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


def _answered(client: httpx.Client, request: TokenRequest) -> Answer:
    """One request for a token: a final answer, or the AttemptError that another attempt may heal."""
    fields, shown = dict(request.fields), without_query(request.url)
    data, json = (fields, None) if request.form else (None, fields)
    sent = client.build_request("POST", request.url, data=data, json=json)
    basic = httpx.BasicAuth(*request.basic) if request.basic else None
    with exchange(client, sent, auth=basic, max_bytes=LOGIN_BYTES) as answer:
        if is_retryable(answer.status):
            wish = retry_after(answer.headers.get("Retry-After"))
            raise AttemptError(f"{shown} answers {answer.status}", cause=str(answer.status), retry_after=wish)
        try:
            if answer.status < 400:
                decoded_answer(answer.content)
        except (ValueError, RecursionError):
            raise AttemptError(f"{shown} answers {answer.status} without JSON", cause="malformed") from None
        return answer
