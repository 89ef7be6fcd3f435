"""Policies: who decides when a request may start, and when one that failed is asked for again."""

import math
import random
from typing import Protocol

from seawall.clients.http.told import quotas, wished_wait
from seawall.clients.limits import MAX_IN_FLIGHT, RETRY_AFTER_FLOOR
from seawall.clients.pace.controller import Controller
from seawall.clients.pace.tickets import Ticket
from seawall.dev.pace.servers import Reply


class Policy(Protocol):
    """What a walk asks; times are in seconds."""

    def delay(self, now: float) -> float:
        """Seconds until a request may start; infinity where one has to end first."""

    def start(self, now: float) -> Ticket:
        """Start a request."""

    def ended(self, ticket: Ticket, reply: Reply, tries: int, now: float) -> float:
        """Learn from an answer; the seconds before the page may be asked for again, where it has to be."""


class Learning:
    """The controller of Seawall, told what a gate tells it."""

    def __init__(self, ceiling: int = MAX_IN_FLIGHT, seed: int = 1) -> None:
        self.pace = Controller(ceiling=ceiling)
        self._random = random.Random(seed)

    def delay(self, now: float) -> float:
        """Seconds until the next start."""
        return self.pace.delay(now)

    def start(self, now: float) -> Ticket:
        """Start a request."""
        return self.pace.start(now)

    def ended(self, ticket: Ticket, reply: Reply, tries: int, now: float) -> float:
        """Learn as the gate does."""
        wish = wished_wait(reply.headers)
        for name, told in quotas(reply.headers).items():
            self.pace.tell(name, ticket, told, now)
        if reply.status == 429 or (reply.status == 503 and wish is not None):
            self.pace.refused(ticket, now, None if wish is None else max(wish, RETRY_AFTER_FLOOR))
            return 0.0
        if reply.status == 200:
            self.pace.served(ticket, now)
        else:
            self.pace.failed(ticket, now, may_be_overload=reply.status == 503)
        return _backoff(self._random, tries)


class Fixed:
    """So many at once, and a pause for all after a refusal: what Seawall did before it learned."""

    def __init__(self, most: int = 8, seed: int = 1) -> None:
        self.in_flight = 0
        self._most = most
        self._next = 0.0
        self._random = random.Random(seed)

    def delay(self, now: float) -> float:
        """Seconds until the next start."""
        return math.inf if self.in_flight >= self._most else max(0.0, self._next - now)

    def start(self, now: float) -> Ticket:
        """Start a request."""
        self.in_flight += 1
        return Ticket(0, now, self.in_flight, is_bound=False)

    def ended(self, ticket: Ticket, reply: Reply, tries: int, now: float) -> float:
        """Pause, if refused."""
        self.in_flight -= 1
        wish = wished_wait(reply.headers)
        if reply.status != 429 and wish is None:
            return _backoff(self._random, tries)
        wait = self._random.uniform(0, min(30.0, 2.0**tries)) if wish is None else max(wish, RETRY_AFTER_FLOOR)
        self._next = max(self._next, now + wait)
        return wait


def _backoff(draw: random.Random, tries: int) -> float:
    return draw.uniform(0, min(30.0, 0.25 * 2.0**tries))
