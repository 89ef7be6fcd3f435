"""CSV: each row is an object of texts by the names in the header row, and whatever is doubtful is no page."""

import csv
import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import AttemptError, BodyTooLargeError, MalformedPageError, TooManyRecordsError
from seawall.clients.pages.cells import as_list
from seawall.tests.values import TEXTS

MIB = 2**20


def rows(content: bytes, *, delimiter: str = ",", max_records: int = 100, max_bytes: int = MIB) -> list[object]:
    _, text = as_list(content, delimiter=delimiter, max_records=max_records, max_bytes=max_bytes)
    listed = json.loads(text)
    assert isinstance(listed, list)
    return listed


def test_every_cell_is_text_as_it_came_in_the_order_of_the_header() -> None:
    names, text = as_list(b"id,name,n\r\n007, x ,1.50\r\n8,,NULL\r\n", delimiter=",", max_records=9, max_bytes=MIB)
    assert names == ("id", "name", "n")
    assert text == b'[{"id":"007","name":" x ","n":"1.50"},{"id":"8","name":"","n":"NULL"}]'


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b'a,b\n"x,y","say ""hi"""\n', ["x,y", 'say "hi"']),
        (b'a,b\n"two\r\nlines","a\rb"\n', ["two\r\nlines", "a\rb"]),
        (b"\xef\xbb\xbfa,b\n1,2", ["1", "2"]),
        (b"a,b\r1,2\r", ["1", "2"]),
        (b"a,b\n\n1,2\n\n\n", ["1", "2"]),
        ("a,b\né\u2028\u0085,\0\n".encode(), ["é\u2028\u0085", "\0"]),
        (b'a,b\n5" pipe,2\n', ['5" pipe', "2"]),
    ],
)
def test_quotes_line_breaks_and_marks_are_understood(content: bytes, cells: list[str]) -> None:
    assert rows(content) == [dict(zip("ab", cells, strict=True))]


def test_another_delimiter_is_declared_and_never_guessed() -> None:
    assert rows(b"a;b\n1,5;2\n", delimiter=";") == [{"a": "1,5", "b": "2"}]
    assert rows(b"a\tb\n1\t2\n", delimiter="\t") == [{"a": "1", "b": "2"}]
    with pytest.raises(MalformedPageError, match="one name with ';' in it: is that the csv_delimiter"):
        rows(b"a;b\n1,5;2\n")


def test_a_header_row_alone_is_a_page_without_records() -> None:
    assert rows(b"a,b\r\n") == rows(b"a,b") == []


def test_an_empty_line_is_an_empty_cell_where_there_is_one_column() -> None:
    assert rows(b"a\n1\n\n2\n") == [{"a": "1"}, {"a": ""}, {"a": "2"}]


def test_a_cell_may_be_long() -> None:
    assert rows(b"a,b\n" + b"x" * 200_000 + b",2\n") == [{"a": "x" * 200_000, "b": "2"}]


def test_a_row_inside_with_more_or_fewer_cells_is_no_record() -> None:
    assert rows(b"a,b\n1\n1,2,3\n1,2\n") == [["1"], ["1", "2", "3"], {"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n3\n", "the last row has 1 cells, the header row 2"),
        (b'a,b\n1,2\n3,"4', "unexpected end of data"),
        (b'a,b\n1,"2"x\n3,4\n', "line 2 of the body is no CSV"),
    ],
)
def test_a_body_that_ends_within_a_row_may_be_cut(content: bytes, message: str) -> None:
    with pytest.raises(AttemptError, match=message) as caught:
        rows(content)
    assert caught.value.cause == "truncated"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header row"),
        (b"\r\n1,2\n", "no header row"),
        (b"a,b,a\n1,2,3\n", "the header row names 'a' twice"),
        (b"a,,b\n1,2,3\n", "column 2 has no name"),
        (b"a,b\n\xfc,2\n", "not UTF-8 .* names no other charset"),
    ],
)
def test_a_body_that_cannot_become_objects_says_why(content: bytes, message: str) -> None:
    with pytest.raises(MalformedPageError, match=message):
        rows(content)


def test_rows_and_cells_are_counted_before_they_cost_memory() -> None:
    assert len(rows(b"a\n" + b"1\n" * 100)) == 100
    with pytest.raises(TooManyRecordsError, match="more than 100 rows"):
        rows(b"a\n" + b"1\n" * 101)
    for content in (b"," * 8 * MIB, b"a,b\n" + b"," * 8 * MIB, b'a,b\n"' + b'\n",,,,,"' * MIB):
        tracemalloc.start()
        with pytest.raises(TooManyRecordsError, match="a row of more than 1,000 cells"):
            rows(content, max_records=1000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 * len(content) + MIB


def test_long_names_do_not_multiply_a_body_beyond_its_limit() -> None:
    with pytest.raises(BodyTooLargeError, match="takes more than 1,048,576 bytes as JSON"):
        rows(b"x" * 100_000 + b"\n" + b"1\n" * 50)


NAMES = st.lists(TEXTS.filter(bool), min_size=2, max_size=4, unique=True)


def _csv(names: list[str], cells: list[list[str]], line_break: str) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator=line_break, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *cells])
    return written.getvalue().encode()


@given(NAMES, st.data(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_cells_come_out_as_they_are(names: list[str], data: st.DataObject, line_break: str) -> None:
    cells = data.draw(st.lists(st.lists(TEXTS, min_size=len(names), max_size=len(names)), max_size=5))
    content = _csv(names, cells, line_break)
    assert rows(content) == [dict(zip(names, row, strict=True)) for row in cells]
    assert rows(content.removesuffix(line_break.encode())) == rows(content)


@given(NAMES, st.data())
def test_a_cut_within_a_row_is_found_unless_it_is_in_the_last_cell_or_at_a_quote(
    names: list[str], data: st.DataObject
) -> None:
    """Which is why a framing has to prove that nothing is cut."""
    cells = data.draw(st.lists(st.lists(TEXTS, min_size=len(names), max_size=len(names)), min_size=1, max_size=4))
    content = _csv(names, cells, "\n")
    cut = data.draw(st.integers(len(_csv(names, cells[:-1], "\n")) + 1, len(content) - 1))
    whole = rows(content)
    try:
        got = rows(content[:cut])
    except AttemptError:
        return
    assert got[:-1] == whole[:-1]
    assert len(got) == len(whole)
