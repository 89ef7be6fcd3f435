"""Tokens: one for all fetchers of a source at once, and its renewal."""

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Protocol, cast

import httpx
from loguru import logger

from seawall.clients.auth.readings import Reading, refusal_code
from seawall.clients.errors import AuthenticationError, LoginRejectedError
from seawall.clients.http.exchange import Answer
from seawall.clients.http.urls import without_query
from seawall.clients.limits import EXPIRY_MARGIN, REMEMBERED_TOKENS
from seawall.clients.redact import SECRETS


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """One request for a token: `fields` as JSON, or URL-encoded `as_form`; `basic` signs it with an id and a secret.

    `assertion` makes another field, anew for each attempt, since it lives for minutes. An answer that is no error has
    to hold a JSON object where the token `is_in_body`.
    """

    url: str
    fields: Mapping[str, str] = field(repr=False)
    as_form: bool = False
    basic: tuple[str, str] | None = field(default=None, repr=False)
    assertion: Callable[[], str] | None = field(default=None, repr=False)
    is_in_body: bool = True


class TokenGrant(Protocol):
    """What TokenAuth has to know: how to ask for a token, and how requests and answers have it (RFC 6749 §1.3)."""

    @property
    def token_name(self) -> str:
        """What an answer has to hold, for a message."""

    def login_request(self) -> TokenRequest:
        """Asks for a token with the credentials."""

    def refresh_request(self, refresh_token: str) -> TokenRequest | None:
        """Asks for a token with the refresh token that came with the last one; None where the source takes none."""

    def read(self, answer: Answer) -> Reading:
        """What an answer holds. Raises LoginRejectedError where it says that the credentials are wrong."""

    def sign(self, request: httpx.Request, access: str) -> None:
        """Add a token to a request."""

    def refuses(self, response: httpx.Response) -> bool:
        """Whether an answer to a request says that its token is good no more."""


@dataclass(eq=False, slots=True)
class Token:
    """One access token; `proven` once it let a request in; `on_the_way` counts its unanswered requests."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    stale_at: float
    proven: bool = False
    on_the_way: int = 0


class TokenAuth(httpx.Auth):
    """Signs requests with a token from a login; renews it ahead of expiry and on a 401.

    However many threads meet the same stale token, one of them renews it and the others take the
    new one. `send` performs one request for a token, unsigned. `clock` is monotonic, in seconds.

    Raises:
        AuthenticationError: credentials refused, an answer without a usable token, or a fresh token
            with which no request succeeds.
    """

    def __init__(
        self,
        grant: TokenGrant,
        *,
        send: Callable[[TokenRequest], Answer],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grant = grant
        self._send = send
        self._clock = clock
        self._lock = Lock()
        self._counting = Lock()
        self._failed_before = False
        self._token: Token | None = None
        self._old: deque[str] = deque()
        self._refusal: AuthenticationError | None = None

    def __repr__(self) -> str:
        return f"TokenAuth({self._grant!r})"

    @property
    def is_refused(self) -> bool:
        """Whether it brings no token any more, since its credentials were refused."""
        return self._refusal is not None

    def token(self, stale: Token | None = None) -> Token:
        """The current token, renewed when it nears its end or is the `stale` one that was refused."""
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if self._token is None or self._token is stale or self._clock() >= self._token.stale_at:
                self._failed_before = self._token is not None and not self._token.proven
                try:
                    self._token = self._renewed(self._token)
                except AuthenticationError as error:
                    self._refusal = error
                    raise
            return self._token

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign, and on a 401 renew the token and replay the request once."""
        token: Token | None = None
        for again in (False, True):
            token = self.token(stale=token)
            with self._signing(token):
                self._grant.sign(request, token.access)
                response = yield request
                if not self._grant.refuses(response):
                    token.proven = True
                    return
                if not again:
                    _drop(response)
        if token is not None and self._is_hopeless(token):
            url, status = without_query(request.url), response.status_code
            raise AuthenticationError(f"{url} answers {status} to tokens that are fresh from login")

    @contextlib.contextmanager
    def _signing(self, token: Token) -> Iterator[None]:
        """Count a request that is on its way with `token`."""
        with self._counting:
            token.on_the_way += 1
        try:
            yield
        finally:
            with self._counting:
                token.on_the_way -= 1

    def _is_hopeless(self, token: Token) -> bool:
        """Whether neither this token nor the one before let any request in, and none on its way still may."""
        return self._failed_before and not token.proven and token.on_the_way == 0

    def _renewed(self, old: Token | None) -> Token:
        if old is not None and old.refresh and (request := self._grant.refresh_request(old.refresh)) is not None:
            with contextlib.suppress(LoginRejectedError):
                token = self._asked(request, old.refresh)
                logger.info("token refreshed")
                return token
        token = self._asked(self._grant.login_request())
        logger.info("logged in")
        return token

    def _asked(self, request: TokenRequest, refresh: str | None = None) -> Token:
        """The token that is answered; where no new refresh token comes with it, `refresh` stays (RFC 6749 §6)."""
        if (assertion := request.assertion) is not None:
            request = replace(request, assertion=lambda: self._masked(assertion()))
        answer = self._send(request)
        url = without_query(answer.url)
        if answer.status >= 400:
            raise LoginRejectedError(f"{url} answers {answer.status} to our credentials{refusal_code(answer)}")
        reading = self._grant.read(answer)
        access = reading.access
        if not isinstance(access, str) or not access or not is_sendable(access):
            raise AuthenticationError(f"{url} answers no {self._grant.token_name} that a header can carry")
        if isinstance(reading.refresh, str):
            refresh = reading.refresh or refresh
        self._remember(*([access] if reading.secrets is None else reading.secrets), refresh)
        return Token(access, refresh, self._clock() + _useful_seconds(reading.life))

    def forget(self) -> None:
        """Mask its tokens no longer: whoever used them is closed."""
        with self._lock:
            SECRETS.discard(*self._old)
            self._old.clear()

    def _masked(self, secret: str) -> str:
        self._remember(secret)
        return secret

    def _remember(self, *secrets: str | None) -> None:
        for secret in filter(None, secrets):
            SECRETS.add(secret)
            self._old.append(secret)
        while len(self._old) > 2 * REMEMBERED_TOKENS:
            SECRETS.discard(self._old.popleft())


def _drop(response: httpx.Response) -> None:
    """Close an answer unread, since before the next request httpx would read all of it, however long it is."""
    cast(httpx.SyncByteStream, response.stream).close()
    response.stream = httpx.ByteStream(b"")


def is_sendable(text: str) -> bool:
    """Whether the value of a header can be this text: one line of ASCII, without blanks around it (RFC 9110 §5.5)."""
    return text.isascii() and text.isprintable() and text == text.strip()


def _useful_seconds(life: object) -> float:
    """How long to use a token that lives for `life` seconds; for ever where `life` is no usable number."""
    try:
        seconds = float(life)  # type: ignore[arg-type]  # whatever the server sent: the except is the point
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return seconds - min(EXPIRY_MARGIN, seconds / 10) if 0 < seconds < math.inf else math.inf
