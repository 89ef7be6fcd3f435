"""Small objects that several processes write: one of two that read the same version has to look again."""

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seawall.dev.seaweed import SeaweedFS
from seawall.storage.errors import ObjectExistsError
from seawall.storage.local import LocalStore
from seawall.storage.s3 import S3Store
from seawall.storage.store import ObjectStore

Make = Callable[[], ObjectStore]
_numbers = itertools.count()


@pytest.fixture(params=["folder", "bucket"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """A store that each writer has for itself, all over the same objects."""
    if request.param == "folder":
        return lambda: LocalStore(tmp_path)
    seaweed: SeaweedFS = request.getfixturevalue("seaweed")
    name = f"versions-{next(_numbers)}"
    seaweed.client().create_bucket(Bucket=name)
    return lambda: S3Store(seaweed.client(), name)


def test_an_object_is_replaced_by_whoever_read_its_last_version(make: Make) -> None:
    store = make()
    assert store.get_version("a/b.json") == (b"", "")
    store.put_instead("a/b.json", b"1", "")
    content, version = store.get_version("a/b.json")
    assert content == b"1"
    store.put_instead("a/b.json", b"2", version)
    for late in (version, ""):
        with pytest.raises(ObjectExistsError):
            store.put_instead("a/b.json", b"3", late)
    assert store.get("a/b.json") == b"2"


def test_no_update_of_four_writers_is_lost(make: Make) -> None:
    def count_up(number: int) -> None:
        store = make()
        for _ in range(10):
            while True:
                content, version = store.get_version("counts.json")
                counts = json.loads(content or "{}")
                counts[str(number)] = counts.get(str(number), 0) + 1
                try:
                    store.put_instead("counts.json", json.dumps(counts).encode(), version)
                except ObjectExistsError:
                    continue
                break

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))
    assert json.loads(make().get("counts.json")) == {str(number): 10 for number in range(4)}
