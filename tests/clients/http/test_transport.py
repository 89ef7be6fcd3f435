"""The transport: what it relies on inside httpx, and what its client sends."""

import httpcore
import httpx

from seawall.clients.http.transport import USER_AGENT, http_client, http_transport
from seawall.clients.http.wire import Wire
from seawall.tests.wireserver import WireServer, as_json, in_turn


def test_httpx_still_keeps_its_connection_pool_and_network_backend_where_we_put_the_wire() -> None:
    pool = httpx.HTTPTransport()._pool
    assert isinstance(pool, httpcore.ConnectionPool)
    assert isinstance(pool._network_backend, httpcore.NetworkBackend)


def test_every_connection_goes_over_the_wire() -> None:
    wire = Wire()
    transport = http_transport(wire, max_in_flight=1)
    with (
        WireServer(in_turn(as_json({}))) as server,
        http_client(transport, connect_timeout=5, read_timeout=5) as client,
    ):
        assert client.get(server.url).status_code == 200
        assert len(wire._streams) == 1, "httpx connects without the wire: deadlines no longer hold"
    (request,) = server.requests
    assert request.headers["user-agent"] == USER_AGENT


def test_the_time_limits_of_a_client_are_those_it_is_given() -> None:
    with http_client(httpx.MockTransport(lambda _: httpx.Response(200)), connect_timeout=1, read_timeout=2) as client:
        assert client.timeout == httpx.Timeout(connect=1, read=2, write=2, pool=2)
