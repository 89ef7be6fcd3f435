"""Objects in S3, or in a server that speaks its protocol."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import stamina
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from seawall.storage.checksums import s3_checksum_of, sha256_of
from seawall.storage.errors import BucketError, ObjectExistsError, ObjectMissingError, UploadError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES: Final = 16 * 2**20  # of a multipart upload; S3 takes 10,000 of them
MAX_CHUNKS: Final = 10_000
UPLOAD_THREADS: Final = 2
CONFLICT_ATTEMPTS: Final = 5

CLIENT_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 6},
    connect_timeout=10,
    read_timeout=60,
    max_pool_connections=16,
)

_MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_conflict(error: Exception) -> bool:
    """A conditional write that met another one in progress; botocore does not repeat it."""
    return isinstance(error, ClientError) and _code(error) == "ConditionalRequestConflict"


class S3Store:
    """The objects of one bucket, through a boto3 client."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def __repr__(self) -> str:
        return f"S3Store({self._bucket!r}, endpoint={self._client.meta.endpoint_url!r})"

    def preflight(self, prefix: str = "", *, create: bool = False) -> None:
        """See that we may write below `prefix`; with `create` make a missing bucket. Raises BucketError."""
        where = f"bucket {self._bucket!r} at {self._client.meta.endpoint_url}"
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if _code(error) not in _MISSING:
                raise BucketError(f"{where} refuses us: {error}; check the credentials of the storage block") from error
            if not create:
                raise BucketError(
                    f"{where} does not exist; create it, name another with bucket=, or set options.create_bucket"
                ) from error
            self._create(where)
        except BotoCoreError as error:
            raise BucketError(f"{where} cannot be reached: {error}") from error
        self._begin_to_write(prefix, where)

    def put_file(self, path: Path, key: str, *, content_type: str) -> None:
        """Store a file, in parts where it is large, and compare size and checksum. Raises UploadError."""
        size = path.stat().st_size
        chunk_bytes = max(CHUNK_BYTES, -(-size // MAX_CHUNKS))
        config = TransferConfig(
            multipart_threshold=chunk_bytes, multipart_chunksize=chunk_bytes, max_concurrency=UPLOAD_THREADS
        )
        arguments = {"ContentType": content_type, "ChecksumAlgorithm": "SHA256"}
        try:
            self._client.upload_file(str(path), self._bucket, key, ExtraArgs=arguments, Config=config)
        except S3UploadFailedError as error:  # its text names the staged file
            raise UploadError(f"{self.uri(key)} could not be stored: {error.__context__}") from error
        self._verify(path, key, size, chunk_bytes)

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store a small object, replacing what stood there."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def put_new(self, key: str, content: bytes) -> None:
        """Store a small JSON object where none stands. Raises ObjectExistsError."""
        try:
            for attempt in stamina.retry_context(on=_is_conflict, attempts=CONFLICT_ATTEMPTS):
                with attempt:
                    self._client.put_object(
                        Bucket=self._bucket, Key=key, Body=content, ContentType="application/json", IfNoneMatch="*"
                    )
        except ClientError as error:
            if _code(error) not in ("PreconditionFailed", "412"):
                raise
            raise ObjectExistsError(f"{self.uri(key)} exists already") from error

    def get(self, key: str) -> bytes:
        """The bytes of an object. Raises ObjectMissingError."""
        try:
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        except ClientError as error:
            raise self._missing(error, key) from error

    def get_file(self, key: str, path: Path) -> None:
        """Copy an object to a new file, streaming. Raises ObjectMissingError."""
        try:
            self._client.download_file(self._bucket, key, str(path))
        except ClientError as error:
            raise self._missing(error, key) from error

    def head(self, key: str) -> int:
        """The size of an object in bytes. Raises ObjectMissingError."""
        try:
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except ClientError as error:
            raise self._missing(error, key) from error

    def list(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        keys = (entry["Key"] for page in pages for entry in page.get("Contents", []))
        return iter(sorted(keys))  # SeaweedFS lists folder by folder, "b/1" before "b-"

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders directly below `prefix`, which ends with `/` or is empty."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        return (
            entry["Prefix"].removeprefix(prefix).rstrip("/")
            for page in pages
            for entry in page.get("CommonPrefixes", [])
        )

    def delete(self, key: str) -> None:
        """Remove an object; one that is missing is no error."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def abort_uploads(self, prefix: str) -> int:
        """Abort uploads whose keys begin with `prefix` and that were never finished; their number.

        Raises:
            ExceptionGroup: some could not be aborted; all were tried.
        """
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        uploads = [upload for page in pages for upload in page.get("Uploads", [])]
        failures: list[ClientError] = []
        for upload in uploads:
            try:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            except ClientError as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"{len(failures):,} of {len(uploads):,} uploads could not be aborted", failures)
        return len(uploads)

    def uri(self, key: str) -> str:
        """Where people and other tools find the object."""
        return f"s3://{self._bucket}/{key}"

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _begin_to_write(self, prefix: str, where: str) -> None:
        """Begin an upload and abort it: that needs the right to write, and leaves nothing behind."""
        key = f"{prefix}/_preflight".lstrip("/")
        try:
            upload = self._client.create_multipart_upload(Bucket=self._bucket, Key=key)
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload["UploadId"])
        except ClientError as error:
            raise BucketError(f"{where} refuses to be written to below {prefix!r}: {error}") from error

    def _create(self, where: str) -> None:
        region = self._client.meta.region_name
        elsewhere: Any = {} if region in (None, "us-east-1", "aws-global") else {"LocationConstraint": region}
        settings = {"CreateBucketConfiguration": elsewhere} if elsewhere else {}
        try:
            self._client.create_bucket(Bucket=self._bucket, **settings)
        except ClientError as error:
            raise BucketError(f"{where} does not exist and cannot be made: {error}") from error

    def _missing(self, error: ClientError, key: str) -> Exception:
        return ObjectMissingError(f"{self.uri(key)} does not exist") if _code(error) in _MISSING else error

    def _verify(self, path: Path, key: str, size: int, chunk_bytes: int) -> None:
        head = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        if (theirs := head.get("ChecksumSHA256")) is not None:
            ours = s3_checksum_of(path, chunk_bytes)
        else:  # a server that keeps no checksums: read it back
            theirs, ours = self._read_back(key), sha256_of(path)
        if head["ContentLength"] != size or theirs.split("-")[0] != ours:
            raise UploadError(
                f"{self.uri(key)} is not what was sent: {head['ContentLength']:,} bytes with SHA-256 {theirs}, "
                f"we sent {size:,} with {ours}"
            )

    def _read_back(self, key: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(2**20):
            digest.update(chunk)
        return digest.hexdigest()
