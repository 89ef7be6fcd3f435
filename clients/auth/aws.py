"""AWS: requests signed with Signature Version 4."""

import threading
from collections.abc import Generator
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlencode

import botocore.session
import httpx
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as AwsCredentials
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from pydantic import Field, SecretStr, field_validator, model_validator

from seawall.clients.auth.credentials import Credentials, Means, sendable
from seawall.clients.errors import AuthenticationError
from seawall.clients.redact import SECRETS

_SIGNED: Final = ("host", "content-type")  # besides x-amz-*; a proxy may change any other


class AwsSigV4(Credentials, title="AWS Signature 4"):
    """A signature over each request, as API Gateway, OpenSearch and other services of AWS want it.

    Without a key the usual places are looked at: the environment, profiles, the role of the machine.
    """

    kind: Literal["aws_sigv4"] = "aws_sigv4"
    service: str = Field(pattern=r"^[a-z0-9-]{1,64}$", description="Such as execute-api or es.")
    region: str = Field(pattern=r"^[a-z0-9-]{1,64}$", description="Such as eu-central-1.")
    access_key_id: str | None = Field(None, pattern=r"^[A-Za-z0-9_]{1,128}$", description="Empty: the usual places.")
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = Field(None, description="With keys that live for hours.")

    @field_validator("session_token")
    @classmethod
    def _sendable(cls, token: SecretStr | None) -> SecretStr | None:
        return token and sendable(token)

    @model_validator(mode="after")
    def _complete(self) -> "AwsSigV4":
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise ValueError("access_key_id and secret_access_key belong together; without both the usual places count")
        if self.session_token and not self.access_key_id:
            raise ValueError("session_token takes the access_key_id and secret_access_key that came with it")
        return self

    def choices(self) -> dict[str, object]:
        """Which service of which region; keys rotate."""
        return {"service": self.service, "region": self.region}

    def build(self, means: Means) -> "AwsAuth":
        """The httpx.Auth that signs; keys of the usual places are looked for when the first request is."""
        credentials = None
        if self.access_key_id and self.secret_access_key:
            token = self.session_token.get_secret_value() if self.session_token else None
            credentials = AwsCredentials(self.access_key_id, self.secret_access_key.get_secret_value(), token)
        return AwsAuth(self.service, self.region, credentials)


class AwsAuth(httpx.Auth):
    """Signs method, URL, headers and body of each request, at the time when it is sent.

    Raises:
        AuthenticationError: no credentials are in any of the usual places.
    """

    requires_request_body = True

    def __init__(self, service: str, region: str, credentials: AwsCredentials | None) -> None:
        self._service = service
        self._region = region
        self._credentials = credentials
        self._masked: set[str] = set()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"AwsAuth({self._service}, {self._region})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request."""
        query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        if query:  # AWS reads a blank as %20 alone
            request.url = request.url.copy_with(query=urlencode(query, quote_via=quote, safe="-_.~").encode())
        signed = {name: text for name, text in request.headers.items() if name in _SIGNED or name.startswith("x-amz-")}
        aws = AWSRequest(request.method, str(request.url), headers=signed, data=request.content)
        kind = S3SigV4Auth if self._service == "s3" else SigV4Auth
        kind(self._frozen(), self._service, self._region).add_auth(aws)
        request.headers.update({name: text for name, text in aws.headers.items() if name.lower() != "host"})
        yield request

    def forget(self) -> None:
        """Mask no keys any longer that were found: whoever used them is closed."""
        with self._lock:
            SECRETS.discard(*self._masked)
            self._masked.clear()

    def _frozen(self) -> ReadOnlyCredentials:
        """The keys that are good now; those of the usual places are renewed by botocore, and masked."""
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = botocore.session.Session().get_credentials()
                frozen = self._credentials and self._credentials.get_frozen_credentials()
            except BotoCoreError as error:
                raise AuthenticationError(f"no AWS credentials: {error}") from error
            if not frozen:
                raise AuthenticationError(
                    "no AWS credentials: fill in access_key_id and secret_access_key of the source, or let this "
                    "machine have them in its environment, a profile or a role"
                )
            fresh = {secret for secret in (frozen.secret_key, frozen.token) if secret} - self._masked
            SECRETS.add(*fresh)
            self._masked |= fresh
            return frozen
