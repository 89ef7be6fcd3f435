"""The bucket: the limit that would have refused a request just when it was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

STEPS: Final = 16  # of halving an interval


@dataclass(frozen=True, slots=True)
class Opening:
    """So many requests were `admitted` in so many `seconds`, until one was refused for a `pause`."""

    admitted: int
    seconds: float
    pause: float

    @property
    def rate(self) -> float:
        """Requests a second, over the pause as well."""
        return max(self.admitted, 1) / max(self.seconds + self.pause, 1e-3)


def bucket_rate(starts: Sequence[float], opened: float, refused: float, opening: Opening, quickest: Opening) -> float:
    """Requests a second of the token bucket that lets in requests at `starts` since it `opened`, and not one more.

    How many tokens it holds is told by the `quickest` opening: what was let in then, less what came meanwhile. At the
    start it holds what came during a pause, so for a window with a quota this is the quota over the window.
    """
    every = [*starts, refused]
    seen = len(every) / max(refused - opened, 1e-3)
    least, most = min(opening.rate, seen) / 8, 4 * max(seen, opening.rate if opening.admitted else 0.0)
    for _ in range(STEPS):
        rate = (least + most) / 2
        size = max(1.0, quickest.admitted - rate * quickest.seconds)
        if _refuses(every, opened, rate, size, pause=opening.pause):
            least = rate
        else:
            most = rate
    return (least + most) / 2


def _refuses(starts: Sequence[float], opened: float, rate: float, size: float, *, pause: float) -> bool:
    """Whether a bucket of such a size, filled at such a rate, refuses one of these."""
    tokens, before = min(size, rate * pause + 1), opened
    for start in starts:
        tokens = min(size, tokens + rate * (start - before)) - 1
        before = start
        if tokens < 0:
            return True
    return False
