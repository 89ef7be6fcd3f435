"""Proxies: which URLs of one we accept, and what of them is secret."""

import base64

import httpx


def proxy_url(text: str) -> str:
    """The URL of a proxy; raises ValueError, which never shows it, where it is none."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        raise ValueError("not a URL") from None
    if url.scheme not in ("http", "https") or not url.host or url.path not in ("", "/") or url.query:
        raise ValueError("a proxy is http:// or https:// with a host and a port, and nothing behind these")
    return str(url)


def credentials_of(url: httpx.URL) -> list[str]:
    """What of a proxy's URL no text may show: its password, or a key in the place of the username, and the header."""
    if not url.userinfo:
        return []
    header = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return [url.password or url.username, header]
