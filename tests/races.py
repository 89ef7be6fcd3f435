"""Races: processes that land, supersede and fill one run at once, die at any write, and are resumed with other cuts."""

import hashlib
import random
import threading
from collections import Counter
from typing import Any

from seawall.clients.errors import SourceError
from seawall.storage.errors import StorageError
from seawall.storage.manifest import Manifest, read_manifests
from seawall.tasks.errors import IngestError
from seawall.tasks.options import IngestOptions
from seawall.tests.histories import Glitch, History, KilledError, MortalStore, ids_of, ingest
from seawall.tests.schedules import MemoryStore

TURNS = 8  # in which processes die; in the last one none does


class Race:
    """A source with a page that is short, empty or broken until it is mended, and up to two processes at once."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        history = History(seed)
        while history.kind in ("cursor", "next_url", "link_header", "until empty", "offset until empty", "pages alone"):
            history = History(draw.randrange(10**6))
        history.seed, history.totals, history.change, history.passes = seed, "honest", "", 1
        history.rows = list(range(draw.choice((23, 38, 40, 51))))
        history.moments, history.is_faulty, history.counts_from_1 = [tuple(history.rows)], draw.random() < 0.3, False
        self.at = draw.randrange(1, 4)
        kinds = {
            "offset": ("empty", "broken"),
            "cursor with total": ("short", "empty"),
        }  # by offset, a short page heals by itself
        self.lacks = draw.choice(kinds.get(history.kind, ("short", "empty", "broken")))
        history.glitches = {self.at: Glitch(self.lacks, 10**6)}
        self.history, self.draw = history, draw
        self.strict = draw.random() < 0.4  # then nothing is published before it is mended, and a resume supersedes
        self.processes = draw.choice((1, 2))
        self.objects: dict[str, bytes] = {}
        self.told: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"{self.lacks} page {self.at}, strict {self.strict}, {self.processes} at once, {self.history}"

    def run(self) -> str | None:
        """What is wrong in the end, if anything."""
        self._until_one_ends()
        before = self._manifests()
        if self.strict == bool(before):
            return f"published {[manifest.verdict for manifest in before]}"
        self.history.glitches.clear()
        self._until_one_ends()
        return self._judged(before)

    def _until_one_ends(self) -> None:
        """Let processes die and others take over, until one ends by itself."""
        for turn in range(TURNS):
            endings: list[str] = []
            threads = [
                threading.Thread(target=self._process, args=(turn, random.Random(self.draw.random()), endings))
                for _ in range(self.processes)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            if any(thread.is_alive() for thread in threads):
                raise AssertionError("a process hangs")
            self.told.update(endings)
            if turn == TURNS - 1 or any(ending in ("published", "refused") for ending in endings):
                return

    def _process(self, turn: int, draw: random.Random, endings: list[str]) -> None:
        death = draw.randrange(1, 15) if turn < TURNS - 1 else 10**6
        options = IngestOptions(
            pages_per_part=draw.choice((1, 2, 3, 500)), parallel_parts=draw.choice((1, 2)), strict=self.strict,
            max_in_flight=draw.choice((1, 4)), max_failed_pages=0 if self.strict else 1,
        )  # fmt: skip
        try:
            store = MortalStore(self.objects, death, after=draw.random() < 0.5)
            ingest(
                self.history, store, options, resuming=any(key.endswith("_plan.json") for key in tuple(self.objects))
            )
            endings.append("published")
        except KilledError:
            endings.append("died")
        except (SourceError, IngestError, StorageError) as error:
            too_late = "published by another" in str(error) or "exists" in type(error).__name__.lower()
            endings.append("came too late" if too_late else "refused" if "not published" in str(error) else "failed")

    def _manifests(self) -> list[Manifest]:
        plans = [key for key in self.objects if key.endswith("_plan.json")]
        return read_manifests(self._store(), plans[0].rpartition("/")[0]) if plans else []

    def _store(self) -> MemoryStore:
        store = MemoryStore()
        store.objects = self.objects
        return store

    def _judged(self, before: list[Manifest]) -> str | None:
        truth: tuple[int, ...] = self.history.moments[0]
        manifests = self._manifests()
        self.told[f"{len(manifests)} generations"] += 1
        if [each.verdict for each in manifests] != [*(each.verdict for each in before), "complete"]:
            return f"published {[(each.verdict, each.figures) for each in manifests]}, {dict(self.told)}"
        last = manifests[-1]
        if manifests[: len(before)] != before or last.previous != (before[-1].location if before else None):
            return "an earlier generation was changed, or is not named"
        if (ids := ids_of(self.objects, last)) != truth:
            return f"lost {set(truth) - set(ids)}, {len(ids) - len(set(ids))} twice"
        named = {part.key: part.sha256 for manifest in manifests for part in manifest.parts}
        changed = [key for key, sha256 in named.items() if hashlib.sha256(self.objects[key]).hexdigest() != sha256]
        left = [key for key in self.objects if key not in named and not _is_document(key)]
        return f"changed {changed}, left {left}" if changed or left else None


def _is_document(key: str) -> Any:
    return "/_receipts/" in key or key.rpartition("/")[2].startswith("_")
