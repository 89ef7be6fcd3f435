"""OAuth 2: tokens for an id and a secret, for a refresh token that somebody got once, or for a signed assertion."""

from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote_plus

from pydantic import Field, SecretStr, field_validator, model_validator

from seawall.clients.auth.assertions import Assertion, signing_key
from seawall.clients.auth.credentials import Means, TokenCredentials, in_base64, sendable
from seawall.clients.auth.keepers import KeptTokens
from seawall.clients.auth.login import SCHEME, TokenPath
from seawall.clients.auth.shared import OwnTokens, SharedTokenAuth
from seawall.clients.auth.tokens import TokenAuth, TokenRequest
from seawall.clients.http.urls import HttpUrl

_BY_RUNS: Final = "Kept by runs; leave it empty."


class OAuth2(TokenCredentials, title="OAuth 2"):
    """OAuth 2: an id and a secret (RFC 6749 §4.4), or a refresh token (§6), are exchanged for a token, again and again.

    A refresh token that the server replaces is replaced in the block, too.
    """

    kind: Literal["oauth2"] = "oauth2"
    token_url: HttpUrl
    client_id: str
    client_secret: SecretStr | None = Field(None, description="A public client with a refresh token has none.")
    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    refresh_token: SecretStr | None = Field(None, description="Which a login in a browser brought, for that grant.")
    scope: str | None = Field(None, description="Scopes, separated by blanks.")
    client_authentication: Literal["header", "body"] = Field(
        "header", description="Where id and secret go: HTTP Basic, or the form itself (RFC 6749 §2.3.1)."
    )
    extra_fields: dict[str, str] = Field(default_factory=dict, description="More fields, such as audience; no secrets.")
    access_token_path: TokenPath = Field("access_token")
    refresh_token_path: TokenPath = Field("refresh_token")
    expires_in_path: TokenPath = Field("expires_in")
    scheme: str = Field("Bearer", pattern=SCHEME, description="What stands before the token.")
    access_token: SecretStr | None = Field(None, description=_BY_RUNS)
    access_token_stale_at: float | None = Field(None, description=_BY_RUNS)

    @field_validator("refresh_token")
    @classmethod
    def _printable(cls, token: SecretStr | None) -> SecretStr | None:
        return token and sendable(token)

    @model_validator(mode="after")
    def _complete(self) -> "OAuth2":
        if self.grant == "refresh_token" and not _revealed(self.refresh_token):
            raise ValueError("grant 'refresh_token' takes a refresh_token: log in once in a browser, and fill it in")
        if self.grant == "client_credentials" and not _revealed(self.client_secret):
            raise ValueError("grant 'client_credentials' takes a client_secret")
        if self.grant == "client_credentials" and self.refresh_token is not None:
            raise ValueError("refresh_token is for grant 'refresh_token', and this is 'client_credentials'")
        return self

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return [self.token_url]

    def secrets(self) -> list[str]:
        """The secrets, the client's also as a header has it."""
        return [*super().secrets(), *([in_base64(*self._basic())] if self.client_secret else [])]

    def choices(self) -> dict[str, object]:
        """Which client asks, and for what."""
        return self.model_dump(include={"client_id", "scope", "extra_fields"})

    def login_request(self) -> TokenRequest:
        """Asks for a token with what the form holds."""
        return self.refresh_request(_revealed(self.refresh_token)) or self._request({"grant_type": self.grant})

    def refresh_request(self, refresh_token: str) -> TokenRequest | None:
        """Asks for a token with a refresh token; None where the credentials serve for that (RFC 6749 §4.4.3)."""
        if self.grant == "client_credentials":
            return None
        return self._request({"grant_type": self.grant, "refresh_token": refresh_token})

    def build(self, means: Means) -> TokenAuth:
        """The httpx.Auth that gets tokens, with retries of its own; refresh tokens that rotate go by the keeper."""
        if self.grant == "client_credentials":
            return means.token_auth(self)
        keeper = means.keeper or OwnTokens(KeptTokens(refresh=_revealed(self.refresh_token)))
        return SharedTokenAuth(
            self,
            send=means.desk(),
            keeper=keeper,
            wait=means.pacing.sleep,
            clock=means.clock,
            today=means.today,
        )

    def _request(self, fields: dict[str, str]) -> TokenRequest:
        make = partial(TokenRequest, url=self.token_url, as_form=True, is_in_body=self.is_in_body)
        fields = self.extra_fields | fields | ({"scope": self.scope} if self.scope else {})
        if self.client_authentication == "header" and self.client_secret:
            return make(fields=fields, basic=self._basic())
        client = {"client_id": self.client_id}
        if self.client_secret:
            client["client_secret"] = _revealed(self.client_secret)
        return make(fields=fields | client)

    def _basic(self) -> tuple[str, str]:
        """Id and secret as HTTP Basic takes them (RFC 6749 §2.3.1)."""
        return quote_plus(self.client_id), quote_plus(_revealed(self.client_secret))


class JwtBearer(TokenCredentials, title="JWT bearer"):
    """A service account: what its private key signs is exchanged for a token, again and again (RFC 7523 §2.1)."""

    kind: Literal["jwt_bearer"] = "jwt_bearer"
    token_url: HttpUrl
    issuer: str = Field(min_length=1, description="Who signs, such as the address of a service account.")
    private_key: SecretStr = Field(description="RSA, or EC on the curve P-256, as PEM text without a passphrase.")
    subject: str | None = Field(None, description="Whose data it is, where that is somebody else.")
    audience: str | None = Field(None, description="Empty: the token URL.")
    scope: str | None = Field(None, description="Scopes, separated by blanks.")
    key_id: str | None = Field(None, description="By which the server finds the public key, where it has several.")
    extra_fields: dict[str, str] = Field(default_factory=dict, description="More fields of the form; no secrets.")
    access_token_path: TokenPath = Field("access_token")
    refresh_token_path: TokenPath = Field("refresh_token")
    expires_in_path: TokenPath = Field("expires_in")
    scheme: str = Field("Bearer", pattern=SCHEME, description="What stands before the token.")

    @field_validator("private_key")
    @classmethod
    def _usable(cls, key: SecretStr) -> SecretStr:
        return SecretStr(signing_key(key.get_secret_value()))

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return [self.token_url]

    def choices(self) -> dict[str, object]:
        """Who asks, for whom, and for what."""
        return self.model_dump(include={"issuer", "subject", "scope", "extra_fields"})

    def login_request(self) -> TokenRequest:
        """Asks for a token with an assertion, which is signed anew for each attempt."""
        claims: dict[str, Any] = {"iss": self.issuer, "aud": self.audience or self.token_url}
        claims |= {"sub": self.subject} if self.subject else {}
        scope = {"scope": self.scope} if self.scope else {}  # some read it in the form (RFC 7521 §4.1), some signed
        grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
        return TokenRequest(
            url=self.token_url,
            fields=self.extra_fields | grant | scope,
            as_form=True,
            assertion=Assertion(claims | scope, self.private_key.get_secret_value(), self.key_id),
            is_in_body=self.is_in_body,
        )

    def refresh_request(self, refresh_token: str) -> TokenRequest | None:
        """None: another assertion serves for that (RFC 7521 §4.1)."""
        return None

    def build(self, means: Means) -> TokenAuth:
        """The httpx.Auth that gets tokens, with retries of its own."""
        return means.token_auth(self)


def _revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
