"""Retries: which failures another attempt may heal, and how long to wait before it.

stamina repeats the attempts and calls the hook below after each failure. The wait itself is ours: stamina's sleep
cannot be interrupted, while a worker that has to stop must not sit out a Retry-After of five minutes. What a source
that throttles asks for is waited for at the gate, by every fetcher of the source.
"""

import contextlib
import random
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import httpx
import stamina
from loguru import logger

from seawall.clients.errors import (
    AttemptError,
    AuthenticationError,
    CertificateError,
    RetryAfterTooLongError,
    SourceError,
    UnreachableError,
)
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.urls import origin
from seawall.clients.http.wire import connecting_within
from seawall.clients.limits import (
    BACKOFF_BASE,
    BACKOFF_CAP,
    REACH_PATIENCE,
    READY_BASE,
    RETRY_AFTER_FLOOR,
    SHORTEST_REACH,
    THROTTLED_ATTEMPTS,
)
from seawall.clients.redact import neutral

_RETRYABLE: Final = frozenset({408, 425, 429})

PROXY_REFUSAL: Final = "the proxy answers 407: put a username and a password that it takes in the proxy of the source"

Result = TypeVar("Result")


def is_retryable(status: int) -> bool:
    """Whether another attempt may bring another answer: every server error, and statuses that ask for patience."""
    return status in _RETRYABLE or status >= 500


def attempt_error(error: httpx.TransportError | httpx.DecodingError) -> SourceError:
    """What a failure of the transport means: another attempt, or, where a certificate or a proxy is bad, the end."""
    if isinstance(error, httpx.ProxyError) and str(error).startswith("407 "):
        return AuthenticationError(PROXY_REFUSAL)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(f"the certificate of {error.request.url.host} does not verify: {cause}")
    label, message = _label(error), f"{type(error).__name__}: {neutral(str(error))}"
    return AttemptError(f"cannot reach {_host(error)}: {message}" if label == "connect" else message, cause=label)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it, each once: whoever raises an error from one that it caused makes a circle."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__


def _host(error: httpx.TransportError | httpx.DecodingError) -> str:
    with contextlib.suppress(RuntimeError):  # there is no request
        return origin(error.request.url)
    return "the host"


def _label(error: httpx.TransportError | httpx.DecodingError) -> str:
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return "connect"
        case httpx.TimeoutException():
            return "timeout"
        case httpx.RemoteProtocolError() if "incomplete" in str(error) or "without sending complete" in str(error):
            return "truncated"
        case httpx.DecodingError():
            return "truncated"
        case _:
            return "reset"


