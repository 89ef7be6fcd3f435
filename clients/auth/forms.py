"""Authentication: forms that people fill in, and the httpx.Auth that each of them becomes."""

import base64
import re
from collections.abc import Generator
from typing import Annotated, Final, Literal
from urllib.parse import quote_plus

import httpx
from pydantic import Field, SecretStr, field_validator

from seawall.clients.auth.desk import token_desk
from seawall.clients.auth.tokens import TokenAuth, TokenRequest, is_sendable
from seawall.clients.form import Form
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.urls import HttpUrl, with_params

SHORTEST_PASSWORD: Final = 8  # characters; beside a shorter one, the username is a key
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token, RFC 9110 §5.6.2


class _Credentials(Form):
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

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> httpx.Auth:
        """The httpx.Auth that signs requests; one that gets tokens does so through `client`."""
        return httpx.Auth()


class NoAuth(_Credentials, title="None"):
    """The source needs no credentials."""

    kind: Literal["none"] = "none"


class Login(_Credentials):
    """Log in with a username and a password, and refresh the token where the source offers it.

    Field names are those of the requests, paths those of the answers, dotted.
    """

    kind: Literal["login"] = "login"
    login_url: HttpUrl
    username: str
    password: SecretStr
    refresh_url: HttpUrl | None = None
    username_field: str = Field("username", min_length=1)
    password_field: str = Field("password", min_length=1)
    refresh_field: str = Field("refresh_token", min_length=1)
    access_token_path: str = Field("access_token", min_length=1)
    refresh_token_path: str = Field("refresh_token", min_length=1)
    expires_in_path: str = Field("expires_in", min_length=1)
    login_fields: dict[str, str] = Field(default_factory=dict, description="More fields of the login; no secrets.")
    refresh_fields: dict[str, str] = Field(default_factory=dict, description="More fields of a refresh; no secrets.")
    body: Literal["json", "form"] = "json"
    scheme: str = Field("Bearer", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", description="What stands before the token.")

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return [url for url in (self.login_url, self.refresh_url) if url]

    def choices(self) -> dict[str, object]:
        """Who logs in, and what else is sent."""
        return self.model_dump(include={"username", "login_fields", "refresh_fields"})

    def login_request(self) -> TokenRequest:
        """Asks for a token with username and password."""
        credentials = {self.username_field: self.username, self.password_field: self.password.get_secret_value()}
        return TokenRequest(url=self.login_url, fields=self.login_fields | credentials, as_form=self.body == "form")

    def refresh_request(self, refresh_token: str) -> TokenRequest | None:
        """Asks for a token with a refresh token, where the source has a URL for that."""
        if not self.refresh_url:
            return None
        fields = self.refresh_fields | {self.refresh_field: refresh_token}
        return TokenRequest(url=self.refresh_url, fields=fields, as_form=self.body == "form")

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> TokenAuth:
        """The httpx.Auth that logs in through `client`, with retries of its own."""
        return TokenAuth(self, send=token_desk(client, pacing, max_retry_after))


class OAuth2(_Credentials, title="OAuth 2"):
    """OAuth 2 client credentials (RFC 6749 §4.4): an id and a secret are exchanged for a token, again and again."""

    kind: Literal["oauth2"] = "oauth2"
    token_url: HttpUrl
    client_id: str
    client_secret: SecretStr
    scope: str | None = Field(None, description="Scopes, separated by blanks.")
    client_authentication: Literal["header", "body"] = Field(
        "header", description="Where id and secret go: HTTP Basic, or the form itself (RFC 6749 §2.3.1)."
    )
    extra_fields: dict[str, str] = Field(default_factory=dict, description="More fields, such as audience; no secrets.")
    access_token_path: Literal["access_token"] = "access_token"  # noqa: S105  # a path (RFC 6749 §5.1)
    refresh_token_path: Literal["refresh_token"] = "refresh_token"  # noqa: S105  # a path
    expires_in_path: Literal["expires_in"] = "expires_in"
    scheme: Literal["Bearer"] = "Bearer"

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return [self.token_url]

    def secrets(self) -> list[str]:
        """The secret, also as a header has it."""
        return [*super().secrets(), _in_base64(*self._basic())]

    def choices(self) -> dict[str, object]:
        """Which client asks, and for what."""
        return self.model_dump(include={"client_id", "scope", "extra_fields"})

    def login_request(self) -> TokenRequest:
        """Asks for a token."""
        fields = (
            self.extra_fields | {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        )
        if self.client_authentication == "body":
            client = {"client_id": self.client_id, "client_secret": self.client_secret.get_secret_value()}
            return TokenRequest(url=self.token_url, fields=fields | client, as_form=True)
        return TokenRequest(url=self.token_url, fields=fields, as_form=True, basic=self._basic())

    def _basic(self) -> tuple[str, str]:
        """Id and secret as HTTP Basic takes them (RFC 6749 §2.3.1)."""
        return quote_plus(self.client_id), quote_plus(self.client_secret.get_secret_value())

    def refresh_request(self, refresh_token: str) -> TokenRequest | None:
        """None: the credentials serve for that (RFC 6749 §4.4.3)."""
        return None

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> TokenAuth:
        """The httpx.Auth that gets tokens through `client`, with retries of its own."""
        return TokenAuth(self, send=token_desk(client, pacing, max_retry_after))


class Bearer(_Credentials, title="Bearer token"):
    """A fixed token, which no request can renew."""

    kind: Literal["bearer"] = "bearer"
    token: SecretStr
    scheme: str = Field("Bearer", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", description="What stands before the token.")

    @field_validator("token")
    @classmethod
    def _sendable(cls, token: SecretStr) -> SecretStr:
        return sendable(token)

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> httpx.Auth:
        """The httpx.Auth that adds the token."""
        return Signature(headers={"Authorization": f"{self.scheme} {self.token.get_secret_value()}"})


class ApiKey(_Credentials, title="API key"):
    """A key in a header or in the query of every request."""

    kind: Literal["api_key"] = "api_key"
    name: str = Field("X-Api-Key", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", description="Of the header or parameter.")
    key: SecretStr
    place: Literal["header", "query"] = "header"

    @field_validator("key")
    @classmethod
    def _sendable(cls, key: SecretStr) -> SecretStr:
        return sendable(key)

    def query_names(self) -> list[str]:
        """The query parameters that this kind adds to a URL."""
        return [self.name] if self.place == "query" else []

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> httpx.Auth:
        """The httpx.Auth that adds the key."""
        return Signature(**{"headers" if self.place == "header" else "query": {self.name: self.key.get_secret_value()}})


class Basic(_Credentials):
    """A username and a password with every request (RFC 7617); a key may stand in place of the username."""

    kind: Literal["basic"] = "basic"
    username: SecretStr = Field(description="Without a colon (RFC 7617 §2).")
    password: SecretStr

    @field_validator("username")
    @classmethod
    def _without_colon(cls, username: SecretStr) -> SecretStr:
        if ":" in username.get_secret_value():
            raise ValueError("a username cannot hold a colon (RFC 7617 §2)")
        return username

    @property
    def has_key_for_username(self) -> bool:
        """Whether the username is what is secret, since the password is empty or a word such as `x`."""
        return len(self.password.get_secret_value()) < SHORTEST_PASSWORD

    def secrets(self) -> list[str]:
        """The password, or in its place the key, and both as a header has them."""
        secret = self.username if self.has_key_for_username else self.password
        return [secret.get_secret_value(), _in_base64(*self._both())]

    def choices(self) -> dict[str, object]:
        """Who asks; a key may change."""
        return {} if self.has_key_for_username else {"username": self.username.get_secret_value()}

    def build(self, client: httpx.Client, pacing: Pacing, max_retry_after: float) -> httpx.Auth:
        """The httpx.Auth that adds both."""
        return httpx.BasicAuth(*self._both())

    def _both(self) -> tuple[str, str]:
        return self.username.get_secret_value(), self.password.get_secret_value()


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


def _in_base64(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def sendable(secret: SecretStr) -> SecretStr:
    """The secret, if a header can carry it; raises ValueError, which never shows it."""
    text = secret.get_secret_value()
    if not text or not is_sendable(text):
        raise ValueError("no request can carry this: it has to be ASCII in one line, without outer blanks")
    return secret


Auth = Annotated[NoAuth | Login | Bearer | ApiKey | Basic | OAuth2, Field(discriminator="kind")]
