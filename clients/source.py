"""A source: one API endpoint with its auth and pagination, as a Prefect block that people fill in."""

import hashlib
import json
import re
import ssl
from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Final, get_args

from prefect.blocks.core import Block, schema_extra
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationInfo, field_validator, model_validator

from seawall.clients.auth.forms import HEADER_NAME, Auth, NoAuth
from seawall.clients.auth.tokens import is_sendable
from seawall.clients.http.urls import HttpUrl as EndpointUrl
from seawall.clients.http.urls import is_private_to_us, without_query
from seawall.clients.pagination.kinds import Pagination
from seawall.clients.pagination.numbered import PageNumber

_SECRET_DICTS = ("params", "headers")
_SCHEME: Final = re.compile(r"[A-Za-z0-9-]+ +(\S+)")  # such as Bearer, and the secret after it (RFC 9110 §11.4)
_SCHEMAS: Final[dict[object, dict[str, Any]]] = {}


def _as_form(schema: dict[str, Any], model: "type[ApiSource]") -> None:
    """The schema that Prefect's API masks secrets by, and that its UI draws the form from.

    The API masks the values in a dict of secrets for `params.*`, but derives `params`. The UI offers the choices
    of `anyOf` as tabs; the classic one draws a bare editor for `oneOf`.
    """
    schema_extra(schema, model)
    schema["secret_fields"] = [f"{name}.*" if name in _SECRET_DICTS else name for name in schema["secret_fields"]]
    for choice in schema["properties"].values():
        if "oneOf" in choice:
            choice["anyOf"] = choice.pop("oneOf")
            del choice["discriminator"]


_LOGOS: Final = "https://raw.githubusercontent.com/PrefectHQ/prefect"  # whose own blocks for HTTP have this one

