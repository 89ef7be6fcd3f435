"""The wire under httpx: an absolute deadline for all reads of a request, and a way to hang up at once.

httpx limits each read, so a server that drips a byte a second never trips its timeout. Here every read
waits for at most what is left of the deadline that its thread has set.
"""

import contextlib
import socket
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from seawall.clients.limits import READ_BYTES


class _Deadline(threading.local):
    at: float | None = None


_deadline = _Deadline()


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let all network operations of this thread end within `seconds`; late ones raise httpx timeouts.

    A deadline set inside it takes its place meanwhile: a login on the way to a page has time of its own.
    """
    outer, _deadline.at = _deadline.at, time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.at = outer


def _within(timeout: float | None) -> float | None:
    if _deadline.at is None:
        return timeout
    left = max(_deadline.at - time.monotonic(), 0.001)  # zero would make the socket non-blocking
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A network stream whose operations all keep to the deadline of their thread."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What arrives next, more of it than httpcore asks for; past the deadline raises `httpcore.ReadTimeout`."""
        if _deadline.at is not None and time.monotonic() > _deadline.at:
            raise httpcore.ReadTimeout("the deadline of the request has passed")
        return self._stream.read(max(max_bytes, READ_BYTES), _within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        self._stream.write(buffer, _within(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on over TLS."""
        self._stream = self._stream.start_tls(ssl_context, server_hostname, _within(timeout))
        return self

    def get_extra_info(self, info: str) -> Any:
        """What the stream knows, such as its `socket`."""
        return self._stream.get_extra_info(info)


class Wire(httpcore.SyncBackend):
    """A network backend that keeps deadlines and knows its open sockets."""

    def __init__(self) -> None:
        self._streams: weakref.WeakSet[_Stream] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._hung_up = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection, within the deadline; after `hang_up` raises `httpcore.ConnectError`."""
        stream = _Stream(super().connect_tcp(host, port, _within(timeout), local_address, socket_options))
        with self._lock:
            if not self._hung_up:
                self._streams.add(stream)
                return stream
        stream.close()
        raise httpcore.ConnectError("we have hung up")

    def hang_up(self) -> None:
        """Shut every open socket down, so that threads waiting on one return now, and open no new one."""
        with self._lock:
            self._hung_up = True
            streams = list(self._streams)
        for stream in streams:
            _shut(stream)


def hang_up(response: httpx.Response) -> None:
    """Shut the connection of a response down, so that it serves no other request."""
    _shut(response.extensions.get("network_stream"))


def _shut(stream: httpcore.NetworkStream | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError, AttributeError):  # it is closed already
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
