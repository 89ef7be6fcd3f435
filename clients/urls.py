"""URLs: which ones we accept, and how we show them."""

import ipaddress
from typing import Annotated

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
    parsed = httpx.URL(url)
    if parsed.scheme == "https" or parsed.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(parsed.host).is_loopback
    except ValueError:
        return False
