"""Record keys: what tells one record from another, kept as digests beside the receipts until the commit."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from seawall.clients.pages.identity import KEY_BYTES
from seawall.clients.pages.page import Page
from seawall.storage.disk import staging_folder
from seawall.storage.keys import record_keys_key
from seawall.storage.parallel import REQUESTS, in_parallel
from seawall.storage.receipts import Receipt
from seawall.storage.store import ObjectStore

BUCKETS: Final = 256  # by first byte, so that one of them fits in memory: 6 MB where there are 100 million keys
DISTRIBUTED_BYTES: Final = KEY_BYTES * 2**18  # are held in memory until each bucket is opened in its turn


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
    with staging_folder() as staging:
        buckets = Buckets(staging)
        for begin in range(0, len(receipts), REQUESTS):
            fetch = partial(_fetch, store, folder, staging)
            for path in in_parallel(store, fetch, receipts[begin : begin + REQUESTS]):
                buckets.add_file(path)
                path.unlink()
        buckets.flush()
        return sum(map(_repeated_in, buckets.paths))


def _fetch(store: ObjectStore, folder: str, staging: Path, receipt: Receipt) -> Path:
    path = staging / f"keys-{receipt.first}"
    store.get_file(record_keys_key(folder, receipt.first, receipt.sha256), path)
    return path


class Buckets:
    """Digests on disk by their first byte; one file is open at a time, as processes may open few (ulimit -n)."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / f"{number:03d}" for number in range(BUCKETS)]
        self._waiting = bytearray()

    def add_file(self, path: Path) -> None:
        """Take the digests of a part."""
        with path.open("rb") as file:
            while chunk := file.read(DISTRIBUTED_BYTES):
                self._waiting += chunk
                if len(self._waiting) >= DISTRIBUTED_BYTES:
                    self.flush()

    def flush(self) -> None:
        """Append what waits in memory to the buckets that it belongs to."""
        content = bytes(self._waiting)
        keys = np.frombuffer(content, f"V{KEY_BYTES}")
        first = np.frombuffer(content, np.uint8)[::KEY_BYTES]
        order = np.argsort(first, kind="stable")
        ends = np.cumsum(np.bincount(first, minlength=BUCKETS))[:-1]
        for path, piece in zip(self.paths, np.split(keys[order], ends), strict=True):
            with path.open("ab") as bucket:
                bucket.write(piece.tobytes())
        self._waiting.clear()


def _repeated_in(path: Path) -> int:
    keys = np.fromfile(path, ">u8").reshape(-1, 2)
    keys = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    return int((keys[1:] == keys[:-1]).all(axis=1).sum())
