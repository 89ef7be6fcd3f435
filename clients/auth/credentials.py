"""Credentials: what all kinds of authentication share, as forms and as what signs requests."""

import base64
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from seawall.clients.auth.desk import token_desk
from seawall.clients.auth.keepers import TokenKeeper
from seawall.clients.auth.readings import Reading, found
from seawall.clients.auth.tokens import TokenAuth, TokenGrant, TokenRequest, is_sendable
from seawall.clients.form import Form
from seawall.clients.http.exchange import Answer
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.urls import with_params
from seawall.clients.pages import paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an httpx.Auth works with: `client` sends requests for tokens, `keeper` shares those that rotate.

    `url` is that of the source, whose origin may have its cookies; `clock` is monotonic, `today` counts from 1970.
    """

    client: httpx.Client
    pacing: Pacing
    max_retry_after: float = 300.0
    url: str = ""
    keeper: TokenKeeper | None = None
    clock: Callable[[], float] = time.monotonic
    today: Callable[[], float] = time.time

    def token_auth(self, grant: TokenGrant) -> TokenAuth:
        """What signs with a token of this process alone."""
        return TokenAuth(grant, send=self.desk(), clock=self.clock)

    def desk(self) -> Callable[[TokenRequest], Answer]:
        """What performs one request for a token, with attempts and a deadline of its own."""
        return token_desk(self.client, self.pacing, self.max_retry_after)


class Credentials(Form):
    """What all kinds share."""

    def secrets(self) -> list[str]:
        """What no text may show: the values of secret fields, and what requests make of them."""
        return [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]

    def choices(self) -> dict[str, object]:
        """What of it may choose the data, such as a tenant; a run cannot be resumed with other ones."""
        return {}

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return []

    def query_names(self) -> list[str]:
        """The query parameters that this kind adds to a URL."""
        return []

    def build(self, means: Means) -> httpx.Auth:
        """The httpx.Auth that signs requests."""
        return httpx.Auth()


class TokenCredentials(Credentials):
    """What kinds share whose token stands at a path of an answer, and behind a scheme in a header."""

    if TYPE_CHECKING:  # fields of those kinds, in the place that each form gives them
        access_token_path: str
        refresh_token_path: str
        expires_in_path: str
        scheme: str

    @property
    def token_name(self) -> str:
        """What an answer has to hold, for a message."""
        return self.access_token_path

    @property
    def is_in_body(self) -> bool:
        """Whether the token stands in the body of an answer."""
        return not self.access_token_path.startswith(paths.HEADER)

    def read(self, answer: Answer) -> Reading:
        """The tokens in an answer, and how long the first of them lives."""
        return Reading(
            access=found(answer, self.access_token_path),
            refresh=found(answer, self.refresh_token_path),
            life=found(answer, self.expires_in_path),
        )

    def sign(self, request: httpx.Request, access: str) -> None:
        """Add a token to a request."""
        request.headers["Authorization"] = f"{self.scheme} {access}"

    def refuses(self, response: httpx.Response) -> bool:
        """Whether an answer to a request says that its token is good no more."""
        return response.status_code == httpx.codes.UNAUTHORIZED


class Signature(httpx.Auth):
    """Adds fixed headers and query parameters to every request."""

    def __init__(self, *, headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> None:
        self._headers = headers or {}
        self._query = query or {}

    def __repr__(self) -> str:
        return f"Signature({', '.join((*self._headers, *self._query))})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request."""
        request.headers.update(self._headers)
        request.url = with_params(request.url, self._query)
        yield request


def in_base64(username: str, password: str) -> str:
    """A username and a password as HTTP Basic has them (RFC 7617 §2)."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def sendable(secret: SecretStr) -> SecretStr:
    """The secret, if a header can carry it; raises ValueError, which never shows it."""
    text = secret.get_secret_value()
    if not text or not is_sendable(text):
        raise ValueError("no request can carry this: it has to be ASCII in one line, without outer blanks")
    return secret
