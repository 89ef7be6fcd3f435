"""Decoding: whatever a body comes as, its records are found as they came, and what cannot be read says what to do."""

import gzip
import json
import os
import time
import tracemalloc
from typing import Any

import httpx
import pytest

from seawall.clients.errors import AttemptError, BodyTooLargeError, MalformedPageError, SourceError
from seawall.clients.http.exchange import Answer
from seawall.clients.pages.decoding import Decoding
from seawall.clients.source import ApiSource

RECORDS = [{"id": 1, "name": "Zürich"}, {"id": 2, "name": "€"}]
TEXT = json.dumps({"data": RECORDS}, ensure_ascii=False)
BODY = TEXT.encode()
LINES = "\n".join(json.dumps(each) for each in RECORDS).encode()
LIST = b"[" + LINES.replace(b"\n", b",") + b"]"
CSV = "id,name\r\n1,Zürich\r\n2,€\r\n".encode()
AS_TEXT = '[{"id":"1","name":"Zürich"},{"id":"2","name":"€"}]'.encode()


def decoding(**fields: Any) -> Decoding:
    return Decoding(ApiSource(**{"name": "items", "url": "https://h/items"} | fields))


def answer(content: bytes, content_type: str = "", *, surplus: bool = False, **headers: str) -> Answer:
    framed = {name.replace("_", "-"): text for name, text in headers.items()} or {"Content-Length": str(len(content))}
    return Answer(
        url=httpx.URL("https://h/items"),
        status=200,
        headers=httpx.Headers(framed | ({"Content-Type": content_type} if content_type else {})),
        content=content,
        seconds=0.1,
        surplus=surplus,
    )


def decoded(content: bytes, content_type: str = "", **fields: Any) -> bytes:
    return decoding(**fields).json_text(answer(content, content_type))


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "text/html",
        "application/xml",
        "text/csv",
    ],
)
def test_a_plain_body_is_not_copied_whatever_its_header_says(content_type: str) -> None:
    assert decoded(BODY, content_type) is BODY


def test_gzip_is_known_by_its_first_bytes() -> None:
    for packed in (gzip.compress(BODY), gzip.compress(gzip.compress(BODY)), gzip.compress(b"") + gzip.compress(BODY)):
        assert decoded(packed, "application/gzip") == BODY
    assert decoded(gzip.compress(LINES), decode="jsonl") == LIST
    with pytest.raises(AttemptError, match="cut short"):
        decoded(gzip.compress(BODY)[:-3])


def test_a_bomb_that_no_header_tells_of_is_found_in_bounded_memory() -> None:
    bomb = gzip.compress(gzip.compress(b" " * 2**28))
    tracemalloc.start()
    with pytest.raises(BodyTooLargeError, match="is larger than 1,048,576 bytes"):
        decoded(bomb, max_page_bytes=2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_much_gzip_is_unpacked_in_time_that_grows_with_its_length() -> None:
    packed = gzip.compress(os.urandom(16 * 2**20))
    began = time.process_time()
    decoding(max_page_bytes=2**26)._unpacked(packed)  # rubbish is no page
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (TEXT.encode("utf-16"), ""),
        (TEXT.encode("utf-16-le"), "application/json; charset=utf-16"),
        (TEXT.replace("€", "").encode("latin-1"), "application/json; charset=ISO-8859-1"),
        (gzip.compress(TEXT.encode("utf-16"), mtime=0), ""),
    ],
)
def test_other_encodings_become_utf8(content: bytes, content_type: str) -> None:
    assert json.loads(decoded(content, content_type).decode())["data"][0] == RECORDS[0]


@pytest.mark.parametrize(
    "content",
    [
        b")]}'\n" + BODY, b")]}',\n" + BODY, b"while(1);" + BODY, b"for (;;);" + BODY, b"{} && " + BODY,
        b"\xef\xbb\xbf )]}'\n" + BODY, (")]}'\n" + TEXT).encode("utf-16"),
        json.dumps(TEXT).encode(), b" " + json.dumps(TEXT, ensure_ascii=False).encode() + b"\n",
        BODY + b"\0", BODY + b"\n\0\0",
    ],
)  # fmt: skip
def test_what_servers_put_around_json_is_taken_off(content: bytes) -> None:
    assert decoded(content).strip() == BODY


@pytest.mark.parametrize("content", [b'"text"', b'"cut', b'"\xff"', b")]", b"", b"{}", b"[]", b"7", b"\0", b'{"a":1}}'])
def test_what_is_not_around_json_stays(content: bytes) -> None:
    assert decoded(content) == content.rstrip(b"\0")


