"""What every object is stored with: encryption, class, tags; on each kind of write, and found out at preflight."""

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from seawall.storage import s3
from seawall.storage.errors import BucketError
from seawall.storage.s3 import CLIENT_CONFIG, S3Store
from seawall.tasks.errors import IncompleteError
from seawall.tasks.options import IngestOptions
from seawall.tests.shelf import Shelf
from seawall.tests.small_runs import run_of, small_run
from seawall.tests.storeproxy import Exchange, StoreProxy, proxy_before

CHUNK = 5 * 2**20  # the smallest that S3 takes
UPLOAD = {"ServerSideEncryption": "AES256", "StorageClass": "STANDARD_IA", "Tagging": "team=crm&cost=42"}
TAGS = [{"Key": "cost", "Value": "42"}, {"Key": "team", "Value": "crm"}]

_session = boto3.Session()
_buckets = (f"upload-{number}" for number in itertools.count())


def _begins_an_object(exchange: Exchange) -> bool:
    puts = exchange.method == "PUT" and "partNumber" not in exchange.path
    return puts or (exchange.method == "POST" and "uploads" in exchange.path)


def _policy(exchange: Exchange) -> bool:
    """A bucket policy that denies objects without encryption, class or tags."""
    asked = {name.lower() for name in exchange.request_headers}
    wanted = {"x-amz-server-side-encryption", "x-amz-storage-class", "x-amz-tagging"}
    if not _begins_an_object(exchange) or wanted <= asked:
        return False
    exchange.refuse(403, "AccessDenied")
    return True


@pytest.fixture(scope="module")
def proxy(seaweed: SeaweedFS) -> Iterator[StoreProxy]:
    with proxy_before(seaweed.url) as server:
        server.before = _policy
        yield server


@pytest.fixture
def bucket(seaweed: SeaweedFS) -> str:
    name = next(_buckets)
    with contextlib.closing(seaweed.client()) as client:
        client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def opened(proxy: StoreProxy, bucket: str) -> Iterator[Callable[..., S3Store]]:
    """`opened(upload)`: the bucket behind its policy, with the settings of production."""
    with contextlib.ExitStack() as stack:

        def store(upload: dict[str, Any] | None) -> S3Store:
            keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
            client = _session.client("s3", "us-east-1", endpoint_url=proxy.url, config=CLIENT_CONFIG, **keys)
            return stack.enter_context(contextlib.closing(S3Store(client, bucket, upload=upload)))

        yield store


@pytest.fixture
def moto() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")
        client.create_bucket(Bucket="raw")
        yield client


def _file(folder: Path, size: int) -> Path:
    path = folder / "staged"
    path.write_bytes(random.Random(size).randbytes(size))
    return path


WRITES: dict[str, Callable[[S3Store, Path], None]] = {
    "preflight": lambda store, _: store.preflight("raw"),
    "create-only": lambda store, _: store.put_new("object", b"{}"),
    "small": lambda store, _: store.put("object", b"{}", content_type="application/json"),
    "file": lambda store, folder: store.put_file(_file(folder, 1_000), "object", content_type="text/csv"),
    "file in chunks": lambda store, folder: store.put_file(
        _file(folder, 2 * CHUNK + 1), "object", content_type="text/csv"
    ),
}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "CHUNK_BYTES", CHUNK)


@pytest.mark.parametrize("write", WRITES)
def test_each_kind_of_write_says_how_its_object_is_stored(
    opened: Callable[..., S3Store], seaweed: SeaweedFS, bucket: str, tmp_path: Path, write: str
) -> None:
    WRITES[write](opened(UPLOAD), tmp_path)
    with contextlib.closing(seaweed.client()) as client:
        for entry in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            head = client.head_object(Bucket=bucket, Key=entry["Key"])
            assert (head["ServerSideEncryption"], head["StorageClass"]) == ("AES256", "STANDARD_IA")
            tags = client.get_object_tagging(Bucket=bucket, Key=entry["Key"])["TagSet"]
            assert sorted(tags, key=lambda tag: str(tag["Key"])) == TAGS
        assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("upload", [None, {"ServerSideEncryption": "AES256"}])
def test_a_policy_denies_each_kind_of_write_that_does_not(
    opened: Callable[..., S3Store], tmp_path: Path, write: str, upload: dict[str, Any] | None
) -> None:
    with pytest.raises(BucketError, match="AccessDenied"):
        WRITES[write](opened(upload), tmp_path)


