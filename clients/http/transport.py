"""Transport: the HTTP client of a source, its connections with absolute deadlines."""

from typing import Final

import httpx

from seawall.clients.http.wire import Wire
from seawall.clients.source import ApiSource

USER_AGENT: Final = "seawall"


def http_transport(source: ApiSource, wire: Wire, max_in_flight: int) -> httpx.HTTPTransport:
    """Connections over `wire`, so that deadlines are absolute; certificates are always checked."""
    context = httpx.create_ssl_context(trust_env=False)
    if source.ca_certificates:
        context.load_verify_locations(cadata=source.ca_certificates)
    connections = max_in_flight + 1  # a login needs one while all others wait for it
    transport = httpx.HTTPTransport(
        verify=context, limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    )
    transport._pool._network_backend = wire  # noqa: SLF001  # httpx has no parameter for httpcore's
    return transport


def http_client(source: ApiSource, transport: httpx.BaseTransport) -> httpx.Client:
    """What sends requests: the source's time limits, no redirects, no proxies of the environment."""
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(source.read_timeout, connect=source.connect_timeout),
        headers={
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        },
        follow_redirects=False,
        trust_env=False,
    )
