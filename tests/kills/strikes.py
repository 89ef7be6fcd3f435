"""Strikes: at which write to its store a process dies, and when."""

import re
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import Final, Literal

Moment = Literal["before", "middle", "after"]

MOMENTS: Final[tuple[Moment, ...]] = ("after", "before", "middle")
STORY: Final = {  # every kind of write, in the order of a run; those with one number come in any order
    "preflight": 0, "plan": 1, "part": 2, "upload begun": 2, "chunk": 2, "upload completed": 2, "rejected records": 2,
    "record keys": 2, "receipt": 2, "superseding receipt": 3, "widened copy": 4, "manifest": 5, "fill": 5, "sweep": 6,
    "abort": 6, "report": 7,
}  # fmt: skip
_DOCUMENTS: Final = {
    "preflight": r"/_preflight[^/]*$",
    "plan": r"/_plan\.json$",
    "receipt": r"/_receipts/\d+\.json$",
    "superseding receipt": r"/_receipts/",
    "rejected records": r"/_rejected/",
    "record keys": r"/_keys/",
    "manifest": r"/_manifest\.json$",
    "fill": r"/_manifest\.",
    "report": r"/_report\.md$",
}
_FIRST_PAGE: Final = re.compile(r"-(\d{8})-[0-9a-f]{8}\.")


@dataclass(frozen=True, slots=True)
class Strike:
    """Death at the `nth` write of a kind; `step` is the system call of a local write that its middle is."""

    kind: str
    moment: Moment
    nth: int = 1
    step: int = 1

    def __str__(self) -> str:
        return f"{self.moment} {self.kind} {self.nth}"


class Watch:
    """Counts the writes of one process by their kind, and tells which of them is struck. Thread-safe."""

    def __init__(self, strike: Strike | None) -> None:
        self.strike = strike
        self.is_met = False
        self._counts: Counter[str] = Counter()
        self._fetched: dict[str, str] = {}  # the object of a part that was read, by its first page
        self._lock = Lock()

    def saw_read(self, key: str) -> None:
        """An object was read: only what is widened is."""
        if page := _FIRST_PAGE.search(key):
            self._fetched[page[1]] = key

    def kind_of(self, key: str) -> str:
        """What is stored under a key."""
        for kind, pattern in _DOCUMENTS.items():
            if re.search(pattern, f"/{key}"):
                return kind
        page = _FIRST_PAGE.search(key)
        return "widened copy" if page and self._fetched.get(page[1], key) != key else "part"

    def moment_of(self, kind: str) -> Moment | None:
        """When at this write of a kind its process dies, if it does."""
        with self._lock:
            self._counts[kind] += 1
            strike = self.strike
            if strike is None or (kind, self._counts[kind]) != (strike.kind, strike.nth):
                return None
            self.is_met = True
            return strike.moment
