"""Documents: readable JSON, and no trust in what stands in a bucket."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.storage import documents
from seawall.storage.documents import VERSION, Column, Totals
from seawall.storage.errors import CorruptObjectError, ObjectMissingError
from seawall.storage.local import LocalStore

KEY = "customers/run/_note.json"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A document with one value of each kind that ours have."""

    seawall: int = VERSION
    text: str
    totals: Totals
    columns: tuple[Column, ...]


NOTE = Note(text="Zoë\n🌊", totals=Totals(records=5), columns=(Column("id", "integer"), Column("", "null")))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def _read(store: LocalStore, content: bytes) -> Note:
    store.put(KEY, content, content_type="application/json")
    return documents.read(store, KEY, Note)


def _changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(documents.encoded(NOTE)) | changes).encode()


def test_a_document_comes_back_as_it_was(store: LocalStore) -> None:
    assert _read(store, documents.encoded(NOTE)) == NOTE


def test_people_can_read_a_document() -> None:
    lines = documents.encoded(NOTE).decode().splitlines()
    assert lines[:2] == ["{", f'  "seawall": {VERSION},']
    assert lines[-1] == "}"


def test_a_missing_document_is_missing_and_not_corrupt(store: LocalStore) -> None:
    with pytest.raises(ObjectMissingError, match=r"_note\.json"):
        documents.read(store, KEY, Note)


DAMAGED = {
    "empty": b"",
    "white space": b" \n",
    "no JSON": b"hello",
    "HTML": b"<html>404</html>",
    "not an object": b"[1, 2]",
    "null": b"null",
    "two documents": documents.encoded(NOTE) * 2,
    "a null byte for each byte": b"\0" * 200,
    "not UTF-8": documents.encoded(NOTE).replace("ë".encode(), b"\xeb"),
    "not UTF-8 in a name": b'{"\xff": 1}',
    "a byte order mark": b"\xef\xbb\xbf" + documents.encoded(NOTE),
    "nested without end": b'{"text": ' + b"[" * 100_000,
    "a field is missing": json.dumps({"seawall": VERSION, "text": "x"}).encode(),
    "a field is of another type": _changed(text=5),
    "a nested field is of another type": _changed(totals={"records": "many"}),
    "a column lacks its type": _changed(columns=[{"name": "id"}]),
    "another program's": b'{"version": 3, "files": []}',
    "a version that is no number": _changed(seawall="one"),
    "a version of null": _changed(seawall=None),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_or_foreign_document_is_refused_by_name(store: LocalStore, content: bytes) -> None:
    with pytest.raises(CorruptObjectError) as caught:
        _read(store, content)
    assert store.uri(KEY) in str(caught.value)


@pytest.mark.parametrize("version", [VERSION + 1, 99, 0, -1])
def test_a_document_of_another_version_is_refused_with_both_versions(store: LocalStore, version: int) -> None:
    with pytest.raises(CorruptObjectError, match=f"is of version {version}, we read {VERSION}"):
        _read(store, _changed(seawall=version, text=["a shape that we do not know"]))


@given(st.integers(0, len(documents.encoded(NOTE)) - 3))
@settings(max_examples=100)
def test_a_document_that_was_cut_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    store = LocalStore(tmp_path_factory.getbasetemp() / "cut")
    with pytest.raises(CorruptObjectError):
        _read(store, documents.encoded(NOTE)[:size])


def test_a_field_that_a_later_patch_adds_is_overlooked(store: LocalStore) -> None:
    assert _read(store, _changed(added="later")) == NOTE
