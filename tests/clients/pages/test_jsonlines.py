"""JSON Lines: each line is a record, byte for byte, and what is no line of JSON is no page."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import AttemptError, MalformedPageError, TooManyRecordsError
from seawall.clients.pages.body import Body
from seawall.clients.pages.jsonlines import as_list
from seawall.tests.values import CONTAINERS, SCALARS, TEXTS


def records(content: bytes, max_records: int = 100) -> list[bytes]:
    return list(Body(as_list(content, max_records=max_records)).records(""))


def test_each_line_is_a_record_byte_for_byte() -> None:
    lines = [b'{"a": 1.50, "b":"\\u00e9"}', b'{"n":12345678901234567890123}', b"{ }"]
    for mark in (b"\n", b"\r\n", b"\n\n \t\n"):
        assert records(mark.join(lines)) == lines
        assert records(mark.join(lines) + mark) == lines
    assert records(b"\xef\xbb\xbf" + b"\n".join(lines)) == lines


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_a_body_without_a_line_holds_no_records(content: bytes) -> None:
    assert records(content) == []


def test_a_sequence_of_texts_may_have_several_lines_each() -> None:
    assert records(b'\x1e{"a":\n 1}\n\x1e{"a":2}\n') == [b'{"a":\n 1}', b'{"a":2}']


def test_what_is_no_object_stays_a_record_to_be_set_aside() -> None:
    assert records(b'[1]\n{"a":1}\nnull') == [b"[1]", b'{"a":1}', b"null"]


def test_a_lone_surrogate_is_a_fault_of_its_record_alone() -> None:
    body = Body(as_list(b'{"a":"\\ud800"}\n{"a":2}', max_records=9))
    good, bad = body.sort_out(body.records(""), 100)
    assert list(good) == [b'{"a":2}']
    assert [(each.position, each.reason, each.record) for each in bad] == [
        (1, "holds a lone surrogate", b'{"a":"\\ud800"}')
    ]


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1}\n{"a":2',
        b'{"a":1}\n{"a":"x',
        b'{"a":1},\n{"a":2}',
        b'{"a":1}{"a":2}',
        b'[{"a":1}\n,{"a":2}]',
        b'{"a":NaN}',
        b'{"a":1}\n{"a":"\xff"}\n{',
        b'{\n"a":1\n}',
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_a_line_that_is_not_one_json_text_may_be_cut(content: bytes) -> None:
    with pytest.raises(AttemptError, match=r"line \d+: the body is not JSON") as caught:
        records(content)
    assert caught.value.cause == "truncated"


def test_bytes_that_are_not_utf8_are_found_with_the_whole() -> None:
    with pytest.raises(AttemptError, match="not JSON"):
        records(b'{"a":"\xff"}')


def test_html_is_malformed() -> None:
    with pytest.raises(MalformedPageError, match="line 1: the body is not JSON"):
        records(b"<html>\n</html>")


@pytest.mark.parametrize("error", [b'{"error":"out of memory"}', b'{"code": 500, "message": "x"}'])
def test_a_last_line_that_tells_of_an_error_is_no_record(error: bytes) -> None:
    for content in (error, b'{"id":1}\n' + error + b"\n"):
        with pytest.raises(AttemptError, match="the last line tells of an error"):
            records(content)
    assert len(records(b'{"id":1,"error":"x"}')) == 1


def test_a_json_list_says_that_it_is_one() -> None:
    with pytest.raises(MalformedPageError, match='one JSON list, not JSON Lines: leave out decode: "jsonl"'):
        records(b'[{"a":1}]\n')


def test_lines_are_counted_before_anything_is_made_of_them() -> None:
    assert len(records(b"{}\n" * 100)) == 100
    with pytest.raises(TooManyRecordsError, match="holds 101 lines, more than 100"):
        records(b"{}\n" * 101)


FIELDS = st.dictionaries(TEXTS.map(lambda name: f"a {name}"), SCALARS | CONTAINERS, max_size=4)
OBJECTS = st.lists(FIELDS, max_size=6)


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@given(OBJECTS, st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_any_records_come_out_as_they_are(objects: list[dict[str, object]], mark: bytes, ends: bool) -> None:  # noqa: FBT001
    lines = [_dumped(each) for each in objects]
    assert records(mark.join(lines) + (mark if ends else b"")) == lines


@given(OBJECTS.filter(bool), st.data())
def test_a_cut_within_a_line_is_always_found(objects: list[dict[str, object]], data: st.DataObject) -> None:
    lines = [_dumped(each) for each in objects]
    at = data.draw(st.integers(0, len(lines) - 1))
    cut = data.draw(st.integers(1, len(lines[at]) - 1))
    with pytest.raises(AttemptError):
        records(b"\n".join([*lines[:at], lines[at][:cut]]))
