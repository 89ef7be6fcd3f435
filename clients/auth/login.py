"""Logins with a username and a password: for a token, or for a session that cookies hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import httpx
from pydantic import Field, SecretStr

from seawall.clients.auth.credentials import Credentials, Means, TokenCredentials
from seawall.clients.auth.readings import Reading
from seawall.clients.auth.tokens import TokenAuth, TokenRequest
from seawall.clients.errors import LoginRejectedError
from seawall.clients.http.exchange import Answer
from seawall.clients.http.urls import HttpUrl, origin, without_query
from seawall.clients.pages.paths import Path
from seawall.clients.values import SHORTEST_CREDENTIAL

SCHEME: Final = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"  # a token, RFC 9110 §5.6.2
TokenPath = Annotated[Path, Field(min_length=1)]


class Login(TokenCredentials):
    """Log in with a username and a password, and refresh the token where the source offers it.

    Field names are those of the requests, paths those of the answers.
    """

    kind: Literal["login"] = "login"
    login_url: HttpUrl
    username: str
    password: SecretStr
    refresh_url: HttpUrl | None = None
    username_field: str = Field("username", min_length=1)
    password_field: str = Field("password", min_length=1)
    refresh_field: str = Field("refresh_token", min_length=1)
    access_token_path: TokenPath = Field("access_token", description="Such as data.token, or header:X-Auth-Token.")
    refresh_token_path: TokenPath = Field("refresh_token")
    expires_in_path: TokenPath = Field("expires_in")
    login_fields: dict[str, str] = Field(default_factory=dict, description="More fields of the login; no secrets.")
    refresh_fields: dict[str, str] = Field(default_factory=dict, description="More fields of a refresh; no secrets.")
    body: Literal["json", "form"] = "json"
    scheme: str = Field("Bearer", pattern=SCHEME, description="What stands before the token.")

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return [url for url in (self.login_url, self.refresh_url) if url]

    def choices(self) -> dict[str, object]:
        """Who logs in, and what else is sent."""
        return self.model_dump(include={"username", "login_fields", "refresh_fields"})

    def login_request(self) -> TokenRequest:
        """Asks for a token with username and password."""
        credentials = {self.username_field: self.username, self.password_field: self.password.get_secret_value()}
        return self._request(self.login_url, self.login_fields | credentials)

    def refresh_request(self, refresh_token: str) -> TokenRequest | None:
        """Asks for a token with a refresh token, where the source has a URL for that."""
        if not self.refresh_url:
            return None
        return self._request(self.refresh_url, self.refresh_fields | {self.refresh_field: refresh_token})

    def build(self, means: Means) -> TokenAuth:
        """The httpx.Auth that logs in, with retries of its own."""
        return means.token_auth(self)

    def _request(self, url: str, fields: dict[str, str]) -> TokenRequest:
        return TokenRequest(url=url, fields=fields, as_form=self.body == "form", is_in_body=self.is_in_body)


class Session(Credentials):
    """Log in with a username and a password, and keep the cookies that the answer sets (RFC 6265)."""

    kind: Literal["session"] = "session"
    login_url: HttpUrl
    username: str
    password: SecretStr
    username_field: str = Field("username", min_length=1)
    password_field: str = Field("password", min_length=1)
    login_fields: dict[str, str] = Field(default_factory=dict, description="More fields of the login; no secrets.")
    body: Literal["form", "json"] = "form"

    def urls(self) -> list[str]:
        """Where secrets are sent besides the source itself."""
        return [self.login_url]

    def choices(self) -> dict[str, object]:
        """Who logs in, and what else is sent."""
        return self.model_dump(include={"username", "login_fields"})

    def build(self, means: Means) -> TokenAuth:
        """The httpx.Auth that logs in, with retries of its own."""
        return means.token_auth(SessionGrant(form=self, origin=origin(means.url)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGrant:
    """How a session is asked for and used: its token is the text of a Cookie header, which one `origin` alone gets."""

    form: Session
    origin: str
    token_name = "session cookie"  # noqa: S105  # a name

    def login_request(self) -> TokenRequest:
        """Asks for a session."""
        form = self.form
        credentials = {form.username_field: form.username, form.password_field: form.password.get_secret_value()}
        fields = form.login_fields | credentials
        return TokenRequest(url=form.login_url, fields=fields, as_form=form.body == "form", is_in_body=False)

    def refresh_request(self, refresh_token: str) -> None:
        """None: the credentials serve for that."""

    def read(self, answer: Answer) -> Reading:
        """The cookies that an answer sets. Raises LoginRejectedError where it leads back to the login."""
        if self._leads_to_login(answer.status, answer.url, answer.headers):
            raise LoginRejectedError(f"{without_query(answer.url)} answers {answer.status} and leads back to the login")
        cookies = dict(filter(None, map(_cookie, answer.headers.get_list("set-cookie"))))
        secrets = [value for value in cookies.values() if len(value) >= SHORTEST_CREDENTIAL]
        return Reading(access=_as_header(cookies), secrets=secrets)

    def sign(self, request: httpx.Request, access: str) -> None:
        """Add the cookies, in place of what the client remembers by the same names; other origins get none of them."""
        ours, others = _cookies_in(access), _cookies_in(request.headers.get("Cookie", ""))
        cookies = {name: value for name, value in others.items() if name not in ours}
        if origin(request.url) == self.origin:
            cookies |= ours
        request.headers.pop("Cookie", None)
        if cookies:
            request.headers["Cookie"] = _as_header(cookies)

    def refuses(self, response: httpx.Response) -> bool:
        """Whether an answer says that the session is over: a 401, or a redirect to the login."""
        return response.status_code == httpx.codes.UNAUTHORIZED or self._leads_to_login(
            response.status_code, response.request.url, response.headers
        )

    def _leads_to_login(self, status: int, url: httpx.URL, headers: Mapping[str, str]) -> bool:
        location = headers.get("Location", "")
        if not httpx.codes.is_redirect(status) or not location:
            return False
        try:
            return without_query(url.join(location)) == without_query(self.form.login_url)
        except httpx.InvalidURL:
            return False


def _cookie(header: str) -> tuple[str, str] | None:
    """Name and value that a Set-Cookie header sets; None where it takes a cookie away (RFC 6265 §5.2)."""
    pair, *attributes = (piece.strip() for piece in header.split(";"))
    name, _, value = pair.partition("=")
    is_over = any(attribute.lower().replace(" ", "") == "max-age=0" for attribute in attributes)
    return None if is_over or not name or not value.strip('"') else (name.strip(), value.strip())


def _cookies_in(header: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in header.split("; ") if pair)
    return {name: value for name, _, value in pairs}


def _as_header(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
