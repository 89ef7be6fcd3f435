"""A proxy on a real socket: forwards what is for http://, and opens tunnels for https://."""

import base64
import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from seawall.tests.wireserver import STEP


@dataclass
class ProxyServer:
    """Counts what passes; `credentials` are what it wants, `tls` what it speaks itself.

    One that `hangs` says nothing at all; `drips_after` so many bytes from the other side it hands on one at a time.
    """

    credentials: str | None = None
    tls: ssl.SSLContext | None = None
    hangs: bool = False
    drips_after: int | None = None
    tunnels: list[str] = field(default_factory=list)
    forwards: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    def __enter__(self) -> "ProxyServer":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            self._open.append(client)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := client.recv(65_536)):
                    return
                head += piece
            self._pass_on(client, head)

    def _pass_on(self, client: socket.socket, head: bytes) -> None:
        self.heads.append(head.decode("latin-1"))
        method, target, _ = self.heads[-1].split("\r\n")[0].split(" ")
        if self.hangs:
            client.recv(1)
        elif self.credentials and f"Basic {base64.b64encode(self.credentials.encode()).decode()}" not in self.heads[-1]:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        elif method == "CONNECT":
            self.tunnels.append(target)
            host, _, port = target.partition(":")
            upstream = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._splice(client, upstream)
        else:
            self.forwards.append(target)
            url = urlsplit(target)
            upstream = socket.create_connection((str(url.hostname), url.port or 80))
            path = target.split(url.netloc, 1)[1] or "/"
            upstream.sendall(head.replace(target.encode(), path.encode(), 1))
            self._splice(client, upstream)

    def _splice(self, client: socket.socket, upstream: socket.socket) -> None:
        self._open.append(upstream)
        threading.Thread(target=_pump, args=(upstream, client, self.drips_after), daemon=True).start()
        _pump(client, upstream)


def _pump(source: socket.socket, target: socket.socket, whole: int | None = None) -> None:
    passed = 0
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            passed += len(piece)
            if whole is None or passed <= whole:
                target.sendall(piece)
                continue
            for byte in piece:
                target.sendall(bytes([byte]))
                time.sleep(STEP)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
