"""Latency: how long a source takes, by how many requests are in flight."""

import math
from dataclasses import dataclass
from typing import Final

HALF_LIFE: Final = 15.0  # seconds after which an observation counts half
ENOUGH: Final = 4.0  # observations, before a level counts


@dataclass(slots=True)
class _Level:
    """Mean and variance of the logarithm of seconds; `count` observations, the older the less they count."""

    count: float = 0.0
    mean: float = 0.0
    variance: float = 0.0
    at: float = 0.0


class Latency:
    """Levels of latency, two for every doubling of the number in flight.

    Logarithms, since latencies are skewed; every observation counts half after HALF_LIFE seconds.
    """

    def __init__(self) -> None:
        self._levels: dict[int, _Level] = {}

    def add(self, now: float, in_flight: int, seconds: float) -> None:
        """Learn from an answer."""
        level = self._levels.setdefault(_number(in_flight), _Level(at=now))
        logarithm = math.log(max(seconds, 1e-5))
        level.count = level.count * _fading(level, now) + 1
        deviation = logarithm - level.mean
        level.mean += deviation / level.count
        level.variance += (deviation * (logarithm - level.mean) - level.variance) / level.count
        level.at = now

    def at(self, in_flight: int, now: float) -> tuple[float, float] | None:
        """The logarithm of seconds with so many in flight, and its standard error; None where too little is known."""
        level = self._levels.get(_number(in_flight))
        count = level.count * _fading(level, now) if level else 0.0
        return (level.mean, math.sqrt(self._variance() / count)) if level and count >= ENOUGH else None

    def least(self, in_flight: int, now: float) -> tuple[float, float] | None:
        """The same for the level up to `in_flight` where it is surely smallest."""
        known = [each for n in _beginnings(in_flight) if (each := self.at(n, now)) is not None]
        return min(known, key=lambda each: each[0] + each[1], default=None)

    def raise_to(self, logarithm: float) -> None:
        """Believe no level that is lower: the source has become slower, whatever is in flight."""
        for level in self._levels.values():
            if level.mean < logarithm:
                level.mean, level.count = logarithm, min(level.count, 2 * ENOUGH)

    def _variance(self) -> float:
        levels = self._levels.values()
        count = sum(level.count for level in levels)
        return max(1e-4, sum(level.count * level.variance for level in levels) / count * (1 + ENOUGH / count))


def _number(in_flight: int) -> int:
    return int(2 * math.log2(max(in_flight, 1)) + 1e-9)


def _beginnings(in_flight: int) -> list[int]:
    """One number in flight of each level up to that of `in_flight`."""
    return [math.ceil(2 ** (number / 2) - 1e-9) for number in range(_number(in_flight) + 1)]


def _fading(level: _Level, now: float) -> float:
    return math.exp2((level.at - now) / HALF_LIFE)
