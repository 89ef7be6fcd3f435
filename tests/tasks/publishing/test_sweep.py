"""Sweep: what is our own and unnamed goes, all else stays, and every one of it is tried."""

from collections import Counter

import pytest
from loguru import logger

from seawall.tasks.publishing.sweep import sweep
from seawall.tests.schedules import MemoryStore
from seawall.tests.shelf import Shelf
from seawall.tests.small_runs import small_run

pytestmark = pytest.mark.usefixtures("inline_runs")

FOLDER = "items/20260101T000000Z-55555555"
LEFTOVERS = (
    f"{FOLDER}/items-20260101T000000Z-55555555-00000001-abcdef01.csv",
    f"{FOLDER}/_rejected/00000001-abcdef01.jsonl",
    f"{FOLDER}/_keys/00000001-abcdef01.bin",
    f"{FOLDER}/_widened/00000001-abcdef01.json",
)
NOT_OURS = (
    f"{FOLDER}/notes.txt",
    f"{FOLDER}/items-of-mine.csv",
    f"{FOLDER}/orders/20260101T000000Z-66666666/orders-20260101T000000Z-66666666-00000001-abcdef01.csv",
    f"{FOLDER}/_keys/mine/00000001-abcdef01.bin",
    f"{FOLDER}-2/items-20260101T000000Z-55555555-00000001-abcdef01.csv",
    "items/00000001-abcdef01.csv",
)


def test_what_nothing_names_goes_and_what_is_not_ours_stays() -> None:
    store = MemoryStore()
    small_run(Shelf("pages"), store)
    published = dict(store.objects)
    store.objects |= dict.fromkeys((*LEFTOVERS, *NOT_OURS), b"x")
    sweep(store, FOLDER)
    assert store.objects == published | dict.fromkeys(NOT_OURS, b"x")


class Keeper(MemoryStore):
    """A store whose policy forbids to delete and to abort; it counts who tries."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts: Counter[str] = Counter()

    def delete(self, key: str) -> None:
        self.attempts["delete"] += 1
        raise PermissionError(f"AccessDenied: {key}")

    def abort_uploads(self, prefix: str) -> int:
        self.attempts["abort"] += 1
        raise PermissionError(f"AccessDenied: {prefix}")


def test_where_nothing_may_be_deleted_everything_is_tried_and_told_in_one_warning() -> None:
    store = Keeper()
    small_run(Shelf("pages"), store)
    store.objects |= dict.fromkeys(LEFTOVERS, b"x")
    store.attempts.clear()
    lines: list[str] = []
    logger.enable("seawall.tasks")
    sink = logger.add(lambda message: lines.append(str(message)), format="{level} {message} {extra}")
    sweep(store, FOLDER)
    logger.remove(sink)
    assert store.attempts == {"delete": len(LEFTOVERS), "abort": 5}
    (line,) = lines
    assert line.startswith("WARNING published, but leftovers could not be removed")
    assert f"'failures': {len(LEFTOVERS) + 5}" in line
