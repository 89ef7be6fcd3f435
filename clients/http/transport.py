"""Transport: connections with absolute deadlines, and the client that sends requests over them."""

import ssl
from typing import Final

import httpx

from seawall.clients.http.certificates import add_client_certificate
from seawall.clients.http.wire import Wire

USER_AGENT: Final = "seawall"


def http_transport(
    wire: Wire, *, max_in_flight: int, ca_certificates: str = "", client_certificate: str = "", proxy: str = ""
) -> httpx.HTTPTransport:
    """Connections over `wire`, so that deadlines are absolute, those by way of a `proxy` included.

    Certificates are always checked: by the public authorities, and by those in `ca_certificates`, as PEM text. The
    `client_certificate`, with its key, is shown to the source and to whoever gives out tokens, never to the proxy.
    """
    connections = max_in_flight + 1  # a login needs one while all others wait for it
    context = _verifying(ca_certificates)
    if client_certificate:
        add_client_certificate(context, client_certificate)
    transport = httpx.HTTPTransport(
        verify=context,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        proxy=httpx.Proxy(proxy, ssl_context=_context_for(proxy, ca_certificates)) if proxy else None,
    )
    transport._pool._network_backend = wire  # noqa: SLF001  # httpx has no parameter for httpcore's
    return transport


def _verifying(ca_certificates: str) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if ca_certificates:
        context.load_verify_locations(cadata=ca_certificates)
    return context


def _context_for(proxy: str, ca_certificates: str) -> ssl.SSLContext | None:
    """What checks the certificate of a proxy, where it is spoken to over TLS."""
    return _verifying(ca_certificates) if httpx.URL(proxy).scheme == "https" else None


def http_client(transport: httpx.BaseTransport, *, connect_timeout: float, read_timeout: float) -> httpx.Client:
    """What sends requests: timeouts in seconds, no redirects, no proxies of the environment.

    `read_timeout` bounds any other wait for the network, too.
    """
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
        headers={
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        },
        follow_redirects=False,
        trust_env=False,
    )
