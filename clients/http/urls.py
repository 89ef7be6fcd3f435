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


def is_encrypted(url: str) -> bool:
    """Whether what goes to `url` goes over TLS."""
    return httpx.URL(url).scheme == "https"


def origin(url: str | httpx.URL) -> str:
    """Scheme, host and port, the port even where it is the scheme's default (RFC 6454 §4)."""
    parts = httpx.URL(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.host}:{port}"


def with_params(url: httpx.URL, params: Mapping[str, str | tuple[str, ...]]) -> httpx.URL:
    """The URL with these query parameters in place of its own of the same names; the others stay byte for byte.

    A link may be signed, so what a server wrote is not encoded again. Several texts of one name are repeated.
    """
    if not params:
        return url
    query = without_params(url, params).query
    return url.copy_with(query=b"&".join(filter(None, (query, urlencode(params, doseq=True).encode()))))


def with_missing(url: httpx.URL, params: Mapping[str, str | tuple[str, ...]]) -> httpx.URL:
    """The URL with those of the query parameters that it lacks; the others stay byte for byte."""
    return with_params(url, {name: value for name, value in params.items() if name not in url.params})


def veiled(url: str, own: httpx.URL) -> str:
    """The URL with a mark in place of each value that it has from the query of our `own`, which may hold a secret."""
    parts = httpx.URL(url)
    veils = {unquote_plus(piece.decode()): veil for veil, piece in _veils(own).items()}
    return str(_with_pieces(parts, [veils.get(unquote_plus(piece.decode()), piece) for piece in _pieces(parts)]))


def unveiled(url: str, own: httpx.URL) -> httpx.URL:
    """What was veiled."""
    parts, values = httpx.URL(url), _veils(own)
    return _with_pieces(parts, [values.get(piece, piece) for piece in _pieces(parts)])


def _veils(own: httpx.URL) -> dict[bytes, bytes]:
    """The parameters of a URL by what stands in their place."""
    return {
        b"%b=%%2A%%2A%%2A%d" % (piece.partition(b"=")[0], at): piece for at, piece in enumerate(_pieces(own)) if piece
    }


def _pieces(url: httpx.URL) -> list[bytes]:
    """The parameters in the query of a URL, as they are written."""
    return url.query.split(b"&") if url.query else []


def _with_pieces(url: httpx.URL, pieces: list[bytes]) -> httpx.URL:
    return url if pieces == _pieces(url) else url.copy_with(query=b"&".join(pieces) or None)


def without_params(url: httpx.URL, names: Iterable[str]) -> httpx.URL:
    """The URL without the query parameters of these names; the others stay byte for byte."""
    exclusions = set(names)
    pieces = _pieces(url)
    others = [piece for piece in pieces if unquote_plus(piece.partition(b"=")[0].decode()) not in exclusions]
    return url if len(others) == len(pieces) else url.copy_with(query=b"&".join(others) or None)
