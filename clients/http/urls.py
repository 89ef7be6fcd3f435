"""URLs: which ones we accept, and how we show them."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Annotated
from urllib.parse import unquote_plus, urlencode

import httpx
from pydantic import AfterValidator


def _http_url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ValueError("not a URL") from None  # httpx would quote the part that is wrong, perhaps a password
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("must begin with http:// or https:// and name a host")
    if url.userinfo:
        raise ValueError("must not hold a username or password; fill in 'auth' instead")
    return text


HttpUrl = Annotated[str, AfterValidator(_http_url)]


def without_query(url: str | httpx.URL) -> str:
    """The URL as we show it: query and fragment may hold secrets."""
    return str(httpx.URL(url).copy_with(query=None, fragment=None))


def is_private_to_us(url: str) -> bool:
    """Whether a secret may travel to `url`: over TLS, or in the clear on this machine alone."""
    parts = httpx.URL(url)
    if parts.scheme == "https" or parts.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.host).is_loopback
    except ValueError:
        return False


def origin(url: str | httpx.URL) -> str:
    """Scheme, host and port, the port even where it is the scheme's default (RFC 6454 §4)."""
    parts = httpx.URL(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.host}:{port}"


def with_params(url: httpx.URL, params: Mapping[str, str]) -> httpx.URL:
    """The URL with these query parameters in place of its own of the same names; the others stay byte for byte.

    A link may be signed, so what a server wrote is not encoded again.
    """
    if not params:
        return url
    query = without_params(url, params).query
    return url.copy_with(query=b"&".join(filter(None, (query, urlencode(params).encode()))))


def with_missing(url: str, params: Mapping[str, str]) -> str:
    """The URL with those of the query parameters that it lacks; the others stay byte for byte."""
    parts = httpx.URL(url)
    return str(with_params(parts, {name: value for name, value in params.items() if name not in parts.params}))


def without_params(url: httpx.URL, names: Iterable[str]) -> httpx.URL:
    """The URL without the query parameters of these names; the others stay byte for byte."""
    exclusions = set(names)
    pieces = url.query.split(b"&") if url.query else []
    others = [piece for piece in pieces if unquote_plus(piece.partition(b"=")[0].decode()) not in exclusions]
    return url if len(others) == len(pieces) else url.copy_with(query=b"&".join(others) or None)
