"""Tokens: one for all fetchers of a source at once, and its renewal."""

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol, cast

import httpx
import msgspec
from loguru import logger

from seawall.clients.errors import AuthenticationError, LoginRejectedError
from seawall.clients.http.exchange import Answer
from seawall.clients.http.urls import without_query
from seawall.clients.limits import EXPIRY_MARGIN, REMEMBERED_TOKENS
from seawall.clients.redact import SECRETS

_ANSWER = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """One request for a token: `fields` as JSON, or URL-encoded `as_form`; `basic` signs it with an id and a secret."""

    url: str
    fields: Mapping[str, str] = field(repr=False)
    as_form: bool = False
    basic: tuple[str, str] | None = field(default=None, repr=False)


class TokenGrant(Protocol):
    """What TokenAuth has to know: how to ask for a token, and where in an answer it stands (RFC 6749 §1.3)."""

    @property
    def access_token_path(self) -> str:
        """Where the token stands, dotted."""

    @property
    def refresh_token_path(self) -> str:
        """Where the token for the next renewal stands."""

    @property
    def expires_in_path(self) -> str:
        """Where the life of the token stands, in seconds."""

    @property
    def scheme(self) -> str:
        """What stands before the token in the header."""

    def login_request(self) -> TokenRequest:
        """Asks for a token with the credentials."""

    def refresh_request(self, refresh_token: str) -> TokenRequest | None:
        """Asks for a token with the refresh token that came with the last one; None where the source takes none."""


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
                request.headers["Authorization"] = f"{self._grant.scheme} {token.access}"
                response = yield request
                if response.status_code != httpx.codes.UNAUTHORIZED:
                    token.proven = True
                    return
                if not again:
                    _drop(response)
        if token is not None and self._is_hopeless(token):
            raise AuthenticationError(f"{without_query(request.url)} answers 401 to tokens that are fresh from login")

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
                token = self._read(self._send(request), old.refresh)
                logger.info("token refreshed")
                return token
        token = self._read(self._send(self._grant.login_request()))
        logger.info("logged in")
        return token

    def _read(self, answer: Answer, refresh: str | None = None) -> Token:
        """The token in an answer; where it brings no new refresh token, `refresh` stays (RFC 6749 §6)."""
        url, grant = without_query(answer.url), self._grant
        if answer.status >= 400:
            raise LoginRejectedError(f"{url} answers {answer.status} to our credentials")
        fields = decoded_answer(answer.content)
        access = _at(fields, grant.access_token_path)
        if not isinstance(access, str) or not access or not is_sendable(access):
            raise AuthenticationError(f"{url} answers no {grant.access_token_path} that a header can carry")
        if isinstance(successor := _at(fields, grant.refresh_token_path), str):
            refresh = successor or refresh
        self._remember(access, refresh)
        return Token(access, refresh, self._clock() + _useful_seconds(_at(fields, grant.expires_in_path)))

    def forget(self) -> None:
        """Mask its tokens no longer: whoever used them is closed."""
        with self._lock:
            SECRETS.discard(*self._old)
            self._old.clear()

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


def decoded_answer(content: bytes) -> dict[str, Any]:
    """The JSON object in the answer to a request for a token; raises ValueError or RecursionError if it is none."""
    return _ANSWER.decode(content)


def _at(answer: Any, path: str) -> object:
    """What stands at a dotted path; None where nothing does."""
    for key in path.split("."):
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer


def _useful_seconds(life: object) -> float:
    """How long to use a token that lives for `life` seconds; for ever where `life` is no usable number."""
    try:
        seconds = float(life)  # type: ignore[arg-type]  # whatever the server sent: the except is the point
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return seconds - min(EXPIRY_MARGIN, seconds / 10) if 0 < seconds < math.inf else math.inf
