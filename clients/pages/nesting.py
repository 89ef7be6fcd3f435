"""Nesting: how deep a JSON text goes. msgspec skips over a thousand levels; readers of our files give up earlier."""

from typing import TYPE_CHECKING, Final

import numpy as np

from seawall.clients.errors import AttemptError
from seawall.clients.limits import MAX_NESTING
from seawall.clients.pages.records import Records
from seawall.clients.pages.structure import depth, pieces

if TYPE_CHECKING:
    import numpy.typing as npt

_ONE_BIT_LESS: Final = np.uint8(0xFF ^ (ord("{") ^ ord("[")))
_SPARSE: Final = 16  # bytes of a body for each of them, at least


def refuse_deep(body: bytes, records: Records) -> None:
    """Raise AttemptError where a body, which holds `records`, nests deeper than MAX_NESTING."""
    if not _is_surely_shallow(body, records) and (levels := depth(body)) > MAX_NESTING:
        raise AttemptError(f"the body nests {levels:,} levels deep, we land at most {MAX_NESTING}", cause="too deep")


def _is_surely_shallow(body: bytes, records: Records) -> bool:
    """Whether fewer brackets open in any record, and around all of them, than would nest too deep: so it is mostly.

    Where they open takes 8 bytes for each, so it is not asked where every other byte may be one.
    """
    opened = sum(np.count_nonzero(_opening(piece)) for piece in pieces(body))
    if opened > len(body) // _SPARSE:
        return False
    at = _places(records.text)
    of_each = np.searchsorted(at, records.ends) - np.searchsorted(at, records.starts)
    return bool(opened - at.size + of_each.max(initial=0) <= MAX_NESTING)


def _places(text: bytes) -> "npt.NDArray[np.int64]":
    """Where brackets open."""
    begin, places = 0, [np.empty(0, np.int64)]
    for piece in pieces(text):
        places.append(begin + np.flatnonzero(_opening(piece)))
        begin += len(piece)
    return np.concatenate(places)


def _opening(text: bytes) -> "npt.NDArray[np.bool]":
    """For each byte whether it opens an array or object: `{` is `[` with one more bit, and no other byte is."""
    opens: npt.NDArray[np.bool] = np.frombuffer(text, np.uint8) & _ONE_BIT_LESS == ord("[")
    return opens
