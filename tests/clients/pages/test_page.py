"""Pages: what counts as one, and that what does not is named without harm."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import AttemptError, MalformedPageError
from seawall.clients.pages.body import Body
from seawall.clients.pages.page import Gap, Page, Rejected, Totals
from seawall.clients.pages.records import Records
from seawall.clients.redact import SECRETS


def records(content: bytes, path: str = "data") -> list[bytes]:
    return list(Body(content).records(path))


def test_the_text_of_each_record_is_kept_byte_for_byte() -> None:
    content = '{"data": [ {"a": 1.50, "b": "é\\u00e9"},\n 12345678901234567890123, null ]}'.encode()
    assert records(content) == ['{"a": 1.50, "b": "é\\u00e9"}'.encode(), b"12345678901234567890123", b"null"]


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b'{"a":{"b":{"c":[1]}}}', "a.b.c"),
        (b"[1]", ""),
        (b' \r\n\t{"data":[1]} \n', "data"),
        (b'{"data":[0],"data":[1]}', "data"),
    ],
)
def test_the_list_is_found_where_the_path_points(content: bytes, path: str) -> None:
    assert records(content, path) == [b"1"]


def test_one_byte_order_mark_is_accepted_and_two_are_not() -> None:
    bom = b"\xef\xbb\xbf"
    assert records(bom + b'{"data":[]}') == []
    with pytest.raises(AttemptError):
        records(bom + bom + b'{"data":[]}')


CUT = {
    "cut": b'{"data":[{"id":1},{"i',
    "cut before a list's end": b'[{"id":1},{"id":2}',
    "trailing data after a list": b"[1] [2]",
    "trailing data": b'{"data":[]} {}',
    "invalid UTF-8 in a record": b'{"data":["\xff"]}',
    "invalid UTF-8 elsewhere": b'{"data":[],"x":"\xc3"}',
    "UTF-8 of a surrogate": b'{"data":["\xed\xa0\x80"]}',
    "overlong UTF-8": b'{"data":["\xc0\xaf"]}',
    "NaN": b'{"data":[NaN]}',
    "Infinity": b'{"data":[{"x":-Infinity}]}',
    "control character in text": b'{"data":["a\x01"]}',
    "line break in text": b'{"data":["a\nb"]}',
    "NUL at the end": b'{"data":[]}\x00',
    "single quotes": b"{'data':[]}",
    "nested without end": b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("content", CUT.values(), ids=CUT.keys())
def test_broken_json_may_be_a_cut_and_gets_all_attempts(content: bytes) -> None:
    with pytest.raises(AttemptError, match="the body is not JSON") as caught:
        records(content, "" if content.startswith(b"[") else "data")
    assert (caught.value.cause, caught.value.max_attempts) == ("truncated", None)


OTHER = {
    "nothing": b"",
    "white space": b" \n",
    "HTML": b"<!doctype html><title>Maintenance</title>",
    "text": b"upstream connect error",
    "UTF-16": '{"data":[]}'.encode("utf-16"),
    "gzip": b"\x1f\x8b\x08\x00",
    "null": b"null",
    "a number": b"5",
    "a text": b'"data"',
}


@pytest.mark.parametrize("content", OTHER.values(), ids=OTHER.keys())
def test_what_is_no_page_at_all_gets_three_attempts(content: bytes) -> None:
    with pytest.raises(MalformedPageError) as caught:
        records(content)
    assert (caught.value.cause, caught.value.max_attempts) == ("malformed", 3)


@pytest.mark.parametrize(
    "content",
    [
        b'{"error":"no"}',
        b'{"data":null}',
        b'{"data":{}}',
        b'{"data":"[]"}',
        b'{"Data":[]}',
        b"[]",
        b"{}",
        b'{"data":5}',
    ],
)
def test_a_missing_list_of_records_is_never_zero_records(content: bytes) -> None:
    with pytest.raises(MalformedPageError, match="no list of records at 'data'"):
        records(content)


def test_a_missing_path_is_named_with_the_keys_that_are_there_and_the_beginning() -> None:
    with pytest.raises(MalformedPageError) as caught:
        records(b'{"result":{"items":[1],"next":null},"ok":true}', "result.rows.all")
    assert str(caught.value) == (
        "no list of records at 'result.rows.all'; the keys there are: 'items', 'next'; "
        """the body begins: {"result":{"items":[1],"next":null},"ok":true}"""
    )


def test_keys_from_the_server_are_made_harmless() -> None:
    with pytest.raises(MalformedPageError) as caught:
        records(b'{"<img src=x>\\n[a](http://evil.example)":1}')
    for harm in ("<", "\n", "](", "://"):
        assert harm not in str(caught.value)


def test_two_hundred_characters_of_the_body_are_shown_escaped() -> None:
    with pytest.raises(MalformedPageError) as caught:
        records(b"<b>" + b"x" * 1000)
    shown = str(caught.value).partition("): ")[2]
    assert shown == "‹b›" + "x" * 197 + "…"


def test_a_long_token_that_the_body_echoes_is_not_shown_even_in_part() -> None:
    token = "eyJhbGciOi" + "J0b2tlbg" * 200
    SECRETS.add(token)
    try:
        with pytest.raises(MalformedPageError) as caught:
            records(f'{{"error":"bad token {token}"}}'.encode())
    finally:
        SECRETS.discard(token)
    assert "eyJ" not in str(caught.value)
    assert "bad token ***" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "count"), [(b"12", 12), (b'"12"', 12), (b"0", 0), (b'"0012"', 12), (b"12.0", 12), (b"1e3", 1000)]
)
def test_a_total_is_understood_as_a_number_or_as_text(text: bytes, count: int) -> None:
    assert Body(b'{"m":{"n":' + text + b"}}").count("m.n") == count


@pytest.mark.parametrize(
    "text",
    [b"-1", b"1.5", b"1e30", b"-1.0", b"true", b"null", b'"many"', b'"-1"', b'"1,000"', '"١٢"'.encode(), b'""', b"[1]",
     b'"' + b"9" * 5000 + b'"', b"9" * 5000],
)  # fmt: skip
def test_anything_else_is_an_unknown_total(text: bytes) -> None:
    assert Body(b'{"n":' + text + b"}").count("n") is None


def test_a_total_that_is_not_there_is_unknown() -> None:
    body = Body(b'{"n":{"x":1}}')
    assert [body.count(path) for path in ("", "m", "n", "n.y", "n.x.z")] == [None] * 5


@given(st.binary(max_size=200), st.sampled_from(["", "data", "a.b"]))
def test_no_body_breaks_anything_but_the_attempt(content: bytes, path: str) -> None:
    try:
        body = Body(content)
        body.count(path)
        body.records(path)
    except AttemptError:
        pass


def test_neither_a_page_nor_a_gap_shows_records() -> None:
    shown = repr(
        Page(number=1, records=Records([b'{"ssn":"078-05-1120"}']), totals=Totals(), body_bytes=1, read_at=1.0)
    )
    assert "078" not in shown
    assert repr(Gap(number=3, error="failed")) == "Gap(number=3, error='failed', retries=(), missing=False)"


def sorted_out(content: bytes, limit: int = 1_000) -> tuple[list[bytes], list[tuple[int, str, bytes]]]:
    body = Body(content)
    good, rejected = body.sort_out(body.records("data"), limit)
    return list(good), [(each.position, each.reason, each.record) for each in rejected]


def test_what_is_no_object_is_sorted_out_with_its_place() -> None:
    good, bad = sorted_out(b'{"data":[null, {"a":1}, [ ] ,"{}",{}]}')
    assert good == [b'{"a":1}', b"{}"]
    assert bad == [
        (1, "not a JSON object", b"null"),
        (3, "not a JSON object but a list", b"[ ]"),
        (4, "not a JSON object", b'"{}"'),
    ]


def test_the_places_of_rejected_records_are_counted_on_over_the_pieces_of_a_page() -> None:
    first = Page(number=1, records=Records([b"{}", b"{}"]), totals=Totals(), body_bytes=9, read_at=1.0)
    more = replace(first, records=Records(), rejected=(Rejected(position=1, reason="not a JSON object", record=b"7"),))
    assert [each.position for each in first.and_then(more).and_then(more).rejected] == [3, 4]


def test_a_record_over_the_limit_is_sorted_out_whole() -> None:
    large = b'{"a":"%s"}' % (b"x" * 100)
    good, bad = sorted_out(b'{"data":[{"a":1},%s]}' % large, 107)
    assert (good, bad) == ([b'{"a":1}'], [(2, "larger than 107 bytes (max_record_bytes)", large)])
    assert sorted_out(b'{"data":[%s]}' % large, 108) == ([large], [])


LONE = [
    rb"\ud800", rb"\uDBFF", rb"\udc00", rb"\uDfFf x", rb"\ud800\ud800\udc00", rb"\ud83d \ude00", rb"\ude00\ud83d",
    rb"\\\ud800", rb"\ud800\u0041", rb"\ud800\n",
]  # fmt: skip
PAIRED = [
    rb"\ud83d\ude00",
    rb"\uD83D\uDE00",
    rb"\\ud800",
    rb"\\\\udc00",
    rb"\ue000",
    "\ud7ff\ue000".encode(),
    rb"ud800",
]


@pytest.mark.parametrize("text", LONE)
@pytest.mark.parametrize("template", [b'{"a":"%s","b":"\\\\u"}', b'{"%s":[{}]}', b'{"n":{"n":["%s"]}}'])
def test_a_lone_surrogate_costs_its_record_and_no_other(text: bytes, template: bytes) -> None:
    record = template % text
    others = [b'{"t":"%s"}' % paired for paired in PAIRED]
    content = b'{"note":"%s","data":[%s]}' % (text, b" , ".join([*others, record, b"{}"]))
    good, bad = sorted_out(content)
    assert good == [*others, b"{}"]
    assert bad == [(len(others) + 1, "holds a lone surrogate", record)]


@pytest.mark.parametrize("text", PAIRED)
def test_what_only_looks_like_a_lone_surrogate_is_none(text: bytes) -> None:
    assert sorted_out(b'{"data":[{"a":"%s"}]}' % text) == ([b'{"a":"%s"}' % text], [])


def test_a_cut_body_with_a_lone_surrogate_is_still_a_cut() -> None:
    with pytest.raises(AttemptError, match="the body is not JSON"):
        Body(b'{"data":[{"a":"\\ud800"},{"b"')


def test_of_many_rejected_records_no_more_are_made_than_are_asked_for() -> None:
    body = Body(b'{"data":[1,{"a":1},2,3,4]}')
    good, rejected = body.sort_out(body.records("data"), 100, most=2)
    assert list(good) == [b'{"a":1}']
    assert [(each.position, each.record) for each in rejected] == [(1, b"1"), (3, b"2")]
