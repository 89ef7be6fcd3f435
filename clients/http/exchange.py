"""An exchange: one request on the wire, and its answer to the last byte."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import cast

import httpx

from seawall.clients.errors import AuthenticationError, SourceError
from seawall.clients.http.codings import decoded
from seawall.clients.http.retries import PROXY_REFUSAL, attempt_error
from seawall.clients.http.wire import hang_up, has_surplus


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it came; `content` is its body, decompressed, `seconds` the time from the request to its last byte.

    A refusal whose body cannot be read has no content: its status says enough. `surplus` is set where bytes came that
    the framing of the body does not count.
    """

    url: httpx.URL = field(repr=False)
    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)
    seconds: float
    surplus: bool = False


@contextlib.contextmanager
def exchange(
    client: httpx.Client, request: httpx.Request, *, auth: httpx.Auth | None, max_bytes: int
) -> Iterator[Answer]:
    """Send a request, and judge its answer inside the `with`, before its connection serves another one.

    Where the judgement is a SourceError, the connection is not used again: what follows a body that is cut would
    be read as the answer to the next request.

    Raises:
        AttemptError: the network failed, or the body is cut or not coded as its header says.
        BodyTooLargeError: the body is larger than `max_bytes`.
        MalformedPageError: it comes in a coding that we did not ask for.
        CertificateError: the certificate does not verify.
        AuthenticationError: the proxy refuses us.
    """
    began = time.monotonic()
    try:
        response = client.send(request, auth=auth, stream=True)
        with contextlib.closing(response):
            try:
                content = _read(response, max_bytes)
                if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
                    raise AuthenticationError(PROXY_REFUSAL)
                yield Answer(
                    url=response.request.url,
                    status=response.status_code,
                    headers=response.headers,
                    content=content,
                    seconds=time.monotonic() - began,
                    surplus=has_surplus(response),
                )
            except SourceError:
                hang_up(response)
                raise
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise attempt_error(error) from error


def _read(response: httpx.Response, max_bytes: int) -> bytes:
    raw = cast(httpx.SyncByteStream, response.stream)  # unlike iter_raw, it leaves the connection open at its end
    try:
        content = BytesIO()  # whose bytes are handed on without a copy
        for piece in decoded(raw, response.headers.get("Content-Encoding", ""), max_bytes=max_bytes):
            content.write(piece)
        return content.getvalue()
    except (SourceError, httpx.TransportError, httpx.DecodingError):
        if response.status_code == httpx.codes.OK:
            raise
        hang_up(response)
        return b""
