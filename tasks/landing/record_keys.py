"""Record keys: what tells one record from another, kept as digests beside the receipts until the commit."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np

from seawall.clients.pages.identity import KEY_BYTES
from seawall.clients.pages.page import Page
from seawall.storage.keys import record_keys_key
from seawall.storage.receipts import Receipt
from seawall.storage.store import ObjectStore

BUCKETS: Final = 256  # by first byte, so that one of them fits in memory: 6 MB where there are 100 million keys


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

    def write(self, page: Page) -> None:
        """Add the keys of a page's records."""
        if self._name:
            keys = page.identity.keys or ()
            self._file.write(b"".join(keys))
            self.keyless += len(page.records) - len(keys)


def store_digests(store: ObjectStore, folder: str, first: int, sha256: str, path: Path) -> None:
    """Keep the digests of a part, before its receipt is written."""
    store.put_file(path, record_keys_key(folder, first, sha256), content_type="application/octet-stream")
    path.unlink()


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
        while chunk := file.read(KEY_BYTES * 2**16):
            keys = np.frombuffer(chunk, f"V{KEY_BYTES}")
            first = np.frombuffer(chunk, np.uint8)[::KEY_BYTES]
            order = np.argsort(first, kind="stable")
            ends = np.cumsum(np.bincount(first, minlength=BUCKETS))[:-1]
            for bucket, piece in zip(files, np.split(keys[order], ends), strict=True):
                bucket.write(piece.tobytes())
    path.unlink()


def _repeated_in(path: Path) -> int:
    keys = np.fromfile(path, ">u8").reshape(-1, 2)
    keys = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    return int((keys[1:] == keys[:-1]).all(axis=1).sum())
