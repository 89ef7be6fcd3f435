"""A source: one API endpoint with its auth and pagination, as a Prefect block that people fill in."""

import hashlib
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, get_args

import httpx
import msgspec
from prefect.blocks.core import Block, schema_extra
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seawall.clients import values
from seawall.clients.auth.credentials import Means
from seawall.clients.auth.forms import HEADER_NAME, Auth, NoAuth
from seawall.clients.auth.keepers import TokenKeeper
from seawall.clients.auth.login import Session
from seawall.clients.auth.tokens import is_sendable
from seawall.clients.form import refuse_unknown
from seawall.clients.http.certificates import client_certificate
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.proxies import credentials_of, proxy_url
from seawall.clients.http.urls import HttpUrl as EndpointUrl
from seawall.clients.http.urls import is_encrypted, is_private_to_us, without_query
from seawall.clients.pages.paths import PathInBody
from seawall.clients.pages.rules import Rule
from seawall.clients.pagination.chained import LinkHeader, NextUrl
from seawall.clients.pagination.kinds import Pagination, decisive_settings, refuse_unaskable
from seawall.clients.pagination.numbered import PageNumber
from seawall.clients.pagination.parameters import PAGE_IN_PATH
from seawall.clients.values import Json, Texts, Values

_SECRET_DICTS: Final = ("secret_params", "secret_headers")
_SCHEME: Final = re.compile(r"[A-Za-z0-9-]+ +(\S+)")  # such as Bearer, and the secret after it (RFC 9110 §11.4)
_ACCEPTED: Final = {  # by what a body is; the client asks for JSON by itself
    "jsonl": "application/x-ndjson, application/jsonl, application/json;q=0.5",
    "csv": "text/csv",
}
_LISTS: Final = frozenset(_ACCEPTED)  # whose bodies are a list of records and nothing else
_SCHEMAS: Final[dict[object, bytes]] = {}


def _as_form(schema: dict[str, Any], model: "type[ApiSource]") -> None:
    """The schema that Prefect's API masks secrets by, and that its UI draws the form from.

    The API masks the values in a dict of secrets for `secret_params.*`, but derives `secret_params`. The UI offers the
    choices of `anyOf` as tabs; the classic one draws a bare editor for `oneOf`.
    """
    schema_extra(schema, model)
    schema["secret_fields"] = [f"{name}.*" if name in _SECRET_DICTS else name for name in schema["secret_fields"]]
    for choice in schema["properties"].values():
        if "oneOf" in choice:
            choice["anyOf"] = choice.pop("oneOf")
            del choice["discriminator"]


FINGERPRINT_ROUNDS: Final = 100_000  # of PBKDF2
_LOGOS: Final = "https://raw.githubusercontent.com/PrefectHQ/prefect"  # whose own blocks for HTTP have this one


