"""A file on its way into a bucket: in one piece, or in chunks where it is large. What fails for good is aborted."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from s3transfer.utils import ReadFileChunk

from seawall.storage.bucket.answers import NO_UPLOAD
from seawall.storage.bucket.calls import Calls
from seawall.storage.errors import BucketError, StorageError

UPLOAD_THREADS: Final = 2

_CHECKSUM: Final = {"ChecksumAlgorithm": "SHA256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file, and where and how it is to be stored."""

    calls: Calls
    path: Path
    key: str
    chunk_bytes: int
    content_type: str

    def send(self) -> None:
        """Store the file; as large as a chunk or larger, in chunks."""
        size = self.path.stat().st_size
        if size < self.chunk_bytes:
            self._transfer("put_object", 0, ContentType=self.content_type)
        else:
            self._in_chunks(-(-size // self.chunk_bytes))

    def _in_chunks(self, count: int) -> None:
        begun = self.calls.ask("create_multipart_upload", self.key, ContentType=self.content_type, **_CHECKSUM)
        name = {"UploadId": begun["UploadId"]}
        try:
            chunks = self._chunks(count, name)
            self._complete({"Parts": chunks}, name)
        except BaseException:
            with suppress(StorageError):
                self.calls.last_words().abort_upload(self.key, begun["UploadId"])
            raise

    def _chunks(self, count: int, name: dict[str, str]) -> list[dict[str, Any]]:
        """Send all chunks, a few at a time."""

        def send(number: int) -> dict[str, Any]:
            answer = self._transfer("upload_part", number - 1, PartNumber=number, **name)
            return {"PartNumber": number, "ETag": answer["ETag"], **_checksum_in(answer)}

        with ThreadPoolExecutor(UPLOAD_THREADS, thread_name_prefix="upload") as pool:
            try:
                return list(pool.map(send, range(1, count + 1)))
            except Exception:
                raise
            except BaseException:  # a signal: the other threads would wait for a store that may hang
                self.calls.patience.stop()
                raise

    def _complete(self, chunks: dict[str, Any], name: dict[str, str]) -> None:
        """Join the chunks. Where the answer to that was lost, the upload is gone; comparing tells what was stored."""
        try:
            self.calls.ask("complete_multipart_upload", self.key, MultipartUpload=chunks, **name)
        except BucketError as error:
            if error.code != NO_UPLOAD:
                raise

    def _transfer(self, operation: str, chunk: int, **arguments: Any) -> Any:
        """Send one chunk of the file, read anew by each attempt."""

        def attempt() -> Any:
            with ReadFileChunk.from_filename(self.path, chunk * self.chunk_bytes, self.chunk_bytes) as body:
                return self.calls.try_once(operation, Key=self.key, Body=body, **_CHECKSUM, **arguments)

        return self.calls.repeat(attempt, self.key, is_transfer=True)


def _checksum_in(answer: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in answer.items() if name == "ChecksumSHA256"}