SHORTEST_SECRET_FIELD: Final = 8  # a shorter param or header, such as `active=1`, is hidden in forms, not in texts


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
    records_path: str = Field("data", description="Where the list of records stands, dotted; empty: the body itself.")
    page_size: int = Field(1000, ge=1, le=1_000_000, description="Records to ask for in a page.")
    record_key: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Field that no two records share, dotted; several with commas between. Empty: not checked."
    )
    volatile: tuple[Annotated[str, Field(min_length=1, max_length=500)], ...] = Field(
        (),
        description="Fields that are new in every answer, dotted, such as signed_url; not compared between pages.",
    )
    params: dict[str, SecretStr] = Field(default_factory=dict, description="Query parameters of every request.")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="Headers of every request.")
    connect_timeout: Seconds = Field(10.0, description="Seconds to open a connection.")
    read_timeout: Seconds = Field(60.0, description="Seconds without a byte from the server.")
    page_deadline: Seconds = Field(300.0, description="Seconds for one request, from first byte to last.")
    max_attempts: int = Field(12, ge=1, le=100, description="Requests for one page before it counts as failed.")
    max_retry_after: Seconds = Field(300.0, description="Longest Retry-After that is obeyed, in seconds.")
    give_up_after: int = Field(50, ge=1, description="Failures in a row, over all pages, that end the run.")
    max_page_bytes: int = Field(256 * 2**20, ge=1024, description="Largest body that is accepted, decompressed.")
    max_record_bytes: int = Field(64 * 2**20, ge=2, description="Largest record; larger ones are set aside.")
    max_pages: int = Field(10_000_000, ge=1, le=99_999_999, description="Pages of one walk.")
    max_bytes: int = Field(2**40, ge=1024, description="Bytes of one walk, as received, in each process.")
    max_hours: float = Field(168.0, gt=0, le=8_760, description="Hours of one walk, in each process.")
    allowed_origins: tuple[EndpointUrl, ...] = Field(
        (), description="Other origins where a next page may be, such as https://eu.example.com; secrets go there, too."
    )
    ca_certificates: str = Field("", description="Authorities to trust besides the public ones, as PEM text.")
    max_rate: float | None = Field(None, gt=0, description="Most requests a second; empty: no limit of ours.")

    @classmethod
    def model_json_schema(cls, *args: Any, **settings: Any) -> dict[str, Any]:
        """The schema of the form, in which the kind of a choice cannot be mistyped or left out.

        Prefect asks for it once for each field when a block is saved, and making it takes a while.
        """
        call = (cls, args, tuple(settings.items()))
        if call not in _SCHEMAS:
            schema = super().model_json_schema(*args, **settings)
            for choice in schema.get("definitions", {}).values():
                if kind := choice["properties"].get("kind"):
                    kind["enum"] = [kind["const"]]
                    choice["required"] = ["kind", *choice.get("required", [])]
            _SCHEMAS[call] = schema
        return deepcopy(_SCHEMAS[call])

    @field_validator("auth", "pagination", mode="before")
    @classmethod
    def _with_kind(cls, value: Any, info: ValidationInfo) -> Any:
        """Add the kind where only one of them fits: the classic UI leaves out what equals a default."""
        if not value or not isinstance(value, dict) or "kind" in value:
            return value
        kinds = get_args(cls.model_fields[str(info.field_name)].annotation)
        fitting = [kind for kind in kinds if _required(kind) <= set(value) <= set(kind.model_fields)]
        return {"kind": fitting[0].model_fields["kind"].default, **value} if len(fitting) == 1 else value

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            text = value.get_secret_value()
            if not HEADER_NAME.fullmatch(name) or not is_sendable(text):
                raise ValueError(
                    f"no request can carry the header {name!r}: it has to be ASCII in one line, without outer blanks"
                )
        return headers

    @field_validator("ca_certificates")
    @classmethod
    def _readable(cls, text: str) -> str:
        try:
            if text:
                ssl.create_default_context(cadata=text)
        except (ssl.SSLError, ValueError):
            raise ValueError("these are no certificates in PEM form, with -----BEGIN CERTIFICATE-----") from None
        return text

    @model_validator(mode="after")
    def _keep_secrets_off_the_open_wire(self) -> "ApiSource":
        secret = not isinstance(self.auth, NoAuth) or self.headers or self.params
        for url in [self.url, *self.allowed_origins, *self.auth.urls()] if secret else []:
            if not is_private_to_us(url):
                raise ValueError(f"{without_query(url)}: secrets are only sent over https://, or to this machine")
        return self

    def secrets(self) -> list[str]:
        """Every secret value of the block, to be masked wherever text leaves the process."""
        credentials = [value.get_secret_value() for _, value in self.auth if isinstance(value, SecretStr)]
        fields = [value.get_secret_value() for value in (*self.params.values(), *self.headers.values())]
        schemes = (_SCHEME.fullmatch(value.get_secret_value()) for value in self.headers.values())
        fields += [scheme[1] for scheme in schemes if scheme]
        return credentials + [text for text in fields if len(text) >= SHORTEST_SECRET_FIELD and text != self.name]

    def revealed_params(self) -> dict[str, str]:
        """The query parameters of every request, in clear."""
        return {name: value.get_secret_value() for name, value in self.params.items()}

    def fingerprint(self, *, page_size: int, params: Mapping[str, str], salt: Annotated[str, "the run id"]) -> str:
        """What decides which records come in which order, and how pages are compared, as 32 hexadecimal digits.

        Credentials, limits and `missing_next_ends` may change between a run and its resumption, these may not. Params
        can hold secrets, so the digest is slow and salted (PBKDF2, RFC 8018): nobody can guess them from it.
        """
        decisive = {
            "url": self.url,
            "pagination": self.pagination.model_dump(exclude={"missing_next_ends"}),
            "records_path": self.records_path,
            "page_size": page_size,
            "params": self.revealed_params() | dict(params),
        }
        decisive |= {name: value for name in ("record_key", "volatile") if (value := getattr(self, name))}
        text = json.dumps(decisive, sort_keys=True).encode()
        return hashlib.pbkdf2_hmac("sha256", text, salt.encode(), 100_000, dklen=16).hex()
