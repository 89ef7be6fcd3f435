"""The wire under httpx: an absolute deadline for all reads of a request, and a way to hang up at once.

httpx limits each read, so a server that drips a byte a second never trips its timeout. Here every read
waits for at most what is left of the deadline that its thread has set.
"""

import contextlib
import functools
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any, Final

import httpcore
import httpx
from httpcore._backends.sync import TLSinTLSStream
from httpcore._exceptions import map_exceptions

from seawall.clients.limits import READ_BYTES

_A_MOMENT: Final = 0.001  # seconds


class _Deadline(threading.local):
    at: float | None = None
    connecting: float | None = None  # seconds


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


@contextlib.contextmanager
def connecting_within(seconds: float | None) -> Iterator[None]:
    """Let no connection of this thread take longer to open, whatever its timeout; None sets no such bound."""
    outer, _deadline.connecting = _deadline.connecting, seconds
    try:
        yield
    finally:
        _deadline.connecting = outer


def _within(*timeouts: float | None) -> float | None:
    left = None if _deadline.at is None else max(_deadline.at - time.monotonic(), 0.001)  # zero would not block
    return min((seconds for seconds in (left, *timeouts) if seconds is not None), default=None)


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
        """Go on over TLS, within the TLS of a proxy where one is there already."""
        timeout, inner = _within(timeout, _deadline.connecting), self.get_extra_info("socket")
        if isinstance(inner, ssl.SSLSocket):
            with map_exceptions({TimeoutError: httpcore.ConnectTimeout, OSError: httpcore.ConnectError}):
                self._stream = TLSinTLSStream(_Punctual(inner), ssl_context, server_hostname, timeout)  # type: ignore[arg-type]
        else:
            self._stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return self

    def get_extra_info(self, info: str) -> Any:
        """What the stream knows, such as its `socket`."""
        return self._stream.get_extra_info(info)


class _Punctual:
    """A socket below TLS in TLS whose reads all keep to the deadline of their thread.

    There httpcore reads until a record is whole, each time with the timeout of the first.
    """

    def __init__(self, inner: ssl.SSLSocket) -> None:
        self._inner = inner
        self._end: float | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def settimeout(self, timeout: float | None) -> None:
        """Let all reads from now on together end within `timeout`."""
        self._end = None if timeout is None else time.monotonic() + timeout
        self._inner.settimeout(timeout)

    def recv(self, max_bytes: int) -> bytes:
        """What arrives next; past the end raises TimeoutError."""
        if self._end is not None:
            if (left := self._end - time.monotonic()) <= 0:
                raise TimeoutError("the deadline of the request has passed")
            self._inner.settimeout(left)
        return self._inner.recv(max_bytes)


class Wire(httpcore.SyncBackend):
    """A network backend that keeps deadlines and knows its open sockets."""

    def __init__(self) -> None:
        self._streams: weakref.WeakSet[_Stream] = weakref.WeakSet()
        self._connecting: set[Future[httpcore.NetworkStream]] = set()
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
        """Open a connection, within the deadline; after `hang_up` raises `httpcore.ConnectError`.

        It opens in a thread of its own: neither a name server that hangs nor the number of addresses makes it last.
        """
        timeout = _within(timeout, _deadline.connecting)
        connect = functools.partial(super().connect_tcp, host, port, timeout, local_address, socket_options)
        coming: Future[httpcore.NetworkStream] = Future()
        with self._lock:
            if self._hung_up:
                raise httpcore.ConnectError("we have hung up")
            self._connecting.add(coming)
        try:
            threading.Thread(target=_settle, args=(coming, connect), name="connect", daemon=True).start()
            stream = _Stream(_result(coming, timeout))
        finally:
            coming.cancel()  # whatever comes now is closed
            with self._lock:
                self._connecting.discard(coming)
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
            for coming in self._connecting:
                coming.cancel()
        for stream in streams:
            _shut(stream)


def _settle(coming: "Future[httpcore.NetworkStream]", connect: Callable[[], httpcore.NetworkStream]) -> None:
    """Open a connection for whoever waits for it, and close it where nobody does any more."""
    try:
        stream = connect()
    except Exception as error:  # noqa: BLE001  # whoever waits raises it
        if coming.set_running_or_notify_cancel():
            coming.set_exception(error)
        return
    if coming.set_running_or_notify_cancel():
        coming.set_result(stream)
    else:
        stream.close()


def _result(coming: "Future[httpcore.NetworkStream]", timeout: float | None) -> httpcore.NetworkStream:
    try:
        return coming.result(timeout)
    except CancelledError:
        raise httpcore.ConnectError("we have hung up") from None
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"no connection within {timeout:.1f} s") from None


def has_surplus(response: httpx.Response) -> bool:
    """Whether bytes follow a body that was read to its end, as far as they are here; its connection is still open.

    httpcore reads no further than the framing of a body says, and tells nobody what else it was given.
    """
    if (stream := response.extensions.get("network_stream")) is None:  # it came from no network
        return False
    body: Any = response.stream
    with contextlib.suppress(AttributeError):  # of an httpcore that is built otherwise; test_framings.py would tell
        if body._stream._httpcore_stream._stream._connection._h11_state.trailing_data[0]:  # noqa: SLF001
            return True
    return _comes_more(stream)


def _comes_more(stream: httpcore.NetworkStream) -> bool:
    """Whether a stream has bytes now; that it ended is no byte."""
    try:
        return bool(stream.get_extra_info("is_readable")) and bool(stream.read(1, timeout=_A_MOMENT))
    except (httpcore.TimeoutException, httpcore.NetworkError):  # what was there belongs to TLS
        return False


def hang_up(response: httpx.Response) -> None:
    """Shut the connection of a response down, so that it serves no other request."""
    _shut(response.extensions.get("network_stream"))


def _shut(stream: httpcore.NetworkStream | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError, AttributeError):  # it is closed already
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
