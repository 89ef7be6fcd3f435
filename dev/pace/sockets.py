"""The same over sockets: each contender is a process that walks until it is stopped; the server counts."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Final

from seawall.dev.pace.cases import CASES
from seawall.dev.pace.servers import Server
from seawall.dev.process import ROOT

SECONDS: Final = 20.0  # that count, after
LEARNING: Final = 5.0  # seconds
RIVALS: Final = ROOT / ".venv-bench/bin/python"
WALKED: Final = (
    "100/s, burst 20, 429", "the same, Retry-After 1", "7/s, burst 2", "200 in 5 s, RateLimit headers",
    "100 in 4 s, 503 with Retry-After", "20 at once, 100 ms", "3 at once, 503 beyond", "no limit, 300 ms",
    "knee at 20, 100 ms",
)  # fmt: skip
RECORDS: Final = [{"id": number, "name": f"customer {number}"} for number in range(10)]
PAGES: Final = 1_000_000


class Hidden:
    """An HTTP server over a limit; it counts from LEARNING seconds after the first request on."""

    def __init__(self, server: Server) -> None:
        self.served = self.refused = 0
        self.latency = 0.0
        self._server = server
        self._began: float | None = None
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self.url = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Hidden":
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def began(self) -> bool:
        """Whether a request came."""
        return self._began is not None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = self._loop.run_until_complete(asyncio.start_server(self._answer, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/customers"
        self._listening.set()
        self._loop.run_forever()
        self._loop.set_exception_handler(lambda *_: None)  # connections that are cut now are no news
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                now = time.monotonic()
                self._began = now if self._began is None else self._began
                reply = self._server.reply(now - self._began)
                await asyncio.sleep(reply.seconds)
                if LEARNING <= now - self._began < LEARNING + SECONDS:
                    self.served += reply.status == 200
                    self.refused += reply.status in (429, 503)
                    self.latency += reply.seconds if reply.status == 200 else 0.0
                writer.write(_message(reply.status, reply.headers, head))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _message(status: int, headers: Mapping[str, str], head: bytes) -> bytes:
    number = int(head.split(b"page=")[1].split(b"&")[0].split(b" ")[0]) if b"page=" in head else 1
    records = [record | {"id": 10 * number + at} for at, record in enumerate(RECORDS)]
    body = {"metadata": {"total_pages": PAGES, "total_records": 10 * PAGES}, "data": records}
    content = json.dumps(body if status == 200 else {}).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{start}{lines}\r\n".encode() + content


OURS: Final = """
import sys
from loguru import logger
logger.remove()
import logging; logging.disable()
from seawall.clients.api import ApiClient
from seawall.clients.source import ApiSource
source = ApiSource(name="customers", url=sys.argv[1], page_size=10, give_up_after=1_000_000, max_attempts=100)
with ApiClient(source, page_size=10) as client:
    client.first_page()
    for outcome in client.pages(1, 1_000_000):
        pass
"""
FIXED: Final = """
import random, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import httpx
until, lock, numbers = 0.0, threading.Lock(), iter(range(1, 1_000_000))
client = httpx.Client(limits=httpx.Limits(max_connections=8))
def walk():
    global until
    while True:
        with lock:
            number = next(numbers)
        tries = 0
        while True:
            time.sleep(max(0.0, until - time.monotonic()))
            answer = client.get(sys.argv[1], params={"page": number, "limit": 10})
            if answer.status_code == 200:
                break
            wish = answer.headers.get("Retry-After")
            wait = float(wish) if wish else random.uniform(0, min(30.0, 2.0 ** tries))
            if answer.status_code == 429 or wish:
                until = max(until, time.monotonic() + wait)
            else:
                time.sleep(random.uniform(0, min(30.0, 0.25 * 2.0 ** tries)))
            tries += 1
with ThreadPoolExecutor(8) as pool:
    for _ in range(8):
        pool.submit(walk)
"""
LOOP: Final = """
import sys
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry
session = requests.Session()
retry = Retry(total=1000, backoff_factor=0.5, status_forcelist=[429, 500, 503], respect_retry_after_header=True)
session.mount("http://", HTTPAdapter(max_retries=retry))
for page in range(1, 1_000_000):
    session.get(sys.argv[1], params={"page": page, "limit": 10}, timeout=60).raise_for_status()
"""
DLT: Final = """
import os, sys
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator
base, _, path = sys.argv[1].rpartition("/")
paginator = PageNumberPaginator(base_page=1, total_path="metadata.total_pages")
for page in RESTClient(base_url=base, paginator=paginator).paginate(path, params={"limit": 10}, data_selector="data"):
    pass
"""
CONTENDERS: Final = {"loop": LOOP, "dlt": DLT, "fixed 8": FIXED, "seawall": OURS}


def main(names: str = "") -> None:
    """The table, a row for each server as it is done; `names` are contenders, by commas."""
    wanted = [name for name in CONTENDERS if not names or name in names.split(",")]
    print(f"\nover sockets, {SECONDS:.0f} s after {LEARNING:.0f} s of learning: used, rejected")
    print(f"{'server':34s}" + "".join(f"{name:>18s}" for name in wanted))
    for name in WALKED:
        print(f"{name:34s}", end="", flush=True)
        for contender in wanted:
            print(f"{_cell(name, contender):>18s}", end="", flush=True)
        print()


def _cell(name: str, contender: str) -> str:
    """What one contender did: the share that it used, and that was rejected."""
    server = CASES[name].server(1)
    python = str(RIVALS) if contender in ("loop", "dlt") else sys.executable
    with Hidden(server) as hidden:
        process = subprocess.Popen(
            [python, "-c", CONTENDERS[contender], hidden.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not hidden.began and process.poll() is None:
                time.sleep(0.05)
            time.sleep(LEARNING + SECONDS + 0.5)
            ended = " (ended)" if process.poll() is not None else ""
        finally:
            process.kill()
            process.wait()
    used = hidden.served / server.permits(LEARNING, LEARNING + SECONDS)
    return f"{used:.2f} {100 * hidden.refused / max(1, hidden.refused + hidden.served):.1f}%{ended}"
