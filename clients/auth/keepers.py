"""Keepers: where tokens that rotate are kept, so that runs which share a login do not log each other out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

Wait = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTokens:
    """A refresh token, and the access token that came with it, of use until `stale_at`, in seconds since 1970.

    `stale_at` is None where nobody knows: then a 401 tells.
    """

    refresh: str = field(repr=False)
    access: str | None = field(default=None, repr=False)
    stale_at: float | None = None


class TokenKeeper(Protocol):
    """What all runs with one login share: the tokens that came last, and whose turn it is to renew them.

    `wait` pauses for some seconds, and raises where the run has to end.
    """

    def load(self, wait: Wait) -> KeptTokens:
        """The tokens that were saved last. Raises AuthenticationError where they cannot be had."""

    def turn(self, wait: Wait) -> AbstractContextManager[None]:
        """The right to renew them, which one process has at a time, and loses when it dies."""

    def save(self, tokens: KeptTokens) -> None:
        """Keep these from now on. Raises AuthenticationError where they cannot be kept."""
