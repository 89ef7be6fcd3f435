"""Transport: connections with absolute deadlines, and the client that sends requests over them."""

from typing import Final

import httpx

from seawall.clients.http.wire import Wire

USER_AGENT: Final = "seawall"


def http_transport(wire: Wire, *, max_in_flight: int, ca_certificates: str = "") -> httpx.HTTPTransport:
    """Connections over `wire`, so that deadlines are absolute.

    Certificates are always checked: by the public authorities, and by those in `ca_certificates`, as PEM text.
    """
    context = httpx.create_ssl_context(trust_env=False)
    if ca_certificates:
        context.load_verify_locations(cadata=ca_certificates)
    connections = max_in_flight + 1  # a login needs one while all others wait for it
    transport = httpx.HTTPTransport(
        verify=context, limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    )
    transport._pool._network_backend = wire  # noqa: SLF001  # httpx has no parameter for httpcore's
    return transport


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
