"""An object store, as the rest of the code sees it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from seawall.storage.errors import ObjectExistsError


class ObjectStore(Protocol):
    """Objects by key. A key is a relative path with `/` between its segments.

    A store is patient: what another try may mend, it tries again. What it raises besides is a StorageError, too:
    BucketError where it is refused or cannot be reached, DiskError where a disk is full, StoppedError after a stop.
    """

    def preflight(self, prefix: str = "", *, create: bool = False) -> None:
        """See that we may write below `prefix`; with `create` make a missing bucket. Raises BucketError."""

    def put_file(self, path: Path, key: str, *, content_type: str) -> None:
        """Store a file, replacing what stood there, and compare size and checksum. Raises UploadError."""

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store a small object, replacing what stood there."""

    def put_new(self, key: str, content: bytes) -> None:
        """Store a small JSON object where none stands. Raises ObjectExistsError."""

    def put_instead(self, key: str, content: bytes, version: str) -> None:
        """Store a small JSON object in place of this version of it, "" where none stood. Raises ObjectExistsError."""

    def get_version(self, key: str) -> tuple[bytes, str]:
        """A small object and what tells this version of it from others; no bytes and no version where none stands."""

    def get(self, key: str) -> bytes:
        """The bytes of an object. Raises ObjectMissingError."""

    def get_file(self, key: str, path: Path) -> None:
        """Copy an object to a new file, streaming. Raises ObjectMissingError."""

    def head(self, key: str) -> int:
        """The size of an object in bytes. Raises ObjectMissingError."""

    def list(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, sorted."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders directly below `prefix`, which ends with `/` or is empty."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is missing is no error."""

    def abort_uploads(self, prefix: str) -> int:
        """Abort unfinished uploads whose keys begin with `prefix`, in no deeper folder; their number."""

    def uri(self, key: str) -> str:
        """Where people and other tools find the object."""

    def stop(self) -> None:
        """End every call that goes on, at once; where calls can hang, later ones raise StoppedError."""

    def close(self) -> None:
        """Stop, and release connections."""


def put_once(store: ObjectStore, key: str, content: bytes) -> None:
    """Create an object that holds `content`, and take an equal one that stands there for our own.

    A write whose answer was lost is repeated and then refused by the store, although it
    succeeded: only reading it back tells that from somebody else's object.

    Raises:
        ObjectExistsError: another content stands under the key.
    """
    try:
        store.put_new(key, content)
    except ObjectExistsError:
        if store.get(key) != content:
            raise
    except Exception:
        with suppress(Exception):  # the answer was lost for good; what counts is what stands there
            if store.get(key) == content:
                return
        raise
