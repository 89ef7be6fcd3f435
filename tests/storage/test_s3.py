"""Objects in S3: verified uploads, create-only writes, and servers and networks that misbehave."""

import base64
import contextlib
import hashlib
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from seawall.dev.process import free_ports
from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from seawall.storage import s3
from seawall.storage.errors import BucketError, ObjectExistsError, StoppedError, StoreUnreachableError, UploadError
from seawall.storage.s3 import CLIENT_CONFIG, S3Store
from seawall.storage.store import put_once
from seawall.tests.storeproxy import (
    Exchange,
    StoreProxy,
    cut_download,
    damage_upload,
    hang,
    lose_answer,
    on,
    proxy_before,
    redirect,
    refuse,
    times,
)

MIB = 2**20

_session = boto3.Session()  # loading the description of S3 once saves 0.1 s a client
_buckets = (f"s3-{number}" for number in itertools.count())


def _client(url: str, **settings: Any) -> Any:
    given = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": "us-east-1"}
    return _session.client("s3", endpoint_url=url, **given | settings)


@pytest.fixture
def proxy(seaweed: SeaweedFS) -> Iterator[StoreProxy]:
    with proxy_before(seaweed.url) as server:
        yield server


@pytest.fixture
def bucket(seaweed: SeaweedFS) -> str:
    name = next(_buckets)
    with contextlib.closing(_client(seaweed.url)) as client:
        client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def direct(seaweed: SeaweedFS) -> Iterator[Any]:
    """A client that goes around the proxy."""
    with contextlib.closing(_client(seaweed.url)) as client:
        yield client


@pytest.fixture
def store(proxy: StoreProxy, bucket: str) -> Iterator[S3Store]:
    """The store under test, through the proxy, with the settings of production but for the waits."""
    with contextlib.closing(S3Store(_client(proxy.url, config=CLIENT_CONFIG), bucket)) as store:
        yield store


@pytest.fixture
def hasty_store(proxy: StoreProxy, bucket: str) -> Iterator[S3Store]:
    """The same with little patience."""
    client = _client(proxy.url, config=CLIENT_CONFIG)
    with contextlib.closing(S3Store(client, bucket, patience=0.3, preflight_patience=0.3)) as store:
        yield store


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.storage.bucket.patience.STORE_BACKOFF_BASE", 0.01)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Multipart uploads begin at the smallest size that S3 allows."""
    monkeypatch.setattr(s3, "CHUNK_BYTES", 5 * MIB)
    return 5 * MIB


def _staged(folder: Path, size: int) -> Path:
    path = folder / "staged.csv"
    path.write_bytes(random.Random(size).randbytes(size))
    return path


def _composite(content: bytes, chunk: int) -> str:
    digests = [hashlib.sha256(content[at : at + chunk]).digest() for at in range(0, len(content), chunk)]
    return f"{base64.b64encode(hashlib.sha256(b''.join(digests)).digest()).decode()}-{len(digests)}"


