"""Record keys: what tells one record from another, kept as digests beside the receipts until the commit."""

import tempfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec
import numpy as np

from seawall.clients.pages.records import members
from seawall.storage.keys import record_keys_key
from seawall.storage.receipts import Receipt
from seawall.storage.store import ObjectStore

DIGEST: Final = 16  # bytes: of 100 million keys, no two different ones share one by chance
BUCKETS: Final = 256  # by first byte, so that one of them fits in memory: 6 MB where there are 100 million keys

_NOTHING: Final = (b"null", b"")


def digests(records: Sequence[bytes], name: str) -> list[bytes]:
    """16 bytes for the key of each record that has one; `name` is a field, dotted, or several with commas between.

    Text is compared as it reads, whatever its escapes; numbers as they are written.
    """
    paths = [path.strip().split(".") for path in name.split(",")]
    keys = ([_value(record, path) for path in paths] for record in records)
    return [blake2b(b"\0".join(key), digest_size=DIGEST).digest() for key in keys if b"" not in key]


def _value(record: bytes, path: Sequence[str]) -> bytes:
    """The value at a path, comparable; empty where it is missing or null."""
    value: bytes = record
    for step in path:
        try:
            value = bytes(members(value).get(step, b""))
        except msgspec.DecodeError:  # what is no object has no such field
            return b""
    if value.startswith(b'"'):
        return b'"' + msgspec.json.decode(value, type=str).encode("utf-8", "surrogatepass")
    return b"" if value in _NOTHING else value


class KeyFile:
    """The digests of a part's record keys in a local file, and the number of records without one.

    Without a name of a key it is no file at all.
    """

    def __init__(self, path: Path, name: str | None) -> None:
        self.path = path if name else None
        self.keyless = 0
        self._name = name

    def __enter__(self) -> Self:
        if self.path:
            self._file = self.path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path:
            self._file.close()

    def write(self, records: Sequence[bytes]) -> None:
        """Add the keys of records."""
        if self._name:
            keys = digests(records, self._name)
            self._file.write(b"".join(keys))
            self.keyless += len(records) - len(keys)


def store_digests(store: ObjectStore, folder: str, first: int, sha256: str, path: Path) -> None:
    """Keep the digests of a part, before its receipt is written."""
    store.put_file(path, record_keys_key(folder, first, sha256), content_type="application/octet-stream")
    path.unlink()


def first_digests(store: ObjectStore, folder: str, receipt: Receipt, count: int) -> list[bytes]:
    """The first `count` digests of a part, in the order of its records."""
    with tempfile.TemporaryDirectory(prefix="seawall-") as staging:
        path = Path(staging, "keys")
        store.get_file(record_keys_key(folder, receipt.first, receipt.sha256), path)
        with path.open("rb") as file:
            content = file.read(count * DIGEST)
    return [content[at : at + DIGEST] for at in range(0, len(content), DIGEST)]


def repeated(store: ObjectStore, folder: str, receipts: Sequence[Receipt]) -> int:
    """How many records have the key of another one before them; counted on disk, a bucket at a time."""
    with tempfile.TemporaryDirectory(prefix="seawall-") as staging:
        buckets = [Path(staging, f"{number:03d}") for number in range(BUCKETS)]
        files = [path.open("wb") for path in buckets]
        try:
            for receipt in receipts:
                _distribute(store, folder, receipt, Path(staging, "keys"), files)
        finally:
            for file in files:
                file.close()
        return sum(map(_repeated_in, buckets))


def _distribute(store: ObjectStore, folder: str, receipt: Receipt, path: Path, files: Sequence[BinaryIO]) -> None:
    """Append the digests of a part to the buckets that they belong to."""
    store.get_file(record_keys_key(folder, receipt.first, receipt.sha256), path)
    with path.open("rb") as file:
        while chunk := file.read(DIGEST * 2**16):
            keys = np.frombuffer(chunk, f"V{DIGEST}")
            first = np.frombuffer(chunk, np.uint8)[::DIGEST]
            order = np.argsort(first, kind="stable")
            ends = np.cumsum(np.bincount(first, minlength=BUCKETS))[:-1]
            for bucket, piece in zip(files, np.split(keys[order], ends), strict=True):
                bucket.write(piece.tobytes())
    path.unlink()


def _repeated_in(path: Path) -> int:
    keys = np.fromfile(path, ">u8").reshape(-1, 2)
    keys = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    return int((keys[1:] == keys[:-1]).all(axis=1).sum())
