"""CSV files, written from arbitrary records and read back by the readers that people use."""

import csv
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.formats.csv import Csv, CsvWriter
from seawall.formats.files import open_text
from seawall.formats.records import RecordError
from seawall.formats.schema import Schema
from seawall.formats.writer import Settings, WrittenFile
from seawall.tests.disk import file_limit
from seawall.tests.equality import CSV_READERS, Record, Table, Value, csv_by_pandas, csv_by_python
from seawall.tests.values import CONTAINERS, LONG_NUMBERS, SEPARATORS, TEXTS, same

BRISK = settings(max_examples=100, print_blob=True)


@st.composite
def _nested(draw: st.DrawFn) -> Value:
    return same(json.dumps(draw(CONTAINERS), ensure_ascii=draw(st.booleans()), separators=draw(SEPARATORS)))


VALUES = st.one_of(
    st.just(("null", "")),
    st.sampled_from(["true", "false"]).map(same),
    LONG_NUMBERS.map(same),
    st.tuples(TEXTS, st.booleans()).map(lambda drawn: (json.dumps(drawn[0], ensure_ascii=drawn[1]), drawn[0])),
    _nested(),
)
NAMES = st.sampled_from(["", "a", "A", "id", "Id", "ä", "\ufeffid"]) | TEXTS
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=12)
WITH_COLUMNS = RECORDS.filter(any)  # of rows without a single column readers see nothing: no cell, no row