def test_lines_are_records_and_rows_are_records() -> None:
    assert decoded(LINES, decode="jsonl") == LIST
    assert decoded(CSV, decode="csv") == AS_TEXT
    assert decoded(CSV.replace(b",", b"\t"), decode="csv", csv_delimiter="\t") == AS_TEXT
    assert decoded(CSV.decode().encode("utf-16"), "text/csv", decode="csv") == AS_TEXT
    assert decoded(b"id\n\xfc", "text/csv; charset=iso-8859-1", decode="csv") == '[{"id":"ü"}]'.encode()


@pytest.mark.parametrize("kind", ["x-ndjson", "jsonl", "x-jsonlines", "json-seq", "jsonl; charset=utf-8"])
def test_lines_are_known_by_their_content_type_where_the_body_is_to_be_the_list(kind: str) -> None:
    assert decoded(LINES, f"application/{kind}", records_path="") == LIST
    assert decoded(b"", f"application/{kind}", records_path="") == b"[]"
    assert decoded(LIST, f"application/{kind}", records_path="") is LIST
    assert decoded(BODY, f"application/{kind}") is BODY


def test_rows_say_that_they_have_to_be_declared() -> None:
    with pytest.raises(MalformedPageError, match='set decode to "csv", and records_path to ""'):
        decoded(CSV, "text/csv", records_path="")


XML = b"<?xml version='1.0'?>\n<rows><row id='1'/></rows>"


@pytest.mark.parametrize("fields", [{}, {"decode": "jsonl"}, {"decode": "csv"}])
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (XML, "application/xml"), (XML, "text/xml; charset=utf-8"), (XML, ""), (XML, "application/json"),
        (b" \n<rows/>", ""), (b"\xef\xbb\xbf" + XML, "application/atom+xml"), (XML.decode().encode("utf-16"), ""),
        (b"rows", "application/xml"),
    ],
)  # fmt: skip
def test_xml_is_refused_and_the_remedy_is_said(content: bytes, content_type: str, fields: dict[str, str]) -> None:
    with pytest.raises(MalformedPageError, match=r'is XML, which .* headers: \{"Accept": "application/json"\}'):
        decoded(content, content_type, **fields)


def test_a_page_of_html_is_left_to_those_who_look_for_records() -> None:
    for content, kind in ((b"<!DOCTYPE html><p>", ""), (b"<html>", "text/html"), (b"<p>", "text/html")):
        assert decoded(content, kind) is content
        with pytest.raises(MalformedPageError):
            decoded(content, kind, decode="jsonl")
        with pytest.raises(MalformedPageError, match="JSON or markup, not CSV"):
            decoded(content, kind, decode="csv")


@pytest.mark.parametrize(("decode", "content"), [("jsonl", LINES), ("csv", CSV)])
def test_what_its_own_text_cannot_prove_whole_its_framing_has_to(decode: str, content: bytes) -> None:
    mine = decoding(decode=decode)
    assert mine.json_text(answer(content, transfer_encoding="chunked"))
    with pytest.raises(MalformedPageError, match="nothing proves that the body is whole: it comes without"):
        mine.json_text(answer(content, connection="close"))
    with pytest.raises(AttemptError, match="bytes follow the body that its framing does not count"):
        mine.json_text(answer(content, surplus=True))
    assert decoding().json_text(answer(BODY, surplus=True, connection="close")) is BODY, "JSON tells by itself"


def test_a_line_of_text_is_no_header_row_of_a_source_with_other_columns() -> None:
    mine = decoding(decode="csv")
    assert mine.json_text(answer(CSV)) == AS_TEXT
    assert mine.json_text(answer(b"name,more\r\n")) == b"[]"
    assert mine.json_text(answer(b"name,more\r\n1,2")) == b'[{"name":"1","more":"2"}]'
    assert mine.json_text(answer(b"more,most\r\n1,2")) == b'[{"more":"1","most":"2"}]'
    for content in (b"Internal error", b"Error, try later\nx,y"):
        with pytest.raises(MalformedPageError, match="the header row has no name of those of other pages"):
            mine.json_text(answer(content))


@pytest.mark.parametrize("content", [b'{"error":"no"}', b"[1,2]\n"])
def test_json_is_no_csv(content: bytes) -> None:
    with pytest.raises(MalformedPageError, match="JSON or markup, not CSV"):
        decoded(content, "application/json", decode="csv")


@pytest.mark.parametrize("fields", [{}, {"decode": "jsonl"}, {"decode": "csv"}])
@pytest.mark.parametrize("cut", range(1, len(LINES), 7))
def test_gzip_that_is_cut_anywhere_is_no_page(cut: int, fields: dict[str, str]) -> None:
    with pytest.raises(SourceError):
        decoded(gzip.compress(LINES)[:-cut], **fields)