class Backoff:
    """The attempts at one request, which its log lines name by `log_fields`.

    Waits are exponential with full jitter (Brooker, AWS Architecture Blog, 2015), unless the server names a time; after
    throttling the gate waits. `causes` holds why each failed attempt failed, in order. What is not ready yet is asked
    for until the waits add up to `ready_deadline` seconds. Without `is_evidence` its failures say nothing about the
    pages of the source: whoever holds a lock that a page needs must not ask for one.
    """

    def __init__(
        self,
        pacing: Pacing,
        *,
        max_attempts: int,
        max_retry_after: float,
        ready_deadline: float = 0.0,
        is_evidence: bool = True,
        uniform: Callable[[float, float], float] = random.uniform,
        **log_fields: object,
    ) -> None:
        self.causes: list[str] = []
        self._pacing = pacing
        self._max_attempts = max_attempts
        self._max_retry_after = max_retry_after
        self._ready_deadline = ready_deadline
        self._is_evidence = is_evidence
        self._uniform = uniform
        self._logger = logger.bind(**log_fields)
        self._error: AttemptError | None = None
        self._failing_since: float | None = None
        self._seconds = 0.0
        self._throttled_attempts = 0
        self._pending_attempts = 0
        self._pending_seconds = 0.0

    def run(self, attempt: Callable[[], Result]) -> Result:
        """Call `attempt` until it returns, again after each AttemptError that another attempt may heal.

        Raises:
            AttemptError: that of the last attempt, when none is left.
            RetryAfterTooLongError: the server asks for more than `max_retry_after` seconds.
            SourceDownError: too many attempts in a row failed, over all fetchers.
            UnreachableError: nobody was reached in REACH_PATIENCE seconds, before any page came.
        """
        for guard in stamina.retry_context(on=self._may_retry, attempts=None, timeout=None):
            if self._error is not None:
                self._wait(self._error)
            with guard, connecting_within(self._reach_left()):
                return attempt()
        raise AssertionError("stamina raises or returns")

    def _may_retry(self, error: Exception) -> float | bool:
        """The hook that stamina calls: 0.0 means "try again at once", since `_wait` does the waiting."""
        if not isinstance(error, AttemptError):
            return False
        self.causes.append(error.cause)
        self._throttled_attempts += error.throttling
        self._pending_attempts += error.pending
        self._error, self._seconds = error, self._due(error)
        self._pending_seconds += self._seconds if error.pending else 0.0
        if self._is_unreached():
            self._refuse_unreachable(error)
            return 0.0
        if self._is_evidence and not error.pending and (error.cause == "503" or not error.throttling):
            self._pacing.failed(error)
        return False if self._is_used_up(error) else 0.0

    def _is_unreached(self) -> bool:
        """Whether nobody has answered yet: neither this request, nor any other with a page."""
        return not self._pacing.pages_came and set(self.causes) <= {"connect"}

    def _reach_left(self) -> float | None:
        """Seconds in which a connection has to open; REACH_PATIENCE for the first one, and again for all others."""
        if not self._is_unreached():
            return None
        since = time.monotonic() if self._failing_since is None else self._failing_since
        return max(REACH_PATIENCE - (time.monotonic() - since), SHORTEST_REACH)

    def _refuse_unreachable(self, error: AttemptError) -> None:
        """Raise UnreachableError where no attempt is left, or no time for one."""
        if self._failing_since is None:
            self._failing_since = time.monotonic()
        left = REACH_PATIENCE - (time.monotonic() - self._failing_since)
        if self._seconds + SHORTEST_REACH > left or self._is_used_up(error):
            raise UnreachableError(
                f"{error}; before any page came, {len(self.causes)} attempts within seconds: is the name of the host "
                "right in the source, does the host listen there, and may this machine reach it?"
            ) from error

    def _is_used_up(self, error: AttemptError) -> bool:
        """Whether no attempt is left; a server that asks us to slow down, or to wait, does not use them up."""
        if error.max_attempts and self.causes.count(error.cause) >= error.max_attempts:
            return True
        if error.pending:
            return self._pending_seconds > self._ready_deadline
        counted = len(self.causes) - self._throttled_attempts - self._pending_attempts
        return self._throttled_attempts >= THROTTLED_ATTEMPTS or counted >= self._max_attempts

    def _wait(self, error: AttemptError) -> None:
        fields = {"attempt": len(self.causes), "cause": error.cause, "wait": round(self._seconds, 3)}
        self._logger.bind(**fields).info("attempt failed, backing off")
        if not error.throttling:  # what the gate waits for, and all other requests with it
            self._pacing.sleep(self._seconds)

    def _due(self, error: AttemptError) -> float:
        wish = error.retry_after
        if wish is None:
            if error.throttling:
                return 0.0
            if error.pending:
                return min(BACKOFF_CAP, READY_BASE * 2.0 ** min(self._pending_attempts - 1, 10))
            before = len(self.causes) - self._throttled_attempts - self._pending_attempts - 1
            return self._uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2.0**before))
        if wish > self._max_retry_after:
            raise RetryAfterTooLongError(
                f"the server asks for {wish:.0f} s, cap is {self._max_retry_after:.0f} s (max_retry_after)"
            )
        return max(wish, RETRY_AFTER_FLOOR)
