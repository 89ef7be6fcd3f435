"""Published parts: copies are made once, whoever dies in between, and no object is trusted unseen."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seawall.storage.errors import CorruptObjectError, ObjectMissingError
from seawall.storage.keys import RECEIPTS, WIDENED
from seawall.tests.histories import KilledError, MortalStore
from seawall.tests.schedules import MemoryStore
from seawall.tests.shelf import Shelf
from seawall.tests.small_runs import small_run

pytestmark = pytest.mark.usefixtures("inline_runs")

PARTS = 10


class Drifting(Shelf):
    """A shelf whose last record has a key that no other has."""

    @property
    def truth(self) -> list[dict[str, int]]:
        return [*super().truth[:-1], {"id": self.total - 1, "late": 1}]


class Recording(MortalStore):
    """Remembers what was uploaded."""

    def __init__(self, objects: dict[str, bytes], death: int, uploads: Counter[str]) -> None:
        super().__init__(objects, death, after=True)
        self.uploads = uploads

    def put_file(self, path: Path, key: str, **more: Any) -> None:
        super().put_file(path, key, **more)
        self.uploads[key] += 1


def shelf() -> Drifting:
    return Drifting("pages", total=PARTS * 5)


def until_published(deaths: list[int]) -> tuple[MemoryStore, Counter[str]]:
    """A run that dies at these writes, and is retried each time."""
    objects: dict[str, bytes] = {}
    uploads: Counter[str] = Counter()
    for death in deaths:
        with pytest.raises(KilledError):
            small_run(shelf(), Recording(objects, death, uploads), pages_per_part=1, parallel_parts=1)
    store = Recording(objects, 10**6, uploads)
    small_run(shelf(), store, pages_per_part=1, parallel_parts=1)
    return store, uploads


def test_a_retry_finds_the_copies_that_were_made_before_a_kill() -> None:
    landing = 1 + 1 + 2 * PARTS  # the first two writes, then each part and its receipt
    store, uploads = until_published([landing + 8, 5])
    assert uploads.total() == PARTS + PARTS - 1
    assert not list(store.list(f"items/20260101T000000Z-55555555/{WIDENED}")), "the records of copies are swept"


def test_a_copy_whose_object_is_gone_is_made_again() -> None:
    objects: dict[str, bytes] = {}
    landing = 2 + 2 * PARTS
    uploads: Counter[str] = Counter()
    with pytest.raises(KilledError):
        small_run(shelf(), Recording(objects, landing + 9, uploads), pages_per_part=1, parallel_parts=1)
    first, second, *_ = [key for key in uploads if key not in _named_by_receipts(objects)]
    del objects[first]
    objects[second] = b"cut"
    manifest = small_run(shelf(), Recording(objects, 10**6, uploads), pages_per_part=1, parallel_parts=1)
    assert (uploads[first], uploads[second]) == (2, 2)
    assert all(len(objects[part.key]) == part.bytes for part in manifest.parts)


@pytest.mark.parametrize(("content", "error"), [(None, ObjectMissingError), (b"other", CorruptObjectError)])
@pytest.mark.parametrize("number", [0, PARTS - 1])  # one that is to be widened, and one that is not
def test_a_part_that_was_changed_since_it_was_landed_is_not_published(
    content: bytes | None, error: type[Exception], number: int
) -> None:
    objects: dict[str, bytes] = {}
    with pytest.raises(KilledError):
        small_run(shelf(), MortalStore(objects, 2 + 2 * PARTS, after=True), pages_per_part=1, parallel_parts=1)
    key = sorted(_named_by_receipts(objects))[number]
    del objects[key]
    if content is not None:
        objects[key] = content
    with pytest.raises(error):
        small_run(shelf(), MortalStore(objects, 10**6, after=True), pages_per_part=1, parallel_parts=1)
    assert not [each for each in objects if each.endswith("_manifest.json")]


def _named_by_receipts(objects: dict[str, bytes]) -> set[str]:
    receipts = b"".join(content for key, content in objects.items() if f"/{RECEIPTS}" in key).decode()
    return {key for key in objects if f'"{key}"' in receipts}
