"""Authentication: forms that people fill, and the httpx.Auth that each of them becomes."""

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any, Literal

import httpx
import msgspec
from loguru import logger
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.errors import AttemptError, AuthenticationError, LoginRejectedError
from clients.limits import EXPIRY_MARGIN, LOGIN_ATTEMPTS, LOGIN_BYTES, LOGIN_DEADLINE, REMEMBERED_TOKENS
from clients.pacing import Pacing
from clients.redact import SECRETS
from clients.retries import Backoff, attempt_error, is_retryable, retry_after
from clients.urls import HttpUrl, without_query
from clients.wire import deadline

_ANSWER = msgspec.json.Decoder(dict[str, Any])


@dataclass(eq=False, slots=True)
class Token:
    """One access token; `proven` once a request signed with it was let in, `on_the_way` those not yet answered."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    stale_at: float
    proven: bool = False
    on_the_way: int = 0


class LoginAuth(httpx.Auth):
    """Signs requests with a bearer token from a login; refreshes it ahead of expiry and on a 401.

    However many threads meet the same stale token, one of them refreshes it and the others take the
    new one. `send` performs one request for a token, unsigned. `clock` is monotonic, in seconds.

    Raises:
        AuthenticationError: credentials refused, an answer without a usable token, or a fresh token
            with which no request succeeds.
    """

    def __init__(
        self,
        login: "Login",
        *,
        send: Callable[[str, dict[str, str]], httpx.Response],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._login = login
        self._send = send
        self._clock = clock
        self._lock = Lock()
        self._counting = Lock()
        self._failed_before = False
        self._token: Token | None = None
        self._old: deque[str] = deque()
        self._refused: AuthenticationError | None = None
        SECRETS.add(login.password.get_secret_value())

    def __repr__(self) -> str:
        return f"LoginAuth({self._login.login_url!r}, username={self._login.username!r}, password='***')"

    def token(self, stale: Token | None = None) -> Token:
        """The current token, renewed when it nears its end or is the `stale` one that was refused."""
        with self._lock:
            if self._refused is not None:
                raise self._refused
            if self._token is None or self._token is stale or self._clock() >= self._token.stale_at:
                self._failed_before = self._token is not None and not self._token.proven
                try:
                    self._token = self._renewed(self._token)
                except AuthenticationError as error:
                    self._refused = error
                    raise
            return self._token

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign, and on a 401 renew the token and replay the request once."""
        token: Token | None = None
        for _ in ("signed", "signed anew"):
            token = self.token(stale=token)
            with self._signing(token):
                response = yield _signed(request, token)
                if response.status_code != httpx.codes.UNAUTHORIZED:
                    token.proven = True
                    return
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
        """Whether neither this token nor the one before let anybody in, nor may yet."""
        return self._failed_before and not token.proven and token.on_the_way == 0

    def _renewed(self, old: Token | None) -> Token:
        if old is not None and old.refresh and self._login.refresh_url:
            with contextlib.suppress(LoginRejectedError):
                token = self._read(self._send(self._login.refresh_url, {"refresh_token": old.refresh}), old.refresh)
                logger.info("token refreshed")
                return token
        token = self._read(self._send(self._login.login_url, self._login.credentials()))
        logger.info("logged in")
        return token

    def _read(self, response: httpx.Response, refresh: str | None = None) -> Token:
        """The token in an answer; where it brings no new refresh token, `refresh` stays (RFC 6749 §6)."""
        url = without_query(response.request.url)
        if response.status_code >= 400:
            raise LoginRejectedError(f"{url} answers {response.status_code} to our credentials")
        answer = _ANSWER.decode(response.content)
        access, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(access, str) or not access.isascii() or not access.isprintable() or not access.strip():
            raise AuthenticationError(f"{url} answers no access_token that a header can carry")
        if isinstance(renewed := answer.get("refresh_token"), str):
            refresh = renewed or refresh
        self._remember(access, refresh)
        return Token(access, refresh, self._clock() + _useful_seconds(life))

    def _remember(self, *secrets: str | None) -> None:
        for secret in filter(None, secrets):
            SECRETS.add(secret)
            self._old.append(secret)
        while len(self._old) > 2 * REMEMBERED_TOKENS:
            SECRETS.discard(self._old.popleft())


def _signed(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token.access}"
    return request


def _useful_seconds(life: object) -> float:
    """How long to use a token that lives for `life` seconds; for ever where that says nothing."""
    try:
        seconds = float(life)  # type: ignore[arg-type]  # whatever the server sent: the except is the point
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return seconds - min(EXPIRY_MARGIN, seconds / 10) if 0 < seconds < math.inf else math.inf


class Login(BaseModel):
    """Log in with a username and a password, and refresh the token where the source offers it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["login"] = "login"
    login_url: HttpUrl
    username: str
    password: SecretStr
    refresh_url: HttpUrl | None = None

    def credentials(self) -> dict[str, str]:
        """The body of the login request."""
        return {"username": self.username, "password": self.password.get_secret_value()}

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return [url for url in (self.login_url, self.refresh_url) if url]

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> LoginAuth:
        """The httpx.Auth that logs in through `client`, with retries of its own."""

        def send(url: str, body: dict[str, str]) -> httpx.Response:
            backoff = Backoff(
                pacing, max_attempts=LOGIN_ATTEMPTS, max_retry_after=max_retry_after, url=without_query(url)
            )
            try:
                for attempt in backoff:
                    with attempt, deadline(LOGIN_DEADLINE):
                        return _token_response(client, url, body)
            except AttemptError as error:
                raise AuthenticationError(f"no token after {LOGIN_ATTEMPTS} attempts; the last: {error}") from error
            raise AssertionError("stamina raises or returns")

        return LoginAuth(self, send=send)


def _token_response(client: httpx.Client, url: str, body: dict[str, str]) -> httpx.Response:
    """One request for a token: a final answer, or the AttemptError that another attempt may heal."""
    try:
        response = _read_answer(client, url, body)
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise attempt_error(error) from error
    status = response.status_code
    if is_retryable(status):
        wish = retry_after(response.headers.get("Retry-After"))
        raise AttemptError(f"{without_query(url)} answers {status}", cause=str(status), retry_after=wish)
    if status < 400:
        try:
            _ANSWER.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise AttemptError(f"{without_query(url)} answers {status} without JSON", cause="malformed") from None
    return response


def _read_answer(client: httpx.Client, url: str, body: dict[str, str]) -> httpx.Response:
    """An answer of at most LOGIN_BYTES; a longer one, or one compressed twice, is cut and so no JSON."""
    content = bytearray()
    with client.stream("POST", url, json=body) as response:
        if "," not in response.headers.get("Content-Encoding", ""):
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > LOGIN_BYTES:
                    content.clear()
                    break
    headers = {"Retry-After": response.headers.get("Retry-After", "")}
    return httpx.Response(response.status_code, headers=headers, content=bytes(content), request=response.request)


class NoAuth(BaseModel):
    """The source needs no credentials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none"] = "none"

    def urls(self) -> list[str]:
        """No secret is sent anywhere."""
        return []

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> httpx.Auth:
        """An httpx.Auth that adds nothing."""
        return httpx.Auth()


Auth = Annotated[Login | NoAuth, Field(discriminator="kind")]
