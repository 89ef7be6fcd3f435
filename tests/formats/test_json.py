"""JSON: one valid array for each part."""

import json
from pathlib import Path

import pytest

from seawall.formats.json import Json
from seawall.formats.records import RecordError


@pytest.mark.parametrize(
    ("pages", "content"),
    [
        ([], b"[]\n"),
        ([[], []], b"[]\n"),
        ([[b'{"a":1}']], b'[\n{"a":1}\n]\n'),
        ([[b'{"a":1}', b'{ "b" : 2 }'], [], [b"{}"]], b'[\n{"a":1},\n{ "b" : 2 },\n{}\n]\n'),
    ],
)
def test_a_part_is_one_array_with_the_records_as_they_came(
    tmp_path: Path, pages: list[list[bytes]], content: bytes
) -> None:
    with Json().open(tmp_path / "part.json") as writer:
        for page in pages:
            writer.write(page)
        file = writer.close()
    assert file.path.read_bytes() == content
    assert len(json.loads(content)) == file.records


def test_a_record_that_is_no_object_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError), Json().open(tmp_path / "part.json") as writer:
        writer.write([b"[1]"])
    assert list(tmp_path.iterdir()) == []