@st.composite
def _pages(draw: st.DrawFn, records: st.SearchStrategy[list[Record]] = WITH_COLUMNS) -> list[list[Record]]:
    """Records in pages, some of them empty."""
    whole = draw(records)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    return [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def _json(record: Record) -> bytes:
    members = ", ".join(f"{json.dumps(name)}: {text}" for name, (text, _) in record.items())
    return f"{{{members}}}".encode()


def _expected(records: list[Record]) -> Table:
    """Header and rows: names in the order of their appearance, an empty cell where a record lacks one."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return [names, *([record.get(name, ("", ""))[1] for name in names] for record in records)]


def _write(path: Path, pages: Iterable[list[bytes]]) -> WrittenFile:
    with CsvWriter(path) as writer:
        for page in pages:
            writer.write(page)
        return writer.close()


def _landed(folder: Path, *pages: list[object]) -> Table:
    """What a reader finds of pages of Python objects."""
    file = _write(folder / "part.csv", [[json.dumps(record).encode() for record in page] for page in pages])
    return csv_by_python(file.path)


@contextmanager
def _written(pages: list[list[Record]]) -> Iterator[WrittenFile]:
    with tempfile.TemporaryDirectory() as folder:
        yield _write(Path(folder, "part.csv"), [list(map(_json, page)) for page in pages])


@given(pages=_pages())
@example(pages=[[{"a": ("null", "")}], [{"a": ('" "', " ")}, {"a": ('"\\t"', "\t")}]])
@example(pages=[[{"\ufeffid": ("1", "1"), "b": ('""', "")}]])
@example(pages=[[{}], [{"a": ("null", "")}], [{}]])
@BRISK
def test_every_value_comes_back_from_every_reader(pages: list[list[Record]]) -> None:
    expected = _expected([record for page in pages for record in page])
    with _written(pages) as file:
        for name, read in CSV_READERS.items():
            assert read(file.path) == expected, name


@given(pages=_pages())
@BRISK
def test_the_page_cuts_do_not_show_in_the_file(pages: list[list[Record]]) -> None:
    in_one_page = [[record for page in pages for record in page]]
    with _written(pages) as one, _written(in_one_page) as other:
        assert one.path.read_bytes() == other.path.read_bytes()
        assert list(one.columns.items()) == list(other.columns.items())


@given(pages=_pages(RECORDS))
@BRISK
def test_records_size_and_sha256_are_those_of_the_final_file(pages: list[list[Record]]) -> None:
    with _written(pages) as file:
        content = file.path.read_bytes()
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.bytes == len(content)
        assert file.records == sum(map(len, pages))
        assert list(file.path.parent.iterdir()) == [file.path]


@given(pages=_pages(), more=st.lists(NAMES, max_size=3), data=st.data())
@BRISK
def test_widening_to_a_larger_and_reordered_schema_keeps_every_value(
    pages: list[list[Record]], more: list[str], data: st.DataObject
) -> None:
    header, *rows = _expected([record for page in pages for record in page])
    wanted = data.draw(st.permutations(list(dict.fromkeys([*header, *more]))))
    schema: Schema = dict.fromkeys(wanted, "string")
    with _written(pages) as file:
        wide = Csv().widen(file.path, file.columns, file.path.with_name("wide.csv"), schema)
        content = wide.path.read_bytes()
        cells = [dict(zip(header, row, strict=True)) for row in rows]
        expected = [wanted, *([row.get(name, "") for name in wanted] for row in cells)]
        assert csv_by_python(wide.path) == csv_by_pandas(wide.path) == expected
        assert (wide.records, wide.bytes, wide.columns) == (len(rows), len(content), schema)
        assert wide.sha256 == hashlib.sha256(content).hexdigest()


@given(pages=_pages())
@BRISK
def test_widening_to_its_own_schema_copies_the_file(pages: list[list[Record]]) -> None:
    with _written(pages) as file:
        same = Csv().widen(file.path, file.columns, file.path.with_name("same.csv"), file.columns)
        assert same.path.read_bytes() == file.path.read_bytes()


def test_a_key_of_a_later_page_widens_all_earlier_rows(tmp_path: Path) -> None:
    landed = _landed(tmp_path, [{"a": 1}, {"a": 2}], [{"a": 3}], [{"late": "x", "a": 4}])
    assert landed == [["a", "late"], ["1", ""], ["2", ""], ["3", ""], ["4", "x"]]


def test_sparse_keys_stay_in_their_columns(tmp_path: Path) -> None:
    landed = _landed(tmp_path, [{"a": 1, "x": 1}, {"b": 2}], [{"c": 3, "a": 3}, {}], [{"x": 5}])
    assert landed == [
        ["a", "x", "b", "c"], ["1", "1", "", ""], ["", "", "2", ""], ["3", "", "", "3"], [""] * 4, ["", "5", "", ""],
    ]  # fmt: skip


def test_keys_in_another_order_stay_in_their_columns(tmp_path: Path) -> None:
    landed = _landed(tmp_path, [{"a": 1, "b": 2}, {"b": 3, "a": 4}])
    assert landed == [["a", "b"], ["1", "2"], ["4", "3"]]


def test_names_that_differ_only_by_case_and_the_empty_name_are_columns_of_their_own(tmp_path: Path) -> None:
    assert _landed(tmp_path, [{"": 1, "a": 2, "A": 3}]) == [["", "a", "A"], ["1", "2", "3"]]


@pytest.mark.parametrize("read", CSV_READERS.values(), ids=CSV_READERS)
def test_a_row_of_one_empty_cell_is_not_a_blank_line(tmp_path: Path, read: Callable[[Path], Table]) -> None:
    file = _write(tmp_path / "part.csv", [[b'{"a":null}', b'{"a":""}', b"{}", b'{"a":" "}']])
    assert read(file.path) == [["a"], [""], [""], [""], [" "]]


def test_objects_without_members_keep_their_rows(tmp_path: Path) -> None:
    landed = _landed(tmp_path, [{}, {}], [{"a": 1, "b": 2}], [{}])
    assert landed == [["a", "b"], ["", ""], ["", ""], ["1", "2"], ["", ""]]


def test_of_a_key_that_repeats_the_last_value_counts_in_the_first_place(tmp_path: Path) -> None:
    file = _write(tmp_path / "part.csv", [[b'{"a":1,"b":2,"a":"three"}']])
    assert csv_by_python(file.path) == [["a", "b"], ["three", "2"]]
    assert file.columns == {"a": "string", "b": "integer"}


@pytest.mark.parametrize("read", CSV_READERS.values(), ids=CSV_READERS)
def test_numbers_of_5000_digits_survive(tmp_path: Path, read: Callable[[Path], Table]) -> None:
    integer, fraction = "-" + "7" * 5_000, "0." + "3" * 5_000
    file = _write(tmp_path / "part.csv", [[f'{{"i":{integer},"f":{fraction}}}'.encode()]])
    assert read(file.path) == [["i", "f"], [integer, fraction]]
    assert file.columns == {"i": "big-integer", "f": "decimal"}


@pytest.mark.parametrize(
    "number", ["1e400", "1E+2", "-0", "-0.0", "1.50", "18446744073709551616", "0.1000000000000000055"]
)
def test_a_number_is_the_text_that_came(tmp_path: Path, number: str) -> None:
    file = _write(tmp_path / "part.csv", [[f'{{"n":{number},"x":1}}'.encode()]])
    assert csv_by_python(file.path)[1] == [number, "1"]


def test_a_column_may_change_its_type_on_a_later_page(tmp_path: Path) -> None:
    pages: list[list[object]] = [[{"a": None}], [{"a": 1}], [{"a": "x"}], [{"a": [1, "é"]}], [{"a": False}]]
    assert _landed(tmp_path, *pages) == [["a"], [""], ["1"], ["x"], ['[1, "\\u00e9"]'], ["false"]]


def test_date_like_text_stays_text(tmp_path: Path) -> None:
    file = _write(tmp_path / "part.csv", [[b'{"d":"2024-02-30","t":"00:00Z"}']])
    assert file.columns == {"d": "string", "t": "string"}
    assert csv_by_python(file.path)[1] == ["2024-02-30", "00:00Z"]


def test_a_formula_stays_as_it_came(tmp_path: Path) -> None:
    assert _landed(tmp_path, [{"a": "=SUM(A1:A9)", "b": "@x"}])[1] == ["=SUM(A1:A9)", "@x"]


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    file = _write(tmp_path / "part.csv", [[], []])
    assert (file.records, file.bytes, file.columns) == (0, 0, {})
    assert file.sha256 == hashlib.sha256(b"").hexdigest()


def test_an_empty_file_widens_to_a_header(tmp_path: Path) -> None:
    file = _write(tmp_path / "part.csv", [])
    wide = Csv().widen(file.path, file.columns, tmp_path / "wide.csv", {"a": "string", "b": "null"})
    assert wide.records == 0
    assert csv_by_python(wide.path) == [["a", "b"]]


def test_records_without_keys_are_rows_that_are_not_blank(tmp_path: Path) -> None:
    file = _write(tmp_path / "part.csv", [[b"{}", b"{}"], [b"{}"]])
    assert file.records == 3
    assert file.path.read_bytes() == b'""\r\n' * 4
    assert len(csv_by_pandas(file.path)) == 4


def test_rows_without_columns_widen_to_rows(tmp_path: Path) -> None:
    file = _write(tmp_path / "part.csv", [[b"{}", b"{}"]])
    wide = Csv().widen(file.path, file.columns, tmp_path / "wide.csv", {"a": "string"})
    assert wide.records == file.records == 2
    assert csv_by_pandas(wide.path) == [["a"], [""], [""]]


@pytest.mark.parametrize("bad", ["null", "3", '"text"', "[1]", "true"])
@pytest.mark.parametrize("position", [0, 1, 4])
def test_a_record_that_is_no_object_is_named_by_its_position(tmp_path: Path, bad: str, position: int) -> None:
    records = [b'{"a":1}'] * 5
    records[position] = bad.encode()
    with pytest.raises(RecordError, match=f"record {position + 1}: ") as caught:
        _write(tmp_path / "part.csv", [[b'{"a":1}'] * 9, records])
    assert caught.value.position == position
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_no_file(tmp_path: Path) -> None:
    def interrupted() -> Iterator[list[bytes]]:
        yield [b'{"a":1}']
        raise KeyError

    with pytest.raises(KeyError):
        _write(tmp_path / "part.csv", interrupted())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_file(tmp_path: Path) -> None:
    pages = [[b'{"a":"%s"}' % (b"x" * 5_000)]] * 50
    with pytest.raises(OSError, match="File too large"), file_limit(100_000):
        _write(tmp_path / "part.csv", pages)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_while_widening_leaves_no_file(tmp_path: Path) -> None:
    pages = [[b'{"a":1,"b":2}'] * 20_000, [b'{"late":1}']]  # at the end every earlier row grows by a comma
    with pytest.raises(OSError, match="File too large"), file_limit(110_000):
        _write(tmp_path / "part.csv", pages)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_stands_there_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "part.csv"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        CsvWriter(path)
    assert path.read_text() == "mine"


def test_a_cell_may_be_larger_than_csvs_own_limit(tmp_path: Path) -> None:
    text = "x" * 300_000  # the limit of the module csv is 131,072 unless raised
    assert _landed(tmp_path, [{"a": text}], [{"a": "", "late": 1}])[1] == [text, ""]
    assert csv.field_size_limit() == sys.maxsize


def test_a_file_fits_a_dataset_with_the_same_header_whatever_the_types() -> None:
    fits = Csv().fits
    assert fits({"a": "null", "b": "integer"}, {"a": "string", "b": "number"})
    assert not fits({"b": "string", "a": "string"}, {"a": "string", "b": "string"})
    assert not fits({"a": "string"}, {"a": "string", "b": "string"})


@contextmanager
def _set(folder: Path, pages: list[list[object]], **options: Any) -> Iterator[WrittenFile]:
    """A file of these pages, each of them a batch of its own."""
    settings = Settings(**options)
    with mock.patch("seawall.formats.batches.BATCH_BYTES", 1), CsvWriter(folder / "set.csv", settings) as writer:
        for page in pages:
            writer.write([json.dumps(record).encode() for record in page])
        yield writer.close()


FORMULAS = ["=1+1", "+a", "-a", "@x", "\t1", "\r1", "\n1", "\x001", "＝1", "＠x", "-", "--5", "+1 2", "=5"]
HARMLESS = ["-5", "+49301234", "-5.50", "1e5", "-1E+5", "a=b", "'=1", "", " =1", "2024-01-01"]


def test_escaped_formulas_begin_with_an_apostrophe_and_plain_numbers_do_not(tmp_path: Path) -> None:
    page: list[object] = [{"=name": text, "n": -5, "x": -1.5e-3, "b": [1]} for text in FORMULAS + HARMLESS]
    with _set(tmp_path, [page], escape_formulas=True) as file:
        header, *rows = csv_by_python(file.path)
    assert header == ["'=name", "n", "x", "b"]
    assert [row[0] for row in rows] == [f"'{text}" for text in FORMULAS] + HARMLESS
    assert {tuple(row[1:]) for row in rows} == {("-5", "-0.0015", "[1]")}


def test_formulas_are_escaped_once_though_the_file_is_widened(tmp_path: Path) -> None:
    with _set(tmp_path, [[{"a": "=1"}], [{"a": "'=2", "=b": "@"}]], escape_formulas=True) as file:
        assert csv_by_python(file.path) == [["a", "'=b"], ["'=1", ""], ["'=2", "'@"]]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_null_text_shows_null_and_missing_also_where_a_column_comes_later(tmp_path: Path, compression: str) -> None:
    pages: list[list[object]] = [[{"a": None, "b": ""}, {"b": "x"}], [{"late": 1}], [{}]]
    null = 'N"A'
    with (
        _set(tmp_path, pages, null_text=null, compression=compression) as file,
        open_text(file.path, compression) as text,
    ):
        rows = list(csv.reader(text, strict=True))
    assert rows == [
        ["a", "b", "late"], [null, "", null], [null, "x", null], [null, null, "1"], [null, null, null],
    ]  # fmt: skip
    assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()


@pytest.mark.parametrize("keyless", [1, 2, 15_000])
def test_rows_of_records_that_came_before_any_column_are_like_those_that_come_later(
    tmp_path: Path, keyless: int
) -> None:
    pages: list[list[object]] = [[{}] * keyless, [{"a": ""}, {}], [{"a": "x", "late": None}]]
    with _set(tmp_path, pages, null_text="NULL") as file:
        header, *rows = csv_by_python(file.path)
    assert header == ["a", "late"]
    assert rows == [["NULL", "NULL"]] * keyless + [["", "NULL"], ["NULL", "NULL"], ["x", "NULL"]]
