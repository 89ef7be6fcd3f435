"""Caps: how long a walk may get, since a source can go on for ever."""

import time
from collections.abc import Callable

from seawall.clients.errors import WalkTooLongError
from seawall.clients.source import ApiSource
from seawall.clients.statistics import Statistics


class Caps:
    """The source's caps on pages, bytes and time; bytes and time are counted in this process."""

    def __init__(
        self, source: ApiSource, statistics: Statistics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._statistics = statistics
        self._clock = clock
        self._began = clock()

    def check(self, number: int) -> None:
        """Raise WalkTooLongError where a cap is reached before page `number`."""
        source = self._source
        hours = (self._clock() - self._began) / 3600
        for name, value, cap in (
            ("max_pages", number - source.pagination.first_page, source.max_pages),
            ("max_bytes", self._statistics.bytes, source.max_bytes),
            ("max_hours", hours, source.max_hours),
        ):
            if value >= cap:
                raise WalkTooLongError(
                    f"before page {number} the walk has reached its cap {name}={cap:,}; "
                    "raise it in the source if there is that much to land"
                )
