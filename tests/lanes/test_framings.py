"""Lines and rows on real sockets: what their text cannot tell, that nothing is cut, their framing has to prove."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.clients.errors import MalformedPageError
from seawall.clients.limits import MALFORMED_ATTEMPTS
from seawall.clients.pages.page import Page
from seawall.tests.walks import first_page_of, gap_of, page_of, shape, walk
from seawall.tests.wireserver import Answer, Request, Route, head, in_turn, raw, whole

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("short_backoffs")]

SIZE = 5
PAGINATION = {"kind": "page_number", "total_pages_path": "header:X-Pages", "total_records_path": ""}


def lines(number: int) -> bytes:
    return b"".join(b'{"id": %d, "name": "n"}\n' % each for each in range(SIZE * (number - 1), SIZE * number))


def rows(number: int) -> bytes:
    return b"id,name\r\n" + b"".join(b"%d,n\r\n" % each for each in range(SIZE * (number - 1), SIZE * number))


BODIES: dict[str, Callable[[int], bytes]] = {"jsonl": lines, "csv": rows}
EMPTY = {"jsonl": b"", "csv": b"id,name\r\n"}
both = pytest.mark.parametrize("decode", BODIES)


def source_of(decode: str) -> dict[str, Any]:
    return {"decode": decode, "pagination": PAGINATION, "page_size": SIZE, "max_in_flight": 1}


def pages(decode: str, special: Answer, *, times: int = 2) -> Route:
    """Three sound pages, of which the second one comes as something else some `times`."""
    left = [special] * times

    def route(request: Request) -> Answer:
        if request.page == 2 and left:
            return left.pop()
        return whole(
            BODIES[decode](request.page) if request.page <= 3 else b"id,name\r\n"[: 9 * (decode == "csv")], x_pages=3
        )

    return route


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n", **headers: object) -> Answer:
    framed = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return raw(head(200, transfer_encoding="chunked", x_pages=3, **headers) + framed + end)


def cuts_at_a_line(body: bytes) -> Iterator[tuple[str, Answer]]:
    """What comes where a body is cut at the end of its third line, in every framing."""
    part = b"".join(body.splitlines(keepends=True)[:3])
    packed = gzip.compress(body)
    yield "Content-Length beyond what comes", raw(head(200, content_length=len(body), x_pages=3) + part)
    yield "chunked, without its last chunk", chunked(part, end=b"")
    yield "chunked, cut in a chunk", raw(head(200, transfer_encoding="chunked", x_pages=3) + b"fff\r\n" + part)
    yield "until close", raw(head(200, x_pages=3) + part)
    yield "until close, HTTP/1.0", raw(b"HTTP/1.0 200 OK\r\nX-Pages: 3\r\n\r\n" + part)
    yield "Content-Length that counts too little", raw(head(200, content_length=len(part), x_pages=3) + body, stay=True)
    yield (
        "a last chunk too early",
        raw(
            head(200, transfer_encoding="chunked", x_pages=3)
            + b"%x\r\n%b\r\n0\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
            % (len(part), part, len(body) - len(part), body[len(part) :])
        ),
    )
    yield "gzip, cut", whole(packed[:-9], content_encoding="gzip", x_pages=3)
    yield "gzip until close, cut", raw(head(200, content_encoding="gzip", x_pages=3) + packed[:-1])
    yield (
        "gzip until close, of its first member alone",
        raw(head(200, content_encoding="gzip", x_pages=3) + gzip.compress(part)),
    )
    yield "gzip that no header tells of, cut", whole(packed[:-9], x_pages=3)
    yield "deflate, cut", whole(zlib.compress(body)[:-5], content_encoding="deflate", x_pages=3)


CUTS = [name for name, _ in cuts_at_a_line(lines(2))]


@both
@pytest.mark.parametrize("cut", CUTS)
def test_a_body_that_is_cut_at_the_end_of_a_line_is_asked_for_again(decode: str, cut: str) -> None:
    answer = dict(cuts_at_a_line(BODIES[decode](2)))[cut]
    outcomes, server = walk(pages(decode, answer), 3, **source_of(decode))
    assert shape(outcomes) == "ppp"
    assert (len(page_of(outcomes, 2).records), len(page_of(outcomes, 2).retries)) == (SIZE, 2)
    assert server.asked()[2] == 3


@both
def test_a_body_that_nothing_proves_whole_is_no_page_though_it_is_whole(decode: str) -> None:
    until_close = raw(head(200, x_pages=3) + BODIES[decode](2))
    outcomes, server = walk(pages(decode, until_close, times=99), 3, **source_of(decode))
    assert shape(outcomes) == "pgp"
    assert "nothing proves that the body is whole" in gap_of(outcomes, 2).error
    assert server.asked()[2] == MALFORMED_ATTEMPTS
    error, _ = first_page_of(in_turn(until_close), **source_of(decode))
    assert isinstance(error, MalformedPageError)


def sound(body: bytes) -> Iterator[tuple[str, Answer]]:
    packed = gzip.compress(body)
    yield "Content-Length", whole(body, x_pages=3)
    yield "chunked", chunked(body[:20], body[20:])
    yield "without a line break at its end", whole(body.rstrip(), x_pages=3)
    yield "then the end of the connection", raw(head(200, content_length=len(body), x_pages=3) + body)
    yield "gzip in chunks", chunked(packed, content_encoding="gzip")
    yield "gzip that no header tells of", whole(packed, x_pages=3)
    yield "gzip of two members", whole(gzip.compress(body[:20]) + gzip.compress(body[20:]), x_pages=3)
    yield "UTF-16", whole(body.decode().encode("utf-16"), x_pages=3)


@both
@pytest.mark.parametrize("name", [name for name, _ in sound(lines(2))])
def test_a_body_that_is_proven_whole_is_a_page_at_once(decode: str, name: str) -> None:
    answer = dict(sound(BODIES[decode](2)))[name]
    outcomes, server = walk(pages(decode, answer), 3, **source_of(decode))
    assert shape(outcomes) == "ppp"
    assert len(page_of(outcomes, 2).records) == SIZE
    assert server.asked()[2] == 1


@both
@pytest.mark.parametrize("name", ["Content-Length", "gzip that no header tells of", "UTF-16"])
def test_a_connection_that_brought_a_sound_body_serves_the_next_page(decode: str, name: str) -> None:
    answer = dict(sound(BODIES[decode](2)))[name]
    outcomes, server = walk(pages(decode, answer), 3, **source_of(decode))
    assert shape(outcomes) == "ppp"
    assert server.connections == 1


@settings(max_examples=60)
@given(decode=st.sampled_from(sorted(BODIES)), framing=st.sampled_from(["length", "chunks", "close"]), data=st.data())
def test_no_cut_is_ever_a_page(decode: str, framing: str, data: st.DataObject) -> None:
    body = BODIES[decode](1)
    part = body[: data.draw(st.integers(0, len(body) - 1))]
    answers = {
        "length": raw(head(200, content_length=len(body), x_pages=1) + part),
        "chunks": chunked(*filter(None, [part]), end=b""),
        "close": raw(head(200, x_pages=1) + part),
    }
    got, _ = first_page_of(in_turn(answers[framing], whole(body, x_pages=1)), **source_of(decode))
    assert isinstance(got, Page)
    assert len(got.records) == SIZE
    assert len(got.retries) == 1
