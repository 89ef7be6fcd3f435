"""Objects in S3, or in a server that speaks its protocol."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config

from seawall.storage.bucket.answers import TRANSFERS
from seawall.storage.bucket.calls import Calls
from seawall.storage.bucket.patience import PREFLIGHT_PATIENCE, STORE_PATIENCE, Patience
from seawall.storage.bucket.preflight import preflight
from seawall.storage.bucket.upload import Upload
from seawall.storage.checksums import s3_checksum_of, sha256_of
from seawall.storage.disk import room_on_disk
from seawall.storage.errors import BucketError, ObjectExistsError, ObjectMissingError, UploadError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES: Final = 16 * 2**20  # of a multipart upload; S3 takes 10,000 of them
MAX_CHUNKS: Final = 10_000
READ_BYTES: Final = 2**20

ONE_ATTEMPT: Final = Config(retries={"mode": "standard", "total_max_attempts": 1})  # bucket/patience.py repeats
CLIENT_CONFIG: Final = Config(connect_timeout=10, read_timeout=60, max_pool_connections=16).merge(ONE_ATTEMPT)

_FOLLOW_KEYS: Final = {"ContinuationToken": "NextContinuationToken"}
_FOLLOW_UPLOADS: Final = {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"}


class S3Store:
    """The objects of one bucket, through a boto3 client that tries once.

    Every object is written with the arguments `upload` of boto3, such as ServerSideEncryption.
    Each call is repeated for up to `patience` seconds while the store fails, at preflight `preflight_patience`.
    Besides what a method names, each raises BucketError where that does not help, and StoppedError after a stop.
    """

    def __init__(
        self,
        client: "S3Client",
        bucket: str,
        *,
        upload: Mapping[str, Any] | None = None,
        patience: float = STORE_PATIENCE,
        preflight_patience: float = PREFLIGHT_PATIENCE,
    ) -> None:
        self._calls = Calls(client, bucket, Patience(patience), upload)
        self._preflight_patience = preflight_patience

    def __repr__(self) -> str:
        return f"S3Store({self._calls.bucket!r}, endpoint={self._calls.client.meta.endpoint_url!r})"

    def preflight(self, prefix: str = "", *, create: bool = False) -> None:
        """See that we may write below `prefix`; with `create` make a missing bucket. Raises BucketError."""
        preflight(self._calls.within(self._preflight_patience), prefix, create=create)

    def put_file(self, path: Path, key: str, *, content_type: str) -> None:
        """Store a file, in parts where it is large, and compare size and checksum. Raises UploadError."""
        chunk_bytes = max(CHUNK_BYTES, -(-path.stat().st_size // MAX_CHUNKS))
        upload = Upload(calls=self._calls, path=path, key=key, chunk_bytes=chunk_bytes, content_type=content_type)
        difference: str | None = ""
        for _ in range(TRANSFERS):  # what was damaged on its way once, may come whole
            upload.send()
            difference = self._difference(path, key, chunk_bytes)
            if difference is None:
                return
        raise UploadError(f"{self.uri(key)} is not what was sent, {TRANSFERS} times: {difference}")

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store a small object, replacing what stood there."""
        self._calls.ask("put_object", key, Body=content, ContentType=content_type)

    def put_new(self, key: str, content: bytes) -> None:
        """Store a small JSON object where none stands. Raises ObjectExistsError."""
        self._calls.ask("put_object", key, Body=content, ContentType="application/json", IfNoneMatch="*")

    def put_instead(self, key: str, content: bytes, version: str) -> None:
        """Store a small JSON object in place of this version of it, "" where none stood. Raises ObjectExistsError."""
        if not version:
            self.put_new(key, content)
            return
        try:
            self._calls.ask("put_object", key, Body=content, ContentType="application/json", IfMatch=version)
        except ObjectMissingError as error:
            raise ObjectExistsError(f"{self.uri(key)} was removed meanwhile") from error

    def get_version(self, key: str) -> tuple[bytes, str]:
        """A small object and what tells this version of it from others; no bytes and no version where none stands."""
        try:  # asked for first, so a version that is newer than its content only fails to be replaced
            version = str(self._calls.head(key)["ETag"])
            return self.get(key), version
        except ObjectMissingError:
            return b"", ""

    def get(self, key: str) -> bytes:
        """The bytes of an object. Raises ObjectMissingError."""
        return self._calls.read(key, lambda body: bytes(body.read()))

    def get_file(self, key: str, path: Path) -> None:
        """Copy an object to a new file, streaming. Raises ObjectMissingError."""

        def copy(body: Any) -> None:
            with room_on_disk(path.parent), path.open("wb") as file:
                file.writelines(body.iter_chunks(READ_BYTES))

        self._calls.read(key, copy)

    def head(self, key: str) -> int:
        """The size of an object in bytes. Raises ObjectMissingError."""
        return int(self._calls.head(key)["ContentLength"])

    def list(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, sorted."""
        pages = self._calls.pages("list_objects_v2", prefix, _FOLLOW_KEYS)
        keys = (entry["Key"] for page in pages for entry in page.get("Contents", ()))
        return iter(sorted(keys))  # SeaweedFS lists folder by folder, "b/1" before "b-"

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders directly below `prefix`, which ends with `/` or is empty."""
        for page in self._calls.pages("list_objects_v2", prefix, _FOLLOW_KEYS, Delimiter="/"):
            for entry in page.get("CommonPrefixes", ()):
                yield entry["Prefix"].removeprefix(prefix).rstrip("/")

    def delete(self, key: str) -> None:
        """Remove an object; one that is missing is no error."""
        with suppress(ObjectMissingError):
            self._calls.ask("delete_object", key)

    def abort_uploads(self, prefix: str) -> int:
        """Abort unfinished uploads whose keys begin with `prefix`, in no deeper folder; their number.

        Raises:
            ExceptionGroup: some could not be aborted; all were tried.
        """
        pages = self._calls.pages("list_multipart_uploads", prefix, _FOLLOW_UPLOADS)
        uploads = [upload for page in pages for upload in page.get("Uploads", ())]
        uploads = [upload for upload in uploads if "/" not in upload["Key"].removeprefix(prefix)]
        failures: list[BucketError] = []
        for upload in uploads:
            try:
                self._calls.abort_upload(upload["Key"], upload["UploadId"])
            except BucketError as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"{len(failures):,} of {len(uploads):,} uploads could not be aborted", failures)
        return len(uploads)

    def uri(self, key: str) -> str:
        """Where people and other tools find the object."""
        return f"s3://{self._calls.bucket}/{key}"

    def stop(self) -> None:
        """End every call that goes on, at once; later ones raise StoppedError."""
        self._calls.patience.stop()

    def close(self) -> None:
        """Stop, and release connections."""
        self.stop()
        self._calls.client.close()

    def _difference(self, path: Path, key: str, chunk_bytes: int) -> str | None:
        """How a stored object differs from the file that it was made from; None if it does not."""
        try:
            head = self._calls.head(key, ChecksumMode="ENABLED")
        except ObjectMissingError:
            return "it is not there"
        if (theirs := head.get("ChecksumSHA256")) is not None:
            ours = s3_checksum_of(path, chunk_bytes)
        else:  # a server that keeps no checksums: read it back
            theirs, ours = self._calls.read(key, _sha256), sha256_of(path)
        size = path.stat().st_size
        if head["ContentLength"] == size and theirs.split("-")[0] == ours:
            return None
        return f"{head['ContentLength']:,} bytes with SHA-256 {theirs}, we sent {size:,} with {ours}"


def _sha256(body: Any) -> str:
    digest = hashlib.sha256()
    for chunk in body.iter_chunks(READ_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