def _uploads(client: Any, bucket: str) -> list[str]:
    return [upload["Key"] for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


# --- preflight -----------------------------------------------------------------------------------


def test_a_missing_bucket_is_refused_with_the_remedies(seaweed: SeaweedFS) -> None:
    with pytest.raises(BucketError) as caught:
        S3Store(_client(seaweed.url), "not-there").preflight()
    for told in ("'not-there'", seaweed.url, "does not exist", "bucket=", "create_bucket"):
        assert told in str(caught.value)


def test_a_missing_bucket_is_made_when_asked_to(seaweed: SeaweedFS) -> None:
    store = S3Store(_client(seaweed.url), next(_buckets))
    store.preflight(create=True)
    store.preflight()
    store.put_new("plan", b"{}")


def test_a_bucket_is_made_in_the_region_of_the_client() -> None:
    with mock_aws():
        client = boto3.client("s3", "eu-central-1", aws_access_key_id="key", aws_secret_access_key="secret")
        S3Store(client, "raw").preflight(create=True)
        assert client.get_bucket_location(Bucket="raw")["LocationConstraint"] == "eu-central-1"


@pytest.mark.parametrize("wrong", [{"aws_secret_access_key": "wrong"}, {"aws_access_key_id": "nobody"}])
@pytest.mark.parametrize("create", [False, True])
def test_wrong_keys_are_refused_and_not_shown(
    seaweed: SeaweedFS, bucket: str, wrong: dict[str, str], *, create: bool
) -> None:
    with pytest.raises(BucketError, match="refuses us") as caught:
        S3Store(_client(seaweed.url, **wrong), bucket).preflight(create=create)
    assert "credentials" in str(caught.value)
    assert not any(value in str(caught.value) for value in wrong.values())


def test_an_endpoint_that_nobody_listens_at_cannot_be_reached() -> None:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(BucketError, match=f"at {nobody} cannot be reached"):
        S3Store(_client(nobody, config=CLIENT_CONFIG), "raw", preflight_patience=0.3).preflight()


def test_a_name_that_no_bucket_can_have_is_refused(seaweed: SeaweedFS) -> None:
    with pytest.raises(BucketError, match="'no such/bucket'"):
        S3Store(_client(seaweed.url), "no such/bucket").preflight(create=True)


def test_a_bucket_that_we_may_not_make_is_refused(store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = lambda exchange: refuse(
        *((404, "NoSuchBucket") if exchange.method == "GET" else (403, "AccessDenied"))
    )(exchange)
    with pytest.raises(BucketError, match=r"does not exist and cannot be made: .*AccessDenied"):
        store.preflight(create=True)


# --- uploads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5 * MIB - 1, 5 * MIB, 12 * MIB + 345])
def test_a_large_file_is_stored_in_chunks_with_our_composite_checksum(
    store: S3Store, bucket: str, direct: Any, tmp_path: Path, small_chunks: int, size: int
) -> None:
    path = _staged(tmp_path, size)
    store.put_file(path, "run/part.csv", content_type="text/csv; charset=utf-8")
    content = path.read_bytes()
    whole = base64.b64encode(hashlib.sha256(content).digest()).decode()
    head = direct.head_object(Bucket=bucket, Key="run/part.csv", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == (_composite(content, small_chunks) if size >= small_chunks else whole)
    assert head["ContentType"] == "text/csv; charset=utf-8"
    assert direct.get_object(Bucket=bucket, Key="run/part.csv")["Body"].read() == content
    assert _uploads(direct, bucket) == []


def test_chunks_grow_so_that_ten_thousand_suffice(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: StoreProxy
) -> None:
    monkeypatch.setattr(s3, "CHUNK_BYTES", 5 * MIB)
    monkeypatch.setattr(s3, "MAX_CHUNKS", 2)
    store.put_file(_staged(tmp_path, 12 * MIB), "run/part.csv", content_type="text/csv")
    assert proxy.count("PUT") == 2


@pytest.mark.parametrize("size", [1_000, 6 * MIB])
@pytest.mark.parametrize("checksums", [True, False])
def test_a_stored_object_that_was_tampered_with_is_refused(
    store: S3Store,
    proxy: StoreProxy,
    bucket: str,
    direct: Any,
    tmp_path: Path,
    small_chunks: int,
    size: int,
    *,
    checksums: bool,
) -> None:
    def tamper(exchange: Exchange) -> None:
        if exchange.method == "HEAD" and not checksums:
            exchange.headers = [pair for pair in exchange.headers if "checksum" not in pair[0].lower()]
        finished = "POST" if size >= small_chunks else "PUT"
        if exchange.method == finished and not exchange.path.endswith("?uploads"):
            direct.put_object(Bucket=bucket, Key="run/part.csv", Body=b"x" * size, ChecksumAlgorithm="SHA256")

    proxy.after = tamper
    with pytest.raises(UploadError, match=f"s3://{bucket}/run/part.csv is not what was sent"):
        store.put_file(_staged(tmp_path, size), "run/part.csv", content_type="text/csv")


def test_a_stored_object_of_another_size_is_refused(store: S3Store, proxy: StoreProxy, tmp_path: Path) -> None:
    def shorten(exchange: Exchange) -> None:
        kept = [pair for pair in exchange.headers if pair[0].lower() != "content-length"]
        exchange.headers = [*kept, ("Content-Length", "999")] if exchange.method == "HEAD" else exchange.headers

    proxy.after = shorten
    with pytest.raises(UploadError, match="999 bytes"):
        store.put_file(_staged(tmp_path, 1_000), "run/part.csv", content_type="text/csv")


@pytest.mark.parametrize("size", [0, 1_000, 6 * MIB])
def test_where_the_server_keeps_no_checksum_the_object_is_read_back(
    store: S3Store, proxy: StoreProxy, tmp_path: Path, small_chunks: int, size: int
) -> None:
    def forget(exchange: Exchange) -> None:
        if exchange.method == "HEAD":
            exchange.headers = [pair for pair in exchange.headers if "checksum" not in pair[0].lower()]

    proxy.after = forget
    store.put_file(_staged(tmp_path, size), "run/part.csv", content_type="text/csv")
    assert proxy.count("GET /") == 1


@pytest.mark.parametrize("failing", ["partNumber=2", "complete"])
def test_an_upload_that_fails_leaves_no_orphan(
    store: S3Store, proxy: StoreProxy, bucket: str, direct: Any, tmp_path: Path, small_chunks: int, failing: str
) -> None:
    def before(exchange: Exchange) -> bool:
        completes = exchange.method == "POST" and "uploadId=" in exchange.path
        if failing in exchange.path or (failing == "complete" and completes):
            exchange.refuse(403, "AccessDenied")
            return True
        return False

    proxy.before = before
    with pytest.raises(BucketError, match="AccessDenied"):
        store.put_file(_staged(tmp_path, 12 * MIB), "run/part.csv", content_type="text/csv")
    assert proxy.count("DELETE") == 1
    assert _uploads(direct, bucket) == []
    assert list(store.list("")) == []


def test_a_slow_down_a_500_and_a_broken_connection_in_mid_upload_are_repeated(
    store: S3Store, proxy: StoreProxy, bucket: str, direct: Any, tmp_path: Path, small_chunks: int
) -> None:
    faults: dict[str, Callable[[Exchange], None]] = {
        "partNumber=1": lambda exchange: exchange.refuse(503, "SlowDown"),
        "partNumber=2": lambda exchange: exchange.refuse(500, "InternalError"),
        "partNumber=3": lambda exchange: setattr(exchange, "lost", True),
    }

    def before(exchange: Exchange) -> bool:
        for mark in [mark for mark in faults if mark in exchange.path]:
            faults.pop(mark)(exchange)
            return True
        return False

    proxy.before = before
    path = _staged(tmp_path, 12 * MIB)
    store.put_file(path, "run/part.csv", content_type="text/csv")
    assert faults == {}
    assert direct.get_object(Bucket=bucket, Key="run/part.csv")["Body"].read() == path.read_bytes()


def test_only_uploads_below_the_prefix_are_aborted(store: S3Store, bucket: str, direct: Any) -> None:
    for key in ("run-1/a", "run-1/b", "run-2/a"):
        direct.create_multipart_upload(Bucket=bucket, Key=key)
    assert store.abort_uploads("run-1/") == 2
    assert _uploads(direct, bucket) == ["run-2/a"]
    assert store.abort_uploads("run-1/") == 0


# --- create-only writes --------------------------------------------------------------------------


def test_an_object_whose_answer_was_lost_is_recognised_as_our_own(store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = on("PUT", times(1, lose_answer))
    put_once(store, "run/_manifest.json", b"mine")
    assert proxy.count("PUT") == 2
    assert store.get("run/_manifest.json") == b"mine"


def test_without_reading_back_a_lost_answer_looks_like_anothers_object(store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = on("PUT", times(1, lose_answer))
    with pytest.raises(ObjectExistsError):
        store.put_new("run/_manifest.json", b"mine")


def test_anothers_object_is_not_taken_for_our_own_after_a_lost_answer(
    store: S3Store, proxy: StoreProxy, bucket: str, direct: Any
) -> None:
    direct.put_object(Bucket=bucket, Key="run/_manifest.json", Body=b"theirs")
    proxy.before = on("PUT", times(1, lose_answer))
    with pytest.raises(ObjectExistsError, match=f"s3://{bucket}/run/_manifest.json exists already"):
        put_once(store, "run/_manifest.json", b"mine")
    assert store.get("run/_manifest.json") == b"theirs"


CONFLICT = refuse(409, "ConditionalRequestConflict")


def test_a_conflict_with_a_write_in_progress_is_repeated(store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = on("PUT", times(4, CONFLICT))
    store.put_new("run/_plan.json", b"{}")
    assert proxy.count("PUT") == 5
    assert store.get("run/_plan.json") == b"{}"


def test_a_conflict_without_end_is_an_error(hasty_store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = on("PUT", CONFLICT)
    with pytest.raises(StoreUnreachableError, match="ConditionalRequestConflict"):
        hasty_store.put_new("run/_plan.json", b"{}")
    assert proxy.count("PUT") > 2


def test_after_a_conflict_the_winners_object_is_found(
    store: S3Store, proxy: StoreProxy, bucket: str, direct: Any
) -> None:
    direct.put_object(Bucket=bucket, Key="run/_plan.json", Body=b"theirs")
    proxy.before = on("PUT", times(1, CONFLICT))
    with pytest.raises(ObjectExistsError):
        store.put_new("run/_plan.json", b"mine")


# --- reading -------------------------------------------------------------------------------------


def test_an_object_that_we_may_not_read_is_not_missing(store: S3Store, proxy: StoreProxy, tmp_path: Path) -> None:
    proxy.before = refuse(403, "AccessDenied")
    for read in (store.get, store.head, lambda key: store.get_file(key, tmp_path / "copy")):
        with pytest.raises(BucketError, match=r"run/_plan.json at .* GetObject: AccessDenied: .*; give the user"):
            read("run/_plan.json")


def test_a_listing_of_many_pages_is_whole_and_sorted(seaweed: SeaweedFS, bucket: str) -> None:
    client = _client(seaweed.url)
    client.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 3})
    store = S3Store(client, bucket)
    keys = sorted([f"run/_receipts/{number:08d}.json" for number in range(10)] + ["run/_plan.json", "run/a.csv"])
    for key in keys:
        store.put(key, b"", content_type="application/json")
    assert list(store.list("run/")) == keys
    assert list(store.list("run/_receipts/")) == [key for key in keys if "_receipts" in key]


def test_a_folder_listing_of_many_pages_is_whole(seaweed: SeaweedFS, bucket: str) -> None:
    client = _client(seaweed.url)
    client.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 2})
    store = S3Store(client, bucket)
    names = [f"2026030{number}T000000Z-2e3f4a5b" for number in range(1, 8)]
    for name in names:
        store.put(f"raw/customers/{name}/_plan.json", b"", content_type="application/json")
    assert list(store.folders("raw/customers/")) == names


def test_a_store_shows_its_bucket_and_no_secret(seaweed: SeaweedFS) -> None:
    store = S3Store(_client(seaweed.url), "raw")
    assert repr(store) == f"S3Store('raw', endpoint='{seaweed.url}')"
    assert store.uri("a/b.csv") == "s3://raw/a/b.csv"


# --- create-only writes, tried at preflight ------------------------------------------------------


def _probes(client: Any, bucket: str) -> list[str]:
    objects = [each["Key"] for each in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return [*objects, *_uploads(client, bucket)]


def test_a_store_that_ignores_create_only_writes_is_refused(seaweed: SeaweedFS, bucket: str, direct: Any) -> None:
    def forget(params: dict[str, Any], **_: Any) -> None:
        del params["headers"]["If-None-Match"]

    client = _client(seaweed.url)
    client.meta.events.register("before-call.s3.PutObject", forget)  # before it is signed
    with pytest.raises(BucketError, match=r"was created twice: the store ignores writes that only create \(If-None"):
        S3Store(client, bucket).preflight("raw")
    assert _probes(direct, bucket) == []


@pytest.mark.parametrize("status", [400, 501])
def test_a_store_that_rejects_create_only_writes_is_refused(
    store: S3Store, proxy: StoreProxy, bucket: str, direct: Any, status: int
) -> None:
    proxy.before = on("PUT", refuse(status, "NotImplemented"), header="If-None-Match")
    with pytest.raises(BucketError, match=r"NotImplemented: the store rejects writes that only create \(If-None"):
        store.preflight("raw")
    assert _probes(direct, bucket) == []


def test_a_preflight_that_clears_away_what_another_one_writes_does_not_make_it_fail(
    store: S3Store, proxy: StoreProxy, bucket: str, direct: Any
) -> None:
    cleared: list[str] = []

    def clear(exchange: Exchange) -> None:
        key = exchange.path.partition(f"/{bucket}/")[2]
        if exchange.method == "PUT" and len(cleared) < 2 and key not in cleared:
            direct.delete_object(Bucket=bucket, Key=key)
            cleared.append(key)

    proxy.after = clear
    store.preflight("raw")
    assert len(cleared) == 2


def test_what_a_killed_preflight_left_goes_with_the_next_one(store: S3Store, bucket: str, direct: Any) -> None:
    direct.put_object(Bucket=bucket, Key="raw/_preflight-1", Body=b"")
    direct.put_object(Bucket=bucket, Key="raw/_preflight-2", Body=b"")
    direct.create_multipart_upload(Bucket=bucket, Key="raw/_preflight-3")
    direct.put_object(Bucket=bucket, Key="raw/preflight-notes.txt", Body=b"mine")
    store.preflight("raw")
    assert _probes(direct, bucket) == ["raw/preflight-notes.txt"]


def test_where_nothing_may_be_deleted_preflights_leave_one_object_and_not_one_each(
    store: S3Store, proxy: StoreProxy, bucket: str, direct: Any
) -> None:
    proxy.before = on("DELETE", refuse(403, "AccessDenied"), part="_preflight-")
    with pytest.raises(BucketError, match="AccessDenied"):  # an upload that cannot be aborted costs money for ever
        store.preflight("raw")
    proxy.before = lambda exchange: (
        "uploadId" not in exchange.path and on("DELETE", refuse(403, "AccessDenied"))(exchange)
    )
    for _ in range(3):
        store.preflight("raw")
    assert len(_probes(direct, bucket)) == 1


# --- patience ------------------------------------------------------------------------------------


def test_a_call_is_repeated_while_the_store_slows_us_down(store: S3Store, proxy: StoreProxy) -> None:
    store.put("raw/a", b"x", content_type="text/plain")
    proxy.before = times(12, refuse(503, "SlowDown"))
    assert store.get("raw/a") == b"x"


@pytest.mark.parametrize("ask", ["get", "head", "list"])
def test_what_ends_names_bucket_key_reason_and_remedy(
    hasty_store: S3Store, proxy: StoreProxy, bucket: str, ask: str
) -> None:
    what = f"bucket '{bucket}'" if ask == "list" else f"s3://{bucket}/raw/a"
    proxy.before = refuse(503, "SlowDown")
    with pytest.raises(StoreUnreachableError, match=f"{what} at {proxy.url} cannot be reached") as caught:
        list(getattr(hasty_store, ask)("raw/a"))
    assert "see that the store is well" in str(caught.value)


def test_a_clock_that_is_off_is_named_though_answers_to_head_have_no_body(store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = refuse(403, "RequestTimeTooSkewed")
    with pytest.raises(BucketError, match=r"RequestTimeTooSkewed: .*the clock of this machine is off: set it"):
        store.head("raw/a")


def test_an_endpoint_that_sends_us_to_https_is_named(store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = redirect(301, "https://store.example:9000/raw")
    with pytest.raises(BucketError, match=r"it sends us to https://store\.example:9000/raw; .*endpoint_url"):
        store.preflight("raw")


def test_a_store_that_hangs_does_not_hold_up_a_preflight(hasty_store: S3Store, proxy: StoreProxy) -> None:
    proxy.before = hang
    with pytest.raises(StoreUnreachableError, match="no answer to the last attempt"):
        hasty_store.preflight("raw")


def test_a_download_that_is_cut_and_an_upload_that_is_damaged_once_are_repeated(
    store: S3Store, proxy: StoreProxy, tmp_path: Path
) -> None:
    proxy.before = on("PUT", times(1, damage_upload))
    store.put_file(_staged(tmp_path, 1_000), "raw/a", content_type="text/csv")
    proxy.before = on("GET", times(1, cut_download))
    assert len(store.get("raw/a")) == 1_000


def test_an_upload_that_is_always_damaged_ends_after_three(store: S3Store, proxy: StoreProxy, tmp_path: Path) -> None:
    proxy.before = on("PUT", damage_upload)
    with pytest.raises(BucketError, match=r"BadDigest.*damages what it carries: find it"):
        store.put_file(_staged(tmp_path, 1_000), "raw/a", content_type="text/csv")
    assert proxy.count("PUT") == 3


def test_a_stop_ends_a_call_on_a_store_that_hangs_at_once(store: S3Store, proxy: StoreProxy) -> None:
    asked = threading.Event()

    def hold(exchange: Exchange) -> bool:
        asked.set()
        return hang(exchange)

    proxy.before = hold
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(store.get, "raw/a")
        assert asked.wait(30)
        store.stop()
        with pytest.raises(StoppedError, match="stopped"):
            waiting.result(5)
