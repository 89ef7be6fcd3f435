"""What the records of a page say of its place in the walk: which are new, and what asks for the page behind them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Of a page's records, those at the places `repeated` came with the page before already; `token` asks for more.

    `stuck` says why nothing can ask for what may lie behind, `moved` is set where a record of the page before should
    have come again and did not, `is_doubtful` where the keys show that records may lie between two pages.
    """

    repeated: tuple[int, ...] = ()
    token: str | None = None
    stuck: str = ""
    moved: bool = False
    is_doubtful: bool = False
