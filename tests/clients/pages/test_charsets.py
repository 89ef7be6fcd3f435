"""Charsets: bodies in other encodings become UTF-8, and UTF-8 stays what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import AttemptError
from seawall.clients.pages.charsets import in_utf8

TEXT = '{"data":[{"name":"Zürich € 名"}]}'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_text_is_found_by_its_mark_or_by_its_zeros_whatever_the_header(encoding: str) -> None:
    for content_type in ("", "application/json", "application/json; charset=utf-8"):
        assert in_utf8(TEXT.encode(encoding), content_type).decode() == TEXT


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("iso-8859-1", "latin-1"), ("ISO-8859-1", "latin-1"), ('"latin1"', "latin-1"), ("windows-1252", "cp1252"),
        ("iso-8859-15", "iso-8859-15"), ("us-ascii", "utf-8"), ("utf-8", "utf-8"), ("nonsense", "utf-8"),
        ("shift_jis", "utf-8"), ("rot13", "utf-8"),
    ],
)  # fmt: skip
def test_the_charset_of_the_content_type_is_obeyed(charset: str, encoding: str) -> None:
    text = '{"name":"plain"}' if charset == "shift_jis" else '{"name":"Zürich"}'
    assert in_utf8(text.encode(encoding), f"application/json; charset={charset}".lower()).decode() == text


def test_japanese_text_is_read_where_the_content_type_says_so() -> None:
    assert in_utf8("名,値".encode("shift_jis"), "text/csv; charset=shift_jis").decode() == "名,値"


def test_text_in_utf16_without_a_mark_or_ascii_at_its_start_has_the_larger_byte_first() -> None:
    assert in_utf8("名,値\n".encode("utf-16-be"), "text/csv;charset=utf-16").decode() == "名,値\n"


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "windows-1252"])
def test_a_server_that_names_a_charset_and_sends_utf8_is_not_believed(charset: str) -> None:
    body = TEXT.encode()
    assert in_utf8(body, f"application/json;charset={charset}") is body


def test_plain_bodies_are_not_copied() -> None:
    body = TEXT.encode()
    assert in_utf8(body, "application/json") is body
    assert in_utf8(b"\xff\xff", "application/json") == b"\xff\xff", "whoever parses it says what is wrong"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TEXT.encode("utf-16")[:-1], ""),
        (b"\x00\xd8".join([b"\xff\xfe", b"{\0"]), ""),
        ("名".encode("shift_jis")[:1], "text/csv; charset=shift_jis"),
    ],
)
def test_a_body_that_is_not_in_its_encoding_may_be_cut(body: bytes, content_type: str) -> None:
    with pytest.raises(AttemptError, match="the body is not text in ") as caught:
        in_utf8(body, content_type)
    assert caught.value.cause == "truncated"


@given(st.text().filter(lambda text: not text.startswith("\0")), st.sampled_from(["utf-16", "utf-32"]))
def test_any_text_with_a_mark_is_read(text: str, encoding: str) -> None:
    assert in_utf8(text.encode(encoding), "").decode() == text
