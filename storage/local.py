"""Objects as files in a local folder, durable and create-only like the ones in a bucket."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from seawall.storage.checksums import sha256_of
from seawall.storage.errors import BucketError, ObjectExistsError, ObjectMissingError, UploadError

TEMPORARY = ".seawall-"


class LocalStore:
    """The files below one folder, which is made on first use."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def __repr__(self) -> str:
        return f"LocalStore({str(self._root)!r})"

    def preflight(self, prefix: str = "", *, create: bool = False) -> None:
        """Make the folder where it is missing, and see that we may write. Raises BucketError."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._root, prefix=TEMPORARY):
                pass
        except OSError as error:
            raise BucketError(f"folder {self._root} cannot be written to: {error}") from error

    def put_file(self, path: Path, key: str, *, content_type: str) -> None:
        """Store a file, replacing what stood there; from then on it is the store's. Raises UploadError.

        On the same file system it is the very file under another name; else it is copied and the copy compared.
        """
        with self._temporary(key) as temporary:
            if not _link(path, temporary):
                shutil.copyfile(path, temporary)
                if sha256_of(temporary) != sha256_of(path):
                    raise UploadError(f"{self.uri(key)} is not what was sent")
            temporary.chmod(0o644)
            _sync(temporary)
            temporary.replace(self._path(key))
            _sync(self._path(key).parent)

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store a small object, replacing what stood there."""
        with self._temporary(key) as temporary:
            temporary.write_bytes(content)
            _sync(temporary)
            temporary.replace(self._path(key))

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

    def get(self, key: str) -> bytes:
        """The bytes of an object. Raises ObjectMissingError."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissingError(f"{self.uri(key)} does not exist") from error

    def get_file(self, key: str, path: Path) -> None:
        """Copy an object to a new file, streaming. Raises ObjectMissingError."""
        try:
            shutil.copyfile(self._path(key), path)
        except FileNotFoundError as error:
            raise ObjectMissingError(f"{self.uri(key)} does not exist") from error

    def head(self, key: str) -> int:
        """The size of an object in bytes. Raises ObjectMissingError."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError as error:
            raise ObjectMissingError(f"{self.uri(key)} does not exist") from error

    def list(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, sorted."""
        files = (path for path in self._path(prefix.rpartition("/")[0]).rglob("*") if path.is_file())
        keys = (path.relative_to(self._root).as_posix() for path in files if not path.name.startswith(TEMPORARY))
        return iter(sorted(key for key in keys if key.startswith(prefix)))

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders directly below `prefix`, which ends with `/` or is empty."""
        with contextlib.suppress(FileNotFoundError):
            yield from sorted(path.name for path in self._path(prefix).iterdir() if path.is_dir())

    def delete(self, key: str) -> None:
        """Remove an object; one that is missing is no error."""
        self._path(key).unlink(missing_ok=True)

    def abort_uploads(self, prefix: str) -> int:
        """Remove what an interrupted write left in the folder that `prefix` begins with; the number of files."""
        leftovers = list(self._path(prefix.rpartition("/")[0]).glob(f"{TEMPORARY}*"))
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)

    def uri(self, key: str) -> str:
        """The path of the file."""
        return str(self._path(key))

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, key: str) -> Path:
        return self._root / key

    @contextlib.contextmanager
    def _temporary(self, key: str) -> Iterator[Path]:
        folder = self._path(key).parent
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
        os.close(handle)
        path = Path(name)
        path.chmod(0o644)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


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
