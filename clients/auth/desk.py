"""The desk: where tokens are asked for, with attempts and a deadline of their own."""

from collections.abc import Callable

import httpx

from seawall.clients.auth.readings import decoded_answer
from seawall.clients.auth.tokens import TokenRequest
from seawall.clients.errors import AttemptError, AuthenticationError
from seawall.clients.http.exchange import Answer, exchange
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.retries import Backoff, is_retryable
from seawall.clients.http.told import wished_wait
from seawall.clients.http.urls import without_query
from seawall.clients.http.wire import deadline
from seawall.clients.limits import LOGIN_ATTEMPTS, LOGIN_BYTES, LOGIN_DEADLINE


def token_desk(client: httpx.Client, pacing: Pacing, max_retry_after: float) -> Callable[[TokenRequest], Answer]:
    """A function that sends a request for a token through `client` and returns the final answer.

    It raises AuthenticationError where LOGIN_ATTEMPTS bring none. Who asks holds the lock of the token, which the first
    page needs, too: so failures here never have that page asked for.
    """

    def send(request: TokenRequest) -> Answer:
        backoff = Backoff(
            pacing,
            max_attempts=LOGIN_ATTEMPTS,
            max_retry_after=max_retry_after,
            is_evidence=False,
            url=without_query(request.url),
        )
        try:
            return backoff.run(lambda: _attempt(client, request, pacing))
        except AttemptError as error:
            pacing.raise_if_stopped()
            raise AuthenticationError(f"no token after {LOGIN_ATTEMPTS} attempts; the last: {error}") from error

    return send


def _attempt(client: httpx.Client, request: TokenRequest, pacing: Pacing) -> Answer:
    """One request for a token: a final answer, or the AttemptError that another attempt may heal."""
    pacing.raise_if_stopped()  # the wait for whoever asked before may have been long
    fields, url = dict(request.fields), without_query(request.url)
    if request.assertion is not None:
        fields["assertion"] = request.assertion()
    data, json = (fields, None) if request.as_form else (None, fields)
    post = client.build_request("POST", request.url, data=data, json=json)
    basic = httpx.BasicAuth(*request.basic) if request.basic else None
    with deadline(LOGIN_DEADLINE), exchange(client, post, auth=basic, max_bytes=LOGIN_BYTES) as answer:
        if is_retryable(answer.status):
            wish = wished_wait(answer.headers)
            raise AttemptError(f"{url} answers {answer.status}", cause=str(answer.status), retry_after=wish)
        try:
            if answer.status < 400 and request.is_in_body:
                decoded_answer(answer.content)
        except (ValueError, RecursionError):
            raise AttemptError(f"{url} answers {answer.status} without JSON", cause="malformed") from None
        return answer
