"""Cases, each drawn from its seed: a source, a store, options, and strikes at the writes of its processes."""

import random
from collections.abc import Sequence
from typing import Any, Final

from seawall.tests.kills.stock import SIZE, Stock
from seawall.tests.kills.strikes import MOMENTS, STORY, Moment, Strike

KINDS: Final[dict[str, Sequence[str]]] = {
    "s3": (
        "receipt", "widened copy", "manifest", "part", "fill", "plan", "chunk", "record keys", "superseding receipt",
        "sweep", "rejected records", "upload completed", "report", "preflight", "abort", "upload begun",
    ),
    "local": (
        "receipt", "widened copy", "manifest", "part", "fill", "plan", "record keys", "superseding receipt", "sweep",
        "rejected records", "report", "preflight", "abort",
    ),
}  # fmt: skip
NUMBERED: Final = (
    "pages", "pages by records", "offset", "pages until empty", "pages with flag", "offset from 1",
)  # fmt: skip
CHAINED: Final = ("cursor", "next_url", "relative next_url", "cursor with flag", "keyset", "keyset with flag")
STRIDE: Final = 30  # cells between two strikes of a case
STEPS: Final = 12  # system calls of a local write, at most
CHUNK_BYTES: Final = 5 * 2**20  # the least that S3 takes
PADDING: Final = 6 * 2**20 // SIZE  # of the records of a page that is larger than a chunk
UPLOADS: Final = ("chunk", "upload begun", "upload completed")
OFTEN: Final = ("part", "receipt", "record keys")  # a run of several parts has more than one
TROUBLES: Final = ("", "", "", "gap", "fill", "lasting")
LATER: Final = {  # which writes are struck when the source is mended
    "gap": ("widened copy", "manifest", "sweep", "abort", "report"),
    "fill": ("fill", "sweep", "abort"),
}


def cells(store: str) -> list[tuple[str, Moment]]:
    """Every kind of write with every moment, each kind once before any comes again."""
    kinds = KINDS[store]
    return [(kind, MOMENTS[(at + turn) % 3]) for turn in range(3) for at, kind in enumerate(kinds)]


class Case:
    """All that happens follows from `seed`; `is_flow` cases are landed by real flows.

    Its `trouble` is a page that fails for good: until it is mended, when nothing can be published (`gap`), when the
    dataset is published with a gap and filled (`fill`); or for ever (`lasting`). Strikes that are `later` wait until
    then. `supersedes` has a part landed twice, `is_heavy` some pages that are larger than a chunk of an upload. A case
    that `retries` goes on as Prefect does, without `resume=`.
    """

    def __init__(self, seed: int, *, is_flow: bool = False) -> None:
        self.seed, self.is_flow = seed, is_flow
        draw = random.Random(f"kills {seed} {is_flow}")
        self.store = ("s3", "local")[seed % 2]
        self.strikes = _strikes(self.store, seed // 2, draw)
        self._draw_source(draw)
        self._draw_options(draw)
        self.later = [strike for strike in self.strikes if self._is_later(strike, draw)]
        self.strikes = [strike for strike in self.strikes if strike not in self.later]

    def __repr__(self) -> str:
        return (
            f"SEAWALL_SEED={self.seed}{' in flows' if self.is_flow else ''}: {self.store}, {self.kind}, "
            f"{self.pages} pages, {self.per_part} a part, {self.parallel} at once, {self.format}, "
            f"drifts {self.drifts}, rejects {self.rejects}, key {self.record_key}, heavy {self.is_heavy}, "
            f"supersedes {self.supersedes}, trouble {self.trouble or 'none'} at {self.at}, retries {self.retries}, "
            f"strikes {[*map(str, self.strikes)]}, later {[*map(str, self.later)]}"
        )

    def stock(self) -> Stock:
        """The source, as it is at first."""
        total = self.pages * SIZE
        return Stock(
            kind=self.kind, total=total, padding=PADDING * self.is_heavy,
            drifts_at=SIZE * 2 + 1 if self.drifts else None,
            rejects=frozenset({2, total - 6}) if self.rejects else frozenset(),
            broken=self.at if self.trouble else None, short=self.at if self.supersedes else None,
        )  # fmt: skip

    @property
    def options(self) -> dict[str, Any]:
        """The options of the run."""
        return {
            "pages_per_part": self.per_part, "parallel_parts": self.parallel, "max_in_flight": 4,
            "max_failed_pages": int(self.trouble in ("fill", "lasting")), "max_rejected_records": 2 * self.rejects,
            "record_key": self.record_key,
        }  # fmt: skip

    def _has(self, *kinds: str) -> bool:
        return any(strike.kind in kinds for strike in self.strikes)

    def _draw_source(self, draw: random.Random) -> None:
        self.supersedes = self._has("superseding receipt")
        may_last = not self._has("sweep", "abort")
        self.trouble = draw.choice(TROUBLES[: 6 if may_last else 5])
        self.trouble = "fill" if self._has("fill") else "" if self.supersedes else self.trouble
        self.kind = draw.choice(NUMBERED if self.trouble in ("fill", "lasting") else NUMBERED + CHAINED)
        self.kind = draw.choice(NUMBERED[:2]) if self.supersedes else self.kind
        self.pages = draw.randrange(4, 7)
        self.at = draw.randrange(1, self.pages - 1)
        self.drifts = self._has("widened copy") or draw.random() < 0.5
        self.rejects = self._has("rejected records") or draw.random() < 0.3
        self.is_heavy = self.store == "s3" and self._has(*UPLOADS)

    def _draw_options(self, draw: random.Random) -> None:
        self.format = draw.choice(
            ("csv", "parquet") if self._has("widened copy") else ("csv", "parquet", "jsonl", "json")
        )
        self.format = "csv" if self.is_heavy else self.format
        self.record_key = "id" if self._has("record keys", "sweep") or draw.random() < 0.3 else None
        self.per_part = 1 if self.is_heavy else draw.choice((1, 1, 2))
        self.parallel = draw.choice((1, 1, 2))
        self.retries = self.trouble != "fill" and not self.is_flow and draw.random() < 0.3

    def _is_later(self, strike: Strike, draw: random.Random) -> bool:
        if self.trouble not in LATER:
            return False
        return strike.kind in LATER[self.trouble] or (strike.kind in OFTEN and strike.nth == 1 and draw.random() < 0.5)


def _strikes(store: str, number: int, draw: random.Random) -> list[Strike]:
    """One to three: the first walks over all cells, case by case, the next ones are STRIDE cells further."""
    every = cells(store)
    chosen = [every[(number + STRIDE * turn) % len(every)] for turn in range(1 + number % 3)]
    strikes = [_drawn(kind, moment, draw, is_first=not turn) for turn, (kind, moment) in enumerate(chosen)]
    if {"fill", "superseding receipt"} <= {strike.kind for strike in strikes}:  # a gap is published as it is
        strikes = strikes[:1]
    if any(strike.kind == "abort" for strike in strikes):  # there has to be something to abort
        strikes.append(Strike("chunk", "after") if store == "s3" else Strike("receipt", "middle", step=5))
    return sorted(strikes, key=lambda strike: STORY[strike.kind])


def _drawn(kind: str, moment: Moment, draw: random.Random, *, is_first: bool) -> Strike:
    nth = draw.choice((1, 1, 2)) if kind in OFTEN and is_first else 1
    return Strike(kind, moment, nth, step=draw.randrange(1, STEPS))
