"""Nesting: how deep a JSON text goes. msgspec skips over a thousand levels; readers of our files give up earlier."""

from typing import TYPE_CHECKING, Final

import numpy as np

from seawall.clients.errors import AttemptError
from seawall.clients.limits import MAX_NESTING
from seawall.clients.pages.records import Records

if TYPE_CHECKING:
    import numpy.typing as npt

_ONE_BIT_LESS: Final = np.uint8(0xFF ^ (ord("{") ^ ord("[")))
_STRUCTURE: Final = b'[]{}"'
_REST: Final = bytes(set(range(256)) - set(_STRUCTURE))
_STEPS: Final = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1


def refuse_deep(body: bytes, records: Records) -> None:
    """Raise AttemptError where a body, which holds `records`, nests deeper than MAX_NESTING.

    No text is deeper than the number of brackets that open in it, so for ordinary records counting them is enough.
    """
    inside = np.flatnonzero(_opening(records.text))
    around = np.count_nonzero(_opening(body)) - inside.size
    of_each = np.searchsorted(inside, records.ends) - np.searchsorted(inside, records.starts)
    if around + of_each.max(initial=0) <= MAX_NESTING:
        return
    if (levels := depth(body)) > MAX_NESTING:
        raise AttemptError(f"the body nests {levels:,} levels deep, we land at most {MAX_NESTING}", cause="too deep")


def _opening(text: bytes) -> "npt.NDArray[np.bool]":
    """For each byte whether it opens an array or object: `{` is `[` with one more bit, and no other byte is."""
    opens: npt.NDArray[np.bool] = np.frombuffer(text, np.uint8) & _ONE_BIT_LESS == ord("[")
    return opens


def depth(text: bytes) -> int:
    """The deepest level of arrays and objects in a valid JSON text.

    With escapes gone, quotes alternate between the outside and the inside of strings.
    """
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _REST)
    marks = np.frombuffer(plain, np.uint8)
    outside = np.cumsum(marks == ord('"'), dtype=np.int32) % 2 == 0
    steps = _STEPS[marks] * outside
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))
