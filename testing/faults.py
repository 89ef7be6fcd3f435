"""Faults: answers that no source means to give, for `faults=` and for any side effect of a route."""

import json
from collections.abc import Iterator

import httpx

Answer = httpx.Response | Exception


def status(code: int, *, retry_after: float | str | None = None, text: str = "") -> httpx.Response:
    """A refusal, or whatever else comes with a status; `retry_after` in seconds, or a date as HTTP writes it."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return httpx.Response(code, headers=headers, text=text)


def not_json() -> httpx.Response:
    """A page for people, with status 200."""
    return httpx.Response(200, html="<html><body>We are back soon.</body></html>")


def cut(page: object) -> httpx.Response:
    """The JSON of a page, whose connection breaks in the middle."""
    body = json.dumps(page).encode()
    return httpx.Response(200, stream=_Cut(body[: len(body) // 2]))


def timeout() -> Exception:
    """No answer in time."""
    return httpx.ReadTimeout("The read operation timed out")


def reset() -> Exception:
    """A connection that is reset before an answer."""
    return httpx.ReadError("[Errno 104] Connection reset by peer")


class _Cut(httpx.SyncByteStream):
    """A body whose connection breaks where these bytes end."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
