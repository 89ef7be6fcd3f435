"""Preflight of a bucket: is it there, may we write, and does it know create-only writes? By trying all of it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from seawall.storage.bucket.answers import NO_BUCKET, status_of
from seawall.storage.bucket.calls import Calls
from seawall.storage.errors import (
    BucketError,
    ObjectExistsError,
    ObjectMissingError,
    StorageError,
    StoreUnreachableError,
)

CREATE_ATTEMPTS: Final = 3  # another preflight that clears away may come between

_PROBE: Final = "_preflight"
_CONDITION: Final = (
    "writes that only create (If-None-Match: *), without which two processes could overwrite each other's receipts "
    "and manifests; land in a store that knows them, docs/operations.md names some"
)


_DENIED: Final = frozenset({"AccessDenied", "403"})
_WITHOUT_UPLOAD: Final = (
    "where a policy of the bucket denies objects without headers, such as x-amz-server-side-encryption, name them in "
    "options.upload, such as {'ServerSideEncryption': 'aws:kms'}"
)
_WITH_UPLOAD: Final = (
    "does the store know them all, does a policy of the bucket ask for others, and may the user set them "
    "(s3:PutObjectTagging, s3:PutObjectAcl, kms:GenerateDataKey) and read what is encrypted (kms:Decrypt)?"
)


def preflight(calls: Calls, prefix: str, *, create: bool) -> None:
    """See that a run can land below `prefix`; with `create` make a missing bucket. Raises BucketError."""
    probe = f"{prefix}/{_PROBE}".lstrip("/")
    leftovers = [each["Key"] for each in _found(calls, probe, create=create)]
    fresh = [f"{probe}-{uuid.uuid4().hex}" for _ in range(CREATE_ATTEMPTS)]
    with _hints_at_upload(calls):
        _try_create_only_writes(calls, *leftovers[:1], *fresh)
        calls.abort_upload(fresh[0], calls.ask("create_multipart_upload", fresh[0])["UploadId"])
    with suppress(StorageError):  # they are in nobody's way
        for upload in calls.ask("list_multipart_uploads", Prefix=f"{probe}-").get("Uploads", ()):
            calls.abort_upload(upload["Key"], upload["UploadId"])
        for leftover in leftovers:
            calls.ask("delete_object", leftover)


@contextmanager
def _hints_at_upload(calls: Calls) -> Iterator[None]:
    """Let a refusal of writes, where lists are allowed, say what of options.upload may be the reason."""
    try:
        yield
    except StoreUnreachableError:
        raise
    except BucketError as error:
        if calls.upload and error.code:
            hint = f"objects are sent with options.upload ({', '.join(calls.upload)}): {_WITH_UPLOAD}"
        elif error.code in _DENIED:
            hint = _WITHOUT_UPLOAD
        else:
            raise
        hinting = BucketError(f"{error}; {hint}")
        hinting.code = error.code
        raise hinting from error


def _found(calls: Calls, probe: str, *, create: bool) -> list[Any]:
    """What earlier preflights left; to ask for it shows that the bucket is there, and, unlike HEAD, why it is not."""
    try:
        answer: Any = calls.ask("list_objects_v2", Prefix=f"{probe}-")
    except BucketError as error:
        if error.code != NO_BUCKET:
            raise
        if not create:
            raise BucketError(
                f"{calls.where()} does not exist; create it, name another with bucket=, or set options.create_bucket"
            ) from error
        _create(calls)
        return []
    return list(answer.get("Contents", ()))


def _create(calls: Calls) -> None:
    region = calls.client.meta.region_name
    elsewhere: Any = {} if region in (None, "us-east-1", "aws-global") else {"LocationConstraint": region}
    settings: dict[str, Any] = {"CreateBucketConfiguration": elsewhere} if elsewhere else {}
    try:
        calls.ask("create_bucket", **settings)
    except BucketError as error:
        raise BucketError(f"{calls.where()} does not exist and cannot be made: {error}") from error


def _try_create_only_writes(calls: Calls, *keys: str) -> None:
    """Create an object twice: the second time has to be refused. Raises BucketError.

    What an earlier preflight could not delete serves as well, so that no more than one is left where deleting is
    forbidden; since somebody may delete it meanwhile, another key has to say the same before we believe the worst.
    """
    if not any(_is_refused_twice(calls, key) for key in keys):
        raise BucketError(f"{calls.where(keys[-1])} was created twice: the store ignores {_CONDITION}")


def _is_refused_twice(calls: Calls, key: str) -> bool:
    try:
        for _ in range(2):
            calls.ask("put_object", key, Body=b"", IfNoneMatch="*")
    except ObjectExistsError:
        if calls.upload:  # what is encrypted, or in another class, has to be readable at once
            with suppress(ObjectMissingError):  # another preflight has cleared it away
                calls.read(key, lambda body: body.read())
        return True
    except BucketError as error:
        if status_of(error.__cause__) in (400, 501):
            _explain(calls, key, error)
        raise
    finally:
        with suppress(StorageError):  # deleting may be forbidden
            calls.last_words().ask("delete_object", key)
    return False


def _explain(calls: Calls, key: str, error: BucketError) -> None:
    """Raise BucketError where the store takes a write without the condition that it refused."""
    calls.ask("put_object", key, Body=b"")
    raise BucketError(f"{calls.where(key)} was refused, {error.code}: the store rejects {_CONDITION}") from error
