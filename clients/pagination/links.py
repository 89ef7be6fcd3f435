"""Links: where a page says that the next one is, and whether we may go there."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import httpx

from seawall.clients.errors import MalformedPageError, OriginError
from seawall.clients.http.urls import origin, without_params
from seawall.clients.redact import SECRETS, neutral

_TARGET: Final = re.compile(r"[\s,]*<([^<>]*)>")
_PARAM: Final = re.compile(  # a token, then a token or a quoted string (RFC 8288 §3, RFC 9110 §5.6)
    r"""\s*;\s*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|('[^']*'|[^\s;,"]*)))?)?"""
)
NO_ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType({})
_END: Final = re.compile(r"\s*(?:,|$)")


def link_to(relation: str, header: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> str | None:
    """The target of the link with this relation, such as `next`, and these attributes; or None (RFC 8288 §3).

    Of several `rel` the first counts, relations are compared without case, and a link with an `anchor`
    speaks of another page than this. Single quotes, which some servers put around values, are left out.

    Raises:
        MalformedPageError: the header does not parse, so nobody knows whether it holds such a link.
    """
    position = 0
    while header[position:].strip(" \t,"):
        target = _TARGET.match(header, position)
        if target is None:
            break
        params, position = _params(header, target.end())
        if (end := _END.match(header, position)) is None:
            break
        is_meant = relation in params.get("rel", "").lower().split() and "anchor" not in params
        if is_meant and all(params.get(name.lower()) == text for name, text in attributes.items()):
            return target[1]
        position = end.end()
    else:
        return None
    raise MalformedPageError(f"the Link header does not parse (RFC 8288): {neutral(header)}")


def _params(header: str, position: int) -> tuple[dict[str, str], int]:
    """The parameters from `position` on, the first of a name counting, and where they end."""
    params: dict[str, str] = {}
    while (found := _PARAM.match(header, position)) is not None:
        name, quoted, plain = found.groups()
        if name:
            params.setdefault(
                name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else (plain or "").strip("'")
            )
        position = found.end()
    return params, position


def followed(
    text: str, base: httpx.URL, *, own: httpx.URL, allowed: Iterable[str], without: Iterable[str], rewrites: bool
) -> str:
    """The URL that `text` means on the page at `base`, without the parameters `without`, which are secret.

    The host of the source, `own`, is asked over https: where the source is, though a link says http:, as servers
    behind a proxy do. Where it `rewrites`, a link says which path and query, and the origin stays the source's own.

    Raises:
        MalformedPageError: it is no URL.
        OriginError: it leads to another origin (RFC 6454 §4) than `allowed`; nothing was sent there.
    """
    try:
        url = base.join(text).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        raise MalformedPageError(f"the next page is at no URL: {neutral(text)}") from None
    is_web = url.scheme in ("http", "https") and not url.userinfo
    if is_web and (rewrites or (url.host, url.scheme, own.scheme) == (own.host, "http", "https")):
        url = url.copy_with(scheme=own.scheme, host=own.host, port=own.port)
    if not is_web or origin(url) not in set(map(origin, [str(own), *allowed])):
        raise OriginError(
            f"the next page is said to be at another origin, {neutral(origin(url))}; nothing was sent there: "
            "if it belongs to the source, name it in allowed_origins; where it is the source by another name, set "
            "next_origin to rewrite"
        )
    return str(without_params(url, without))


def refuse_secret(token: str, number: int) -> None:
    """Raise OriginError where a token holds a secret that we know: receipts keep tokens, and never secrets."""
    if SECRETS.redact(token) != token:
        raise OriginError(
            f"what page {number} gives to ask for the next one holds a secret of the source, and receipts would keep it"
        )
