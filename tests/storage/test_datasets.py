"""Published datasets as readers find them: no manifest, no dataset; a part that changed is not read."""

from pathlib import Path

import pytest

from seawall.storage import datasets
from seawall.storage.errors import CorruptObjectError, ObjectMissingError
from seawall.storage.local import LocalStore
from seawall.tests.datasets import publish


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "lake")


def test_the_newest_landing_that_was_published_is_the_latest(store: LocalStore) -> None:
    for name in ("20260101T000000Z-ffffffff", "20260102T000000Z-00000000"):
        publish(store, f"crm/customers/{name}", name.encode())
    store.put("crm/customers/20260103T000000Z-aaaaaaaa/_plan.json", b"{}", content_type="application/json")
    folder, found, passed_over = datasets.latest(store, "crm/customers")
    assert passed_over == []
    assert folder == "crm/customers/20260102T000000Z-00000000"
    assert [path.read_bytes() for path in datasets.parts(store, folder, found)] == [b"20260102T000000Z-00000000"]


def test_where_nothing_was_published_the_error_says_what_there_is(store: LocalStore) -> None:
    store.put("crm/customers/20260103T000000Z-aaaaaaaa/_plan.json", b"{}", content_type="application/json")
    with pytest.raises(ObjectMissingError, match=r"not published: \['20260103T000000Z-aaaaaaaa'\]"):
        datasets.latest(store, "crm/customers")
    with pytest.raises(ObjectMissingError, match=r"crm/orders has no landings; the folders beside it: \['customers'\]"):
        datasets.latest(store, "crm/orders")
    with pytest.raises(ObjectMissingError, match=r"the folders beside it: \['crm'\]"):
        datasets.latest(store, "orders")


def test_a_folder_without_a_manifest_is_no_dataset(store: LocalStore) -> None:
    store.put("customers/run/part-1.jsonl", b"{}", content_type="text/plain")
    with pytest.raises(ObjectMissingError, match="customers/run has no manifest"):
        datasets.published(store, "customers/run")


@pytest.mark.parametrize("content", [b'{"id": 2}\n', b'{"id": 1}', b""])
def test_a_part_that_changed_since_is_not_read(store: LocalStore, content: bytes) -> None:
    found = publish(store, "customers/run", b'{"id": 1}\n')
    store.put(found.parts[0].key, content, content_type="text/plain")
    with pytest.raises(CorruptObjectError, match="not what was published"):
        list(datasets.parts(store, "customers/run", found))


def test_a_part_that_is_gone_is_an_error(store: LocalStore) -> None:
    found = publish(store, "customers/run", b"1", b"2")
    store.delete(found.parts[1].key)
    paths = datasets.parts(store, "customers/run", found)
    assert next(paths).read_bytes() == b"1"
    with pytest.raises(ObjectMissingError):
        next(paths)


def test_a_copy_of_a_part_is_gone_after_its_turn(store: LocalStore) -> None:
    paths = list(datasets.parts(store, "customers/run", publish(store, "customers/run", b"1", b"2")))
    assert not any(path.exists() for path in paths)


def test_a_folder_with_a_plan_is_a_landing(store: LocalStore) -> None:
    store.put("customers/run/_plan.json", b"{}", content_type="application/json")
    for key in ("run/x.csv", "run/_rejected/00000001-1a2b3c4d.jsonl", "run/_receipts/00000001.json"):
        assert datasets.is_in_landing(store, f"customers/{key}")
    for key in ("customers/x.csv", "customers/_new/x.csv", "_new/x.csv", "x.csv"):
        assert not datasets.is_in_landing(store, key)