def _required(kind: type[BaseModel]) -> set[str]:
    return {name for name, field in kind.model_fields.items() if field.is_required()}


Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ApiSource(Block):
    """One API endpoint: where its pages are, how to get in, how pages are asked for, what bounds a request.

    Example:
        Save a source once, then name it in runs:

        ```python
        from seawall.clients.source import ApiSource

        ApiSource(
            name="customers",
            url="https://api.example.com/customers",
            auth={"kind": "login", "login_url": "https://api.example.com/login", "username": "me", "password": "…"},
        ).save("customers")
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True, json_schema_extra=_as_form)

    _block_type_name = "API Source"
    _block_type_slug = "api-source"
    _description = "One endpoint of a paginated HTTP API, with its authentication, its pagination and its limits."
    _logo_url = HttpUrl(f"{_LOGOS}/420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos/webhook.png")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="Names the dataset and its folder.")
    url: EndpointUrl = Field(description="The endpoint whose pages are landed.")
    auth: Auth = Field(default_factory=NoAuth, description="How to get in.")
    pagination: Pagination = Field(default_factory=PageNumber, description="How pages are asked for.")
    method: Literal["GET", "POST"] = Field("GET", description="How pages are asked for.")
    body: Json = Field(None, description="What every request has for a body, as JSON; with POST.")
    records_path: PathInBody = Field("data", description="Where the list of records stands; empty: the body itself.")
    missing_records: Literal["fail", "empty"] = Field(
        "fail", description="What a page is without a list of records there: no page, or an empty one."
    )
    rules: tuple[Rule, ...] = Field(
        (), description="What answers mean that are not what they seem; the first that holds."
    )
    decode: Literal["json", "jsonl", "csv"] = Field(
        "json", description="What a body is: one JSON text, a record in each line, or rows below a header row."
    )
    csv_delimiter: str = Field(",", pattern=r'^[^"\r\n]$', description="What stands between two cells of CSV.")
    records_as: Literal["list", "by_id", "one"] = Field(
        "list", description="What stands there: a list; an object of records by id; or one record for a list of one."
    )
    page_size: int = Field(1000, ge=1, le=1_000_000, description="Records to ask for in a page.")
    record_key: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Field that no two records share, dotted; several with commas between. Empty: not checked."
    )
    volatile: tuple[Annotated[str, Field(min_length=1, max_length=500)], ...] = Field(
        (),
        description="Fields that are new in every answer, dotted, such as signed_url; not compared between pages.",
    )
    params: Values = Field(default_factory=dict, description="Query parameters of every request; a list is repeated.")
    headers: Values = Field(default_factory=dict, description="Headers of every request; a list is repeated.")
    secret_params: dict[str, SecretStr] = Field(default_factory=dict, description="Those that nobody may see.")
    secret_headers: dict[str, SecretStr] = Field(default_factory=dict, description="Those that nobody may see.")
    keep_params: bool = Field(default=False, description="Put the parameters back into a next URL that lacks them.")
    next_origin: Literal["same", "rewrite"] = Field(
        "same", description="Where a next URL leads to another origin: refuse it, or take its path and query alone."
    )
    connect_timeout: Seconds = Field(10.0, description="Seconds to open a connection.")
    read_timeout: Seconds = Field(60.0, description="Seconds without a byte from the server.")
    page_deadline: Seconds = Field(300.0, description="Seconds for one request, from first byte to last.")
    ready_deadline: Seconds = Field(1800.0, description="Seconds to wait for a page that is not ready yet (202).")
    max_attempts: int = Field(12, ge=1, le=100, description="Requests for one page before it counts as failed.")
    max_retry_after: Seconds = Field(300.0, description="Longest Retry-After that is obeyed, in seconds.")
    give_up_after: int = Field(50, ge=1, description="Failures in a row, over all pages, that end the run.")
    max_page_bytes: int = Field(64 * 2**20, ge=1024, description="Largest body that is accepted, decompressed.")
    max_page_records: int = Field(100_000, ge=1, description="Most records of a page that is accepted.")
    max_record_bytes: int = Field(64 * 2**20, ge=2, description="Largest record; larger ones are set aside.")
    max_pages: int = Field(10_000_000, ge=1, le=99_999_999, description="Pages of one walk.")
    max_bytes: int = Field(2**40, ge=1024, description="Bytes of one walk, as received, in each process.")
    max_hours: float = Field(168.0, gt=0, le=8_760, description="Hours of one walk, in each process.")
    allowed_origins: tuple[EndpointUrl, ...] = Field(
        (), description="Other origins where a next page may be, such as https://eu.example.com; secrets go there, too."
    )
    ca_certificates: str = Field("", description="Authorities to trust besides the public ones, as PEM text.")
    client_certificate: SecretStr | None = Field(
        None, description="By which the source knows us: a certificate and its key, as PEM text without a passphrase."
    )
    proxy: SecretStr | None = Field(
        None, description="Through which all requests go, such as http://proxy.example.com:3128; may hold credentials."
    )
    allow_http: bool = Field(default=False, description="Secrets may go over http:// to hosts inside; reports say so.")
    max_rate: float | None = Field(None, gt=0, description="Most requests a second; empty: no limit of ours.")
    shared_limit: str = Field(
        "",
        max_length=200,
        description="Global concurrency limit of Prefect, with slot decay, that all processes share; empty: none.",
    )

    @classmethod
    def model_json_schema(cls, *args: Any, **settings: Any) -> dict[str, Any]:
        """The schema of the form, in which the kind of a choice cannot be mistyped or left out.

        Prefect asks for it once for each field when a block is saved, and making it takes a while. Whoever asks may
        change what he gets, and reading JSON is several times as fast as a deep copy.
        """
        call = (cls, args, tuple(settings.items()))
        if call not in _SCHEMAS:
            schema = super().model_json_schema(*args, **settings)
            for choice in schema.get("definitions", {}).values():
                if kind := choice["properties"].get("kind"):
                    kind["enum"] = [kind["const"]]
                    choice["required"] = ["kind", *choice.get("required", [])]
            _SCHEMAS[call] = msgspec.json.encode(schema)
        return msgspec.json.decode(_SCHEMAS[call], type=dict[str, Any])

    @field_validator("auth", "pagination", mode="before")
    @classmethod
    def _with_kind(cls, value: Any, info: ValidationInfo) -> Any:
        """Add the kind where only one of them fits: the classic UI leaves out what equals a default.

        Whoever wants a session names it: its fields are those of a login.
        """
        if not value or not isinstance(value, dict) or "kind" in value:
            return value
        kinds = [kind for kind in get_args(cls.model_fields[str(info.field_name)].annotation) if kind is not Session]
        fitting = [kind for kind in kinds if _required(kind) <= set(value) <= set(kind.model_fields)]
        return {"kind": fitting[0].model_fields["kind"].default, **value} if len(fitting) == 1 else value

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        """Refuse names that there are not, and keep what is a credential by its name with the secrets."""
        refuse_unknown(given, [*cls.model_fields, "block_type_slug"])
        if not isinstance(given, dict):
            return given
        top = {"records_path": ""} if given.get("decode", "json") in _LISTS else {}
        return _with_page_in_path(_with_secrets_apart(top | given))

    @model_validator(mode="after")
    def _sendable(self) -> "ApiSource":
        for name, text in self.header_items():
            if not HEADER_NAME.fullmatch(name) or not is_sendable(text):
                raise ValueError(
                    f"no request can carry the header {name!r}: it has to be ASCII in one line, without outer blanks"
                )
        for plain, secret in ((self.params, self.secret_params), (self.headers, self.secret_headers)):
            if twice := sorted(plain.keys() & secret.keys()):
                raise ValueError(f"{twice[0]!r} is named twice: in the open, and as a secret")
        return self

    @model_validator(mode="after")
    def _askable(self) -> "ApiSource":
        refuse_unaskable(self.pagination, url=self.url, method=self.method, body=self.body)
        return self

    @model_validator(mode="after")
    def _listed_once(self) -> "ApiSource":
        if self.decode in _LISTS and (self.records_path or self.records_as != "list"):
            raise ValueError(
                f'decode is "{self.decode}", so a body is the list of records itself: leave records_path empty, '
                'and records_as "list"'
            )
        return self

    @field_validator("ca_certificates")
    @classmethod
    def _readable(cls, text: str) -> str:
        try:
            if text:
                ssl.create_default_context(cadata=text)
        except (ssl.SSLError, ValueError):
            raise ValueError("these are no certificates in PEM form, with -----BEGIN CERTIFICATE-----") from None
        return text

    @field_validator("client_certificate")
    @classmethod
    def _usable(cls, pem: SecretStr | None) -> SecretStr | None:
        return SecretStr(client_certificate(pem.get_secret_value())) if pem and pem.get_secret_value() else None

    @field_validator("proxy")
    @classmethod
    def _reachable(cls, url: SecretStr | None) -> SecretStr | None:
        return SecretStr(proxy_url(url.get_secret_value())) if url and url.get_secret_value() else None

    @model_validator(mode="after")
    def _keep_secrets_off_the_open_wire(self) -> "ApiSource":
        if not self.allow_http and (open_urls := self.open_urls()):
            raise ValueError(
                f"{open_urls[0]}: secrets are only sent over https://, or to this machine; allow_http permits it"
            )
        return self

    def open_urls(self) -> list[str]:
        """Where secrets go over http:// to other machines, as we show URLs; none unless `allow_http` permits it."""
        urls = [self.url, *self.allowed_origins, *self.auth.urls()]
        private = is_private_to_us if self._goes_out_directly() else is_encrypted
        open_urls = [url for url in urls if not private(url)] if self._sends_secrets() else []
        proxy = [self._proxy()] if self._proxy().userinfo and not is_private_to_us(str(self._proxy())) else []
        return [without_query(url) for url in [*open_urls, *(str(each.copy_with(userinfo=b"")) for each in proxy)]]

    def connection(self) -> dict[str, str]:
        """How connections are opened: whom they trust, what they show, by which way they go."""
        return {
            "ca_certificates": self.ca_certificates,
            "client_certificate": self.client_certificate.get_secret_value() if self.client_certificate else "",
            "proxy": str(self._proxy()),
        }

    def _sends_secrets(self) -> bool:
        return bool(self._request_secrets()) or not isinstance(self.auth, NoAuth)

    def _goes_out_directly(self) -> bool:
        """Whether what is for this machine stays on it."""
        return not self._proxy().host or is_private_to_us(str(self._proxy().copy_with(scheme="http")))

    def _proxy(self) -> httpx.URL:
        return httpx.URL(self.proxy.get_secret_value() if self.proxy else "")

    def _links_go_without(self, params: object) -> str:
        """Whether next URLs are asked for as they are, though params went with the first one."""
        is_by_url = isinstance(self.pagination, NextUrl | LinkHeader)
        return "as they are" if is_by_url and params and not self.keep_params else ""

    def secrets(self) -> list[str]:
        """Every secret value of the block, to be masked wherever text leaves the process."""
        connection = [self.client_certificate.get_secret_value()] if self.client_certificate else []
        return [*self._request_secrets(), *connection, *credentials_of(self._proxy())]

    def _request_secrets(self) -> list[str]:
        declared = [value.get_secret_value() for value in (*self.secret_params.values(), *self.secret_headers.values())]
        schemes = [scheme[1] for text in declared if (scheme := _SCHEME.fullmatch(text))]
        return [
            *self.auth.secrets(),
            *declared,
            *schemes,
            *values.credentials_in(self.url),
            *values.credentials_within(self.body),
        ]

    def signer(
        self,
        client: httpx.Client,
        pacing: Pacing,
        *,
        keeper: TokenKeeper | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> httpx.Auth:
        """What signs its requests; tokens are asked for through `client`, those that rotate are with `keeper`."""
        means = Means(
            client=client, pacing=pacing, max_retry_after=self.max_retry_after, url=self.url, keeper=keeper, clock=clock
        )
        return self.auth.build(means)

    def query(self) -> Texts:
        """The query parameters of every request, in clear."""
        return values.texts(self.params) | _revealed(self.secret_params)

    def header_items(self) -> list[tuple[str, str]]:
        """The headers of every request, in clear; among them what to answer, unless that is said or goes without."""
        own = list(values.each(values.texts(self.headers) | _revealed(self.secret_headers)))
        accept = _ACCEPTED.get(self.decode) if all(name.lower() != "accept" for name, _ in own) else None
        return [("Accept", accept), *own] if accept else own

    def fingerprint(self, *, page_size: int, params: Mapping[str, str], salt: Annotated[str, "the run id"]) -> str:
        """What decides which records come in which order, and how pages are compared, as 32 hexadecimal digits.

        Secrets, limits, and what says which answers end a walk or are no page, may change between a run and its
        resumption, these may not: of secret params and headers the names count. Params may hold secrets even so, and
        the URL, too: the digest is slow and salted (PBKDF2, RFC 8018), so nobody can guess them from it.
        """
        decisive: dict[str, object] = {
            "url": self.url,
            "pagination": decisive_settings(self.pagination),
            "records_path": self.records_path,
            "page_size": page_size,
            "params": values.texts(self.params) | dict.fromkeys(self.secret_params) | dict(params),
        }
        others = {
            "headers": values.texts(self.headers) | dict.fromkeys(self.secret_headers),
            "auth": self.auth.choices(),
            "record_key": self.record_key,
            "volatile": self.volatile,
            "method": self.method if self.method != "GET" else None,
            "body": self.body,
            "links": self._links_go_without(decisive["params"]),
            "decode": self.decode if self.decode != "json" else "",
            "csv_delimiter": self.csv_delimiter if self.csv_delimiter != "," else "",
            "records_as": self.records_as if self.records_as != "list" else "",
        }
        decisive |= {name: value for name, value in others.items() if value}
        text = json.dumps(decisive, sort_keys=True).encode()
        return hashlib.pbkdf2_hmac("sha256", text, salt.encode(), FINGERPRINT_ROUNDS, dklen=16).hex()


def _with_page_in_path(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form, in which no parameter has the number of the page where that stands in the URL."""
    value = given.get("pagination") or {}
    if PAGE_IN_PATH not in str(given.get("url")) or not isinstance(value, dict):
        return given
    is_plain = value.get("kind", "page_number") == "page_number" and value.get("page_param", "page") == "page"
    return given | {"pagination": value | {"page_param": ""}} if is_plain else given


def _with_secrets_apart(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form, with params and headers that are credentials by their names among the secrets."""
    given = dict(given)
    for name in ("params", "headers"):
        plain, secret = given.get(name), given.get(f"secret_{name}") or {}
        if isinstance(plain, dict) and isinstance(secret, dict):
            moved = {each: value for each, value in plain.items() if values.is_credential(each, value)}
            given[name] = {each: value for each, value in plain.items() if each not in moved}
            given[f"secret_{name}"] = secret | moved
    return given


def _revealed(secrets: Mapping[str, SecretStr]) -> Texts:
    return {name: value.get_secret_value() for name, value in secrets.items()}
