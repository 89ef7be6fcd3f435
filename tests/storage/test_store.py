"""What every object store promises, held against a folder, moto and SeaweedFS."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from seawall.dev.seaweed import SeaweedFS
from seawall.storage.errors import ObjectExistsError, ObjectMissingError
from seawall.storage.local import LocalStore
from seawall.storage.s3 import S3Store
from seawall.storage.store import ObjectStore, put_once

JSON = "application/json"
AWKWARD_NAMES = ["a b", "a+b", "100%", "ü", "🌊", "it's", "(1)", "a=b&c", "~x", "a,b;c", "_x.json", "%2F", "x" * 200]

_numbers = itertools.count()


@pytest.fixture(scope="module")
def seaweed_store(seaweed: SeaweedFS) -> ObjectStore:
    client = seaweed.client()
    client.create_bucket(Bucket="contract")
    return S3Store(client, "contract")


@pytest.fixture(scope="module")
def moto_client() -> Any:
    return boto3.client("s3", "us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")


@pytest.fixture
def moto_store(moto_client: Any) -> Iterator[ObjectStore]:
    with mock_aws():
        moto_client.create_bucket(Bucket="contract")
        yield S3Store(moto_client, "contract")


@pytest.fixture
def local_store(tmp_path: Path) -> ObjectStore:
    return LocalStore(tmp_path / "contract")


@pytest.fixture(params=["local", "moto", "seaweed"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    found: ObjectStore = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
def folder() -> str:
    """A folder that no other test uses."""
    return f"folder-{next(_numbers)}"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "staged"
        path.write_bytes(content)
        return path

    return write


def test_a_store_that_can_be_reached_passes_preflight(store: ObjectStore) -> None:
    store.preflight()
    store.preflight(create=True)


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 500])
def test_an_object_comes_back_byte_for_byte(store: ObjectStore, folder: str, content: bytes) -> None:
    store.put(f"{folder}/deep/er/object", content, content_type=JSON)
    assert store.get(f"{folder}/deep/er/object") == content
    assert store.head(f"{folder}/deep/er/object") == len(content)


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 5_000])
def test_a_file_comes_back_byte_for_byte(
    store: ObjectStore, folder: str, file: Callable[[bytes], Path], tmp_path: Path, content: bytes
) -> None:
    staged = file(content)
    store.put_file(staged, f"{folder}/part.csv", content_type="text/csv")
    store.get_file(f"{folder}/part.csv", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == store.get(f"{folder}/part.csv") == content
    assert store.head(f"{folder}/part.csv") == len(content)
    assert staged.read_bytes() == content


def test_writing_again_replaces_an_object(store: ObjectStore, folder: str, file: Callable[[bytes], Path]) -> None:
    store.put(f"{folder}/a", b"first", content_type=JSON)
    store.put(f"{folder}/a", b"second", content_type=JSON)
    assert store.get(f"{folder}/a") == b"second"
    store.put_file(file(b"third"), f"{folder}/a", content_type="text/csv")
    assert store.get(f"{folder}/a") == b"third"


def test_a_create_only_write_never_replaces(store: ObjectStore, folder: str) -> None:
    store.put_new(f"{folder}/plan", b"mine")
    for content in (b"theirs", b"mine"):
        with pytest.raises(ObjectExistsError, match=f"{folder}/plan exists already"):
            store.put_new(f"{folder}/plan", content)
    assert store.get(f"{folder}/plan") == b"mine"


def test_a_create_only_write_after_a_delete_succeeds(store: ObjectStore, folder: str) -> None:
    store.put_new(f"{folder}/plan", b"old")
    store.delete(f"{folder}/plan")
    store.put_new(f"{folder}/plan", b"new")
    assert store.get(f"{folder}/plan") == b"new"


def test_what_is_missing_is_named(store: ObjectStore, folder: str, tmp_path: Path) -> None:
    reads: list[Callable[[str], object]] = [store.get, store.head, lambda key: store.get_file(key, tmp_path / "copy")]
    for read in reads:
        with pytest.raises(ObjectMissingError) as caught:
            read(f"{folder}/none")
        assert store.uri(f"{folder}/none") in str(caught.value)
    assert not list(tmp_path.glob("copy*"))


def test_keys_are_listed_sorted_and_by_prefix(store: ObjectStore, folder: str) -> None:
    names = ["b/2", "a", "b/10", "b/1", "b-", "c/d/e", "B", "ä", "_plan.json"]
    for name in names:
        store.put(f"{folder}/{name}", b"", content_type=JSON)
    assert list(store.list(f"{folder}/")) == [f"{folder}/{name}" for name in sorted(names)]
    assert list(store.list(f"{folder}/b/")) == [f"{folder}/b/{number}" for number in ("1", "10", "2")]
    assert list(store.list(f"{folder}/b")) == [f"{folder}/{name}" for name in ("b-", "b/1", "b/10", "b/2")]
    assert list(store.list(f"{folder}/b/1")) == [f"{folder}/b/1", f"{folder}/b/10"]
    assert list(store.list(f"{folder}/none/")) == []
    assert list(store.list(f"{folder}/a/")) == []


def test_everything_is_below_the_empty_prefix(store: ObjectStore, folder: str) -> None:
    store.put(f"{folder}/a", b"", content_type=JSON)
    keys = list(store.list(""))
    assert f"{folder}/a" in keys
    assert keys == sorted(keys)
    assert folder in store.folders("")


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_names_are_taken_literally(store: ObjectStore, folder: str, name: str) -> None:
    store.put_new(f"{folder}/{name}/{name}", b"x")
    assert list(store.list(f"{folder}/")) == [f"{folder}/{name}/{name}"]
    assert list(store.folders(f"{folder}/")) == [name]
    assert store.get(f"{folder}/{name}/{name}") == b"x"


def test_folders_are_those_directly_below(store: ObjectStore, folder: str) -> None:
    for name in ("run-2/_plan.json", "run-1/_receipts/1.json", "run-1/a", "file"):
        store.put(f"{folder}/{name}", b"", content_type=JSON)
    assert list(store.folders(f"{folder}/")) == ["run-1", "run-2"]
    assert list(store.folders(f"{folder}/run-1/")) == ["_receipts"]
    assert list(store.folders(f"{folder}/run-2/")) == []
    assert list(store.folders(f"{folder}/none/")) == []


def test_a_deleted_object_is_gone_and_deleting_it_again_is_no_error(store: ObjectStore, folder: str) -> None:
    store.put(f"{folder}/a", b"", content_type=JSON)
    store.put(f"{folder}/b", b"", content_type=JSON)
    store.delete(f"{folder}/a")
    store.delete(f"{folder}/a")
    assert list(store.list(f"{folder}/")) == [f"{folder}/b"]


def test_where_no_upload_was_begun_none_is_aborted(store: ObjectStore, folder: str) -> None:
    assert store.abort_uploads(f"{folder}/") == 0
    store.put(f"{folder}/a", b"x", content_type=JSON)
    assert store.abort_uploads(f"{folder}/") == 0
    assert store.get(f"{folder}/a") == b"x"


def test_a_uri_ends_with_the_key(store: ObjectStore, folder: str) -> None:
    assert store.uri(f"{folder}/a b.csv").endswith(f"/contract/{folder}/a b.csv")


def test_a_write_once_takes_an_equal_object_for_its_own(store: ObjectStore, folder: str) -> None:
    put_once(store, f"{folder}/receipt", b"mine")
    put_once(store, f"{folder}/receipt", b"mine")
    assert store.get(f"{folder}/receipt") == b"mine"


def test_a_write_once_refuses_anothers_object(store: ObjectStore, folder: str) -> None:
    put_once(store, f"{folder}/receipt", b"theirs")
    with pytest.raises(ObjectExistsError, match=f"{folder}/receipt"):
        put_once(store, f"{folder}/receipt", b"mine")
    assert store.get(f"{folder}/receipt") == b"theirs"


# moto checks a condition and stores the object in two steps, so a race there would tell of moto only
@pytest.mark.parametrize("kind", ["local", "seaweed"])
def test_of_two_that_create_an_object_at_once_exactly_one_wins(
    kind: str, folder: str, request: pytest.FixtureRequest
) -> None:
    store: ObjectStore = request.getfixturevalue(f"{kind}_store")
    start = threading.Barrier(2)

    def create(key: str, content: bytes) -> bytes | None:
        start.wait(30)
        try:
            store.put_new(key, content)
        except ObjectExistsError:
            return None
        return content

    with ThreadPoolExecutor(2) as pool:
        for number in range(10):
            key = f"{folder}/{number}"
            won = [done for done in pool.map(create, [key] * 2, [b"one", b"other"]) if done]
            assert won == [store.get(key)]


def test_a_store_may_be_closed_twice(store: ObjectStore) -> None:
    store.preflight()
    store.close()
    store.close()
