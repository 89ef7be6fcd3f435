"""JSON Lines: the bytes of each record, on one line."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from seawall.formats.jsonl import JsonLines
from seawall.formats.records import RecordError
from seawall.formats.writer import Settings, WrittenFile
from seawall.tests.disk import file_limit


def write(path: Path, *pages: list[bytes], compression: str = "none") -> WrittenFile:
    with JsonLines(Settings(compression=compression)).open(path) as writer:
        for page in pages:
            writer.write(page)
        return writer.close()


def test_a_record_is_kept_byte_for_byte(tmp_path: Path) -> None:
    records = [b'{"a": 1.50 , "b":"\\u00e9\\ud83c\\udf0a"}', '{"b":"\u2028é","a":1e2}'.encode()]
    file = write(tmp_path / "part", records[:1], [], records[1:])
    assert file.path.read_bytes() == records[0] + b"\n" + records[1] + b"\n"
    assert file.records == 2


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_breaks_between_tokens_become_spaces(tmp_path: Path, end: bytes) -> None:
    pretty = end.join([b"{", b'  "a": "line\\nbreak",', b'  "b": 2', b"}"])
    file = write(tmp_path / "part", [pretty, b'{"a":1}'])
    space = b" " * len(end)
    assert file.path.read_bytes() == pretty.replace(end, space) + b'\n{"a":1}\n'


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    assert write(tmp_path / "part", []).path.read_bytes() == b""


def test_its_columns_describe_the_first_page_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "part", [b'{"a":1}', b'{"b":[]}'], [b'{"c":1}'])
    assert (file.columns, file.since) == ({"a": "integer", "b": "array"}, {})


def test_a_compressed_file_holds_the_same_bytes(tmp_path: Path) -> None:
    records = [b'{"a":%d}' % number for number in range(1_000)]
    plain = write(tmp_path / "plain", records).path.read_bytes()
    assert gzip.decompress(write(tmp_path / "gzip", records, compression="gzip").path.read_bytes()) == plain
    packed = write(tmp_path / "zstd", records, compression="zstd").path
    assert pa.CompressedInputStream(pa.OSFile(str(packed)), "zstd").read() == plain
    assert packed.stat().st_size < len(plain) / 2


def test_compressing_the_same_records_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, [b"{}"], compression="gzip") for name in ("one", "other"))
    assert one.sha256 == other.sha256


def test_a_record_that_is_no_object_is_named_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="record 2: not a JSON object"):
        write(tmp_path / "part", [b"{}", b"3"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_disk_that_fills_up_leaves_no_file(tmp_path: Path, compression: str) -> None:
    pages = [[b'{"a":"%s"}' % b"".join(b"%x" % (n * page**3) for n in range(10_000))] for page in range(50)]
    with pytest.raises(OSError, match="File too large"), file_limit(100_000):
        write(tmp_path / "part", *pages, compression=compression)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("keys", "described"), [(1, 6), (700, 1_400), (5_000, 0)])
def test_records_with_keys_of_their_own_are_landed_and_some_of_them_described(
    tmp_path: Path, keys: int, described: int
) -> None:
    records = [json.dumps({f"k{n}_{key}": key for key in range(keys)}).encode() for n in range(6)]
    file = write(tmp_path / "part", records)
    assert file.path.read_bytes() == b"\n".join(records) + b"\n"
    assert len(file.columns) == described
