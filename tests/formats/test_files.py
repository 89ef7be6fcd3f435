"""Files that are whole or not there, compressed on the way."""

import gzip
from pathlib import Path

import pytest

from seawall.formats.files import COMPRESSIONS, OutputFile, open_text


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_is_written_is_read_with_its_line_ends(tmp_path: Path, compression: str) -> None:
    file = OutputFile(tmp_path / "file", compression)
    for piece in (b"a\r\n", memoryview("é\n\r".encode()), b""):
        file.write(piece)
    file.close()
    with open_text(tmp_path / "file", compression) as text:
        assert text.read() == "a\r\né\n\r"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_discarded_file_is_gone_at_any_time(tmp_path: Path, compression: str) -> None:
    for closed in (False, True):
        file = OutputFile(tmp_path / "file", compression)
        file.write(b"x" * 100_000)
        if closed:
            file.close()
        file.discard()
        assert list(tmp_path.iterdir()) == []


def test_a_gzip_file_tells_neither_a_name_nor_a_time(tmp_path: Path) -> None:
    file = OutputFile(tmp_path / "secret-name", "gzip")
    file.close()
    content = (tmp_path / "secret-name").read_bytes()
    assert gzip.decompress(content) == b""
    assert (content[3], content[4:8]) == (0, b"\0\0\0\0"), "flags and time, RFC 1952 §2.3"


def test_a_file_that_stands_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError):
        OutputFile(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
