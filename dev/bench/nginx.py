"""nginx on loopback, serving prepared pages: a server fast enough not to be what is measured."""

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from seawall.dev.process import Process, free_ports, wait_for

_CONFIG: Final = """\
daemon off;
user {user};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    log_format times "$msec $request_time";
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/json;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    open_file_cache max=200000 inactive=1h;
    server {{
        listen 127.0.0.1:{port};
        location = /ready {{ return 204; }}
        location = /customers {{
            access_log {folder}/access.log times;
            root {pages};
            rewrite ^ /$arg_page.json break;
        }}
    }}
}}
"""


class Nginx:
    """A server of the page files in `pages`, with its own files in `folder`, running inside a `with` block."""

    def __init__(self, folder: Path, pages: Path) -> None:
        self._folder = folder
        self._pages = pages
        self._log = folder / "access.log"
        (self._port,) = free_ports(1)
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """The endpoint: `?page=1` is the first page, whatever `limit` says."""
        return f"http://127.0.0.1:{self._port}/customers"

    def forget(self) -> None:
        """Begin a new log of requests."""
        with self._log.open("r+b") as log:
            log.truncate()

    def requests(self) -> tuple[int, float]:
        """Since `forget`: how many requests, and when the first began, in seconds since 1970.

        nginx writes a line after it has sent the answer, so a client can be faster than the log. Its one
        worker takes up another request only when that line is written: one is made before the log is read.
        """
        self._is_ready()
        lines = [tuple(map(float, line.split())) for line in self._log.read_text().splitlines()]
        if not lines:
            raise RuntimeError(f"nothing asked for {self.url}")
        return len(lines), min(ended - took for ended, took in lines)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "nginx.conf"
        user = self._folder.owner()
        config.write_text(_CONFIG.format(folder=self._folder, pages=self._pages, port=self._port, user=user))
        errors = self._folder / "error.log"
        command = [_nginx(), "-p", str(self._folder), "-c", str(config), "-e", str(errors)]
        self._process = Process(command, log=errors, environment=os.environ)
        try:
            wait_for(self._is_ready, self._process, "nginx")
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.stop()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(self.url.replace("/customers", "/ready"), trust_env=False).is_success
        except httpx.HTTPError:
            return False


def _nginx() -> str:
    """The `nginx` program, which Debian keeps where only root looks."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError("nginx is not installed; 'apt-get install nginx-light' (or your system's like) installs it")
    return found
