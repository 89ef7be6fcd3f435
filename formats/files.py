"""Files on disk, compressed on the way, that are whole or not there."""

import contextlib
import gzip
import hashlib
import io
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

GZIP_LEVEL: Final = 6

# RFC 6713, RFC 8878 §7; no Content-Encoding, since the object is the compressed file that its suffix says
_MEDIA_TYPES: Final = {"gzip": "application/gzip", "zstd": "application/zstd"}
_SUFFIXES: Final = {"none": "", "gzip": ".gz", "zstd": ".zst"}

COMPRESSIONS: Final = tuple(_SUFFIXES)


def suffixed(suffix: str, compression: str) -> str:
    """The suffix of a file with what its compression adds."""
    return suffix + _SUFFIXES[compression]


def media_type(plain: str, compression: str) -> str:
    """The media type of a file, which is that of its compression where there is one."""
    return _MEDIA_TYPES.get(compression, plain)


class OutputFile:
    """A new file to write bytes to; nothing of it is left after `discard`.

    Raises:
        FileExistsError: something stands there.
    """

    def __init__(self, path: Path, compression: str = "none") -> None:
        self.path = path
        self._file = _HashingFile(path)
        self._target: Any = _compressed(self._file, compression)

    def write(self, data: bytes | memoryview) -> None:
        """Add bytes."""
        self._target.write(data)

    def close(self) -> None:
        """Finish the file. Raises OSError where the disk does not take it."""
        if self._target is not self._file:
            self._target.close()
        self._file.close()

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written, compressed; without reading the file again."""
        return self._file.digest.hexdigest()

    def discard(self) -> None:
        """Remove it, whatever state it is in."""
        with contextlib.suppress(OSError, ValueError, pa.ArrowException):
            self.close()
        with contextlib.suppress(OSError):  # what its buffer could not write
            self._file.close()
        self.path.unlink(missing_ok=True)


class _HashingFile(io.BufferedWriter):
    """A new file whose bytes are hashed on their way."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "x"))
        self.digest = hashlib.sha256()

    def write(self, data: Any, /) -> int:
        self.digest.update(data)
        return super().write(data)


def _compressed(file: IO[bytes], compression: str) -> Any:
    match compression:
        case "gzip":
            return gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=GZIP_LEVEL, mtime=0)
        case "zstd":
            return pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), "zstd")
    return file


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_text(path: Path, compression: str) -> IO[str]:
    """A file to read text from, its line ends as they are."""
    match compression:
        case "gzip":
            return gzip.open(path, "rt", encoding="utf-8", newline="")
        case "zstd":
            stream: Any = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
            return io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
