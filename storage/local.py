"""Objects as files in a local folder, durable and create-only like the ones in a bucket."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from seawall.storage.checksums import sha256_of
from seawall.storage.disk import room_on_disk
from seawall.storage.errors import BucketError, ObjectExistsError, ObjectMissingError, UploadError
from seawall.storage.leftovers import locked, new_locked, remove_abandoned

TEMPORARY: Final = ".seawall-"


class LocalStore:
    """The files below one folder, which is made on first use.

    Besides what a method names, each raises DiskError where the disk is full, and BucketError where a file or folder
    cannot be read or written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def __repr__(self) -> str:
        return f"LocalStore({str(self._root)!r})"

    def preflight(self, prefix: str = "", *, create: bool = False) -> None:
        """Make the folder where it is missing, and see that we may write below `prefix`, as far as that is there.

        Raises:
            BucketError: it cannot be made or written to, or its file system knows no hard links.
        """
        with _refusals(f"folder {self._root} cannot be written to"):
            _make_folder(self._root)
            folder, *above = self._standing(self._path(prefix))
        with _refusals(f"folder {folder} cannot be written to"), room_on_disk(folder):
            _try_to_create(folder)
        for each in (folder, *above):
            self.abort_uploads(f"{each.relative_to(self._root).as_posix()}/")

    def put_file(self, path: Path, key: str, *, content_type: str) -> None:
        """Store a file, replacing what stood there; from then on it is the store's. Raises UploadError.

        On the same file system it is the very file under another name; else it is copied and the copy compared.
        """
        with self._temporary(key) as temporary, locked(path):
            if not _link(path, temporary):
                shutil.copyfile(path, temporary)
                if sha256_of(temporary) != sha256_of(path):
                    raise UploadError(f"{self.uri(key)} is not what was sent")
            temporary.chmod(0o644)
            self._replace(temporary, key)

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store a small object, replacing what stood there."""
        with self._temporary(key) as temporary:
            temporary.write_bytes(content)
            self._replace(temporary, key)

    def put_new(self, key: str, content: bytes) -> None:
        """Store a small JSON object where none stands. Raises ObjectExistsError."""
        with self._temporary(key) as temporary:
            temporary.write_bytes(content)
            _sync(temporary)
            try:
                os.link(temporary, self._path(key))
            except FileExistsError as error:
                raise ObjectExistsError(f"{self.uri(key)} exists already") from error
            _sync(self._path(key).parent)

    def put_instead(self, key: str, content: bytes, version: str) -> None:
        """Store a small JSON object in place of this version of it, "" where none stood. Raises ObjectExistsError."""
        if not version:
            self.put_new(key, content)
            return
        with _alone_in(self._path(key).parent):
            if self.get_version(key)[1] != version:
                raise ObjectExistsError(f"{self.uri(key)} was written meanwhile")
            self.put(key, content, content_type="application/json")

    def get_version(self, key: str) -> tuple[bytes, str]:
        """A small object and what tells this version of it from others; no bytes and no version where none stands."""
        try:
            content = self.get(key)
        except ObjectMissingError:
            return b"", ""
        return content, hashlib.sha256(content).hexdigest()

    def get(self, key: str) -> bytes:
        """The bytes of an object. Raises ObjectMissingError."""
        with self._read(key):
            return self._path(key).read_bytes()

    def get_file(self, key: str, path: Path) -> None:
        """Copy an object to a new file, streaming. Raises ObjectMissingError."""
        with self._read(key), room_on_disk(path.parent):
            shutil.copyfile(self._path(key), path)

    def head(self, key: str) -> int:
        """The size of an object in bytes. Raises ObjectMissingError."""
        with self._read(key):
            return self._path(key).stat().st_size

    def list(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, sorted."""
        with self._read(prefix):
            files = (path for path in self._path(prefix.rpartition("/")[0]).rglob("*") if path.is_file())
            keys = (path.relative_to(self._root).as_posix() for path in files if not path.name.startswith(TEMPORARY))
            return iter(sorted(key for key in keys if key.startswith(prefix)))

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders directly below `prefix`, which ends with `/` or is empty."""
        with suppress(ObjectMissingError), self._read(prefix):
            yield from sorted(path.name for path in self._path(prefix).iterdir() if path.is_dir())

    def delete(self, key: str) -> None:
        """Remove an object; one that is missing is no error."""
        with _refusals(f"{self.uri(key)} cannot be removed"):
            self._path(key).unlink(missing_ok=True)

    def abort_uploads(self, prefix: str) -> int:
        """Remove what writes of dead processes left in the folder that `prefix` begins with; the number of files."""
        folder = self._path(prefix.rpartition("/")[0])
        with _refusals(f"leftovers in {folder} cannot be removed"):
            return remove_abandoned(path for path in folder.glob(f"{TEMPORARY}*") if path.is_file())

    def uri(self, key: str) -> str:
        """The path of the file."""
        return str(self._path(key))

    def stop(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, key: str) -> Path:
        return self._root / key

    def _standing(self, folder: Path) -> Iterator[Path]:
        """A folder and those above it up to the root, as far as they stand; the deepest one first."""
        above = (folder, *folder.parents)
        return (each for each in above[: above.index(self._root) + 1] if each.exists())

    @contextmanager
    def _read(self, key: str) -> Iterator[None]:
        """Let what keeps us from reading be an error of ours."""
        with _refusals(f"{self.uri(key)} cannot be read"):
            try:
                yield
            except FileNotFoundError as error:
                raise ObjectMissingError(f"{self.uri(key)} does not exist") from error

    @contextmanager
    def _temporary(self, key: str) -> Iterator[Path]:
        """A file that is to become the object, gone at the end; what keeps us from writing is an error of ours.

        Its folder is the deepest one that stands before: what a dead process leaves is where `preflight` looks for it,
        also where nobody ever comes back to the folder of that landing.
        """
        folder = self._path(key).parent
        with _refusals(f"{self.uri(key)} cannot be written"), room_on_disk(folder):
            _make_folder(self._root)
            path, held = new_locked(partial(_new_file, next(self._standing(folder))))
            try:
                _make_folder(folder)
                yield path
            finally:
                path.unlink(missing_ok=True)
                os.close(held)

    def _replace(self, temporary: Path, key: str) -> None:
        _sync(temporary)
        temporary.replace(self._path(key))
        _sync(self._path(key).parent)


@contextmanager
def _refusals(text: str) -> Iterator[None]:
    """Let what the operating system refuses be an error of ours."""
    try:
        yield
    except OSError as error:
        raise BucketError(f"{text}: {error}; give this user the right to it, or land elsewhere") from error


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each of which survives a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _new_file(folder: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
    os.fchmod(handle, 0o644)
    os.close(handle)
    return Path(name)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let no other process in that asks for the same folder (flock(2))."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _try_to_create(folder: Path) -> None:
    """Do what `put_new` does. Raises OSError where the file system is read-only, full, or knows no hard links."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=TEMPORARY) as file:
        link = Path(f"{file.name}-link")
        os.link(file.name, link)
        link.unlink()


def _link(path: Path, to: Path) -> bool:
    """Give a file another name, in place of the file that has it; False where file systems do not share it."""
    to.unlink()
    try:
        os.link(path, to)
    except OSError:  # another file system (EXDEV), or one that knows no links
        return False
    return True


def _sync(path: Path) -> None:
    """Make a file or a folder survive a power cut (fsync, POSIX)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