def test_preflight_names_the_option_where_a_policy_denies_objects_without_headers(
    opened: Callable[..., S3Store],
) -> None:
    with pytest.raises(BucketError) as caught:
        opened(None).preflight("raw")
    for told in ("PutObject: AccessDenied", "x-amz-server-side-encryption", "options.upload", "'aws:kms'"):
        assert told in str(caught.value)
    assert caught.value.code == "AccessDenied"


def test_preflight_names_what_was_sent_where_a_policy_wants_more(opened: Callable[..., S3Store]) -> None:
    with pytest.raises(BucketError, match=r"options\.upload \(ServerSideEncryption\): .*kms:Decrypt"):
        opened({"ServerSideEncryption": "AES256"}).preflight("raw")


def test_preflight_tries_multipart_uploads_with_it_too(opened: Callable[..., S3Store], proxy: StoreProxy) -> None:
    def policy(exchange: Exchange) -> bool:
        return exchange.method == "POST" and _policy(exchange)

    proxy.before = policy
    try:
        with pytest.raises(BucketError, match=r"CreateMultipartUpload: AccessDenied.*options\.upload"):
            opened(None).preflight("raw")
        opened(UPLOAD).preflight("raw")
    finally:
        proxy.before = _policy


def test_what_cannot_be_read_back_at_once_is_found_at_preflight(moto: Any) -> None:
    with pytest.raises(BucketError, match=r"InvalidObjectState.*archive.*options\.upload \(StorageClass\)"):
        S3Store(moto, "raw", upload={"StorageClass": "GLACIER"}).preflight("raw")


def test_objects_are_verified_though_their_etag_is_no_digest_of_theirs(moto: Any, tmp_path: Path) -> None:
    kms = {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "our-key",
        "BucketKeyEnabled": True,
        "Metadata": {"a": "b"},
    }
    store = S3Store(moto, "raw", upload=kms)
    for size in (1_000, 2 * CHUNK + 1):
        store.put_file(_file(tmp_path, size), "part.csv", content_type="text/csv")
        head = moto.head_object(Bucket="raw", Key="part.csv")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "our-key")
        assert (head["ContentLength"], head["Metadata"], head["ContentType"]) == (size, {"a": "b"}, "text/csv")


class Ragged(Shelf):
    """A shelf whose records differ in their keys, and of which one is no object."""

    def answer(self, query: Any, url: str) -> tuple[dict[str, str], dict[str, Any]]:
        headers, body = super().answer(query, url)
        body["data"] = [{**record, f"extra {record['id'] // 10}": 1} for record in body["data"]]
        body["data"][-1:] = ["no object"] if self._begin(query, 5) == 0 else body["data"][-1:]
        return headers, body


@pytest.mark.usefixtures("inline_runs")
def test_every_object_of_a_run_is_stored_with_it(moto: Any) -> None:
    store = S3Store(moto, "raw", upload={"ServerSideEncryption": "aws:kms", "Tagging": "team=crm"})
    manifest = small_run(Ragged("pages"), store, pages_per_part=2, max_rejected_records=1)
    assert (manifest.verdict, manifest.rejected, len(manifest.widened) > 0) == ("complete", 1, True)
    keys = [entry["Key"] for entry in moto.list_objects_v2(Bucket="raw")["Contents"]]
    assert len(keys) > 2 + 2 * len(manifest.parts)
    for key in keys:
        assert moto.head_object(Bucket="raw", Key=key)["ServerSideEncryption"] == "aws:kms", key
        assert moto.get_object_tagging(Bucket="raw", Key=key)["TagSet"] == [{"Key": "team", "Value": "crm"}], key


class Broken(Shelf):
    """A shelf whose second page cannot be had while it is broken."""

    def answer(self, query: Any, url: str) -> tuple[dict[str, str], dict[str, Any]]:
        headers, body = super().answer(query, url)
        return headers, body if self._begin(query, 5) != 5 else {}


@pytest.mark.usefixtures("inline_runs")
def test_a_resume_may_store_its_objects_otherwise(moto: Any) -> None:
    run = run_of(options=IngestOptions.model_validate({"upload": {"StorageClass": "STANDARD_IA"}}))
    with pytest.raises(IncompleteError):
        small_run(Broken("pages"), S3Store(moto, "raw", upload={"StorageClass": "STANDARD_IA"}), run)
    resumed = replace(run, resuming=True, options=IngestOptions.model_validate({"upload": {"Tagging": "team=crm"}}))
    manifest = small_run(Shelf("pages"), S3Store(moto, "raw", upload={"Tagging": "team=crm"}), resumed)
    assert (manifest.verdict, manifest.records) == ("complete", 25)
