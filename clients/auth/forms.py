"""Authentication: the kinds that there are, as forms that people fill in; each becomes an httpx.Auth."""

import re
from typing import Annotated, Final, Literal

import httpx
from pydantic import Field, SecretStr, field_validator

from seawall.clients.auth.aws import AwsSigV4
from seawall.clients.auth.credentials import Credentials, Means, Signature, in_base64, sendable
from seawall.clients.auth.login import SCHEME, Login, Session
from seawall.clients.auth.oauth import JwtBearer, OAuth2

SHORTEST_PASSWORD: Final = 8  # characters; beside a shorter one, the username is a key
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token, RFC 9110 §5.6.2


class NoAuth(Credentials, title="None"):
    """The source needs no credentials."""

    kind: Literal["none"] = "none"


class Bearer(Credentials, title="Bearer token"):
    """A fixed token, which no request can renew."""

    kind: Literal["bearer"] = "bearer"
    token: SecretStr
    scheme: str = Field("Bearer", pattern=SCHEME, description="What stands before the token.")

    @field_validator("token")
    @classmethod
    def _sendable(cls, token: SecretStr) -> SecretStr:
        return sendable(token)

    def build(self, means: Means) -> httpx.Auth:
        """The httpx.Auth that adds the token."""
        return Signature(headers={"Authorization": f"{self.scheme} {self.token.get_secret_value()}"})


class ApiKey(Credentials, title="API key"):
    """A key in a header or in the query of every request."""

    kind: Literal["api_key"] = "api_key"
    name: str = Field("X-Api-Key", pattern=SCHEME, description="Of the header or parameter.")
    key: SecretStr
    place: Literal["header", "query"] = "header"

    @field_validator("key")
    @classmethod
    def _sendable(cls, key: SecretStr) -> SecretStr:
        return sendable(key)

    def query_names(self) -> list[str]:
        """The query parameters that this kind adds to a URL."""
        return [self.name] if self.place == "query" else []

    def build(self, means: Means) -> httpx.Auth:
        """The httpx.Auth that adds the key."""
        return Signature(**{"headers" if self.place == "header" else "query": {self.name: self.key.get_secret_value()}})


class Basic(Credentials):
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
        return [secret.get_secret_value(), in_base64(*self._both())]

    def choices(self) -> dict[str, object]:
        """Who asks; a key may change."""
        return {} if self.has_key_for_username else {"username": self.username.get_secret_value()}

    def build(self, means: Means) -> httpx.Auth:
        """The httpx.Auth that adds both."""
        return httpx.BasicAuth(*self._both())

    def _both(self) -> tuple[str, str]:
        return self.username.get_secret_value(), self.password.get_secret_value()


Auth = Annotated[
    NoAuth | Login | Bearer | ApiKey | Basic | OAuth2 | JwtBearer | AwsSigV4 | Session, Field(discriminator="kind")
]
