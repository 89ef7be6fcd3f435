"""A world on a virtual clock: walks over pages of one server, as fast as their policies let them."""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from seawall.clients.pace.course import Course
from seawall.clients.pace.tickets import Fate, Ticket
from seawall.dev.pace.policies import Policy
from seawall.dev.pace.servers import Reply, Server

IN_HAND = 2_000  # pages that may wait behind one that backs off


@dataclass(slots=True)
class Outcome:
    """What came of walks, from the end of learning on: pages a walk, refusals, failures, seconds a page took."""

    pages: list[int]
    seconds: float
    permitted: float
    refused: int = 0
    failed: int = 0
    latency: float = 0.0
    course: Course = field(default_factory=Course)

    @property
    def used(self) -> float:
        """The share of what the server permits; pages a second where it permits anything."""
        return sum(self.pages) / (self.seconds if math.isinf(self.permitted) else self.permitted)

    @property
    def rejected(self) -> float:
        """The share of requests that were refused."""
        return self.refused / max(1, self.refused + sum(self.pages))


class _Walk:
    """One process: pages in their order, those that have to be asked for again first."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.again: deque[tuple[int, int]] = deque()
        self.next = self.first = 0
        self.done: set[int] = set()
        self.wakes = math.inf

    def take(self) -> tuple[int, int] | None:
        """The next page and how often it was asked for; None where too many wait behind one that backs off."""
        if self.again:
            return self.again.popleft()
        if self.next >= self.first + IN_HAND:
            return None
        self.next += 1
        return self.next - 1, 0

    def came(self, page: int) -> None:
        """A page came."""
        self.done.add(page)
        while self.first in self.done:
            self.done.remove(self.first)
            self.first += 1


class _World:
    def __init__(self, server: Server, policies: Sequence[Policy], outcome: Outcome, learning: float) -> None:
        self._server = server
        self._walks = [_Walk(policy) for policy in policies]
        self._outcome = outcome
        self._learning = learning
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()

    def run(self, until: float, starts: Sequence[float]) -> None:
        for number, start in enumerate(starts):
            self._at(start, lambda now, number=number: self._go_on(number, now))  # type: ignore[misc]
        while self._events and self._events[0][0] <= until:
            now, _, event = heapq.heappop(self._events)
            event(now)

    def _at(self, when: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), event))

    def _go_on(self, number: int, now: float) -> None:
        """Start what may start."""
        walk = self._walks[number]
        while (delay := walk.policy.delay(now)) <= 0:
            taken = walk.take()
            if taken is None:
                return
            self._ask(number, *taken, now)
        when = now + max(delay, 1e-6)
        if not math.isinf(delay) and not now < walk.wakes <= when:
            walk.wakes = when
            self._at(when, lambda then: self._go_on(number, then))

    def _ask(self, number: int, page: int, tries: int, now: float) -> None:
        ticket = self._walks[number].policy.start(now)
        reply = self._server.reply(now)
        self._at(now + reply.seconds, lambda then: self._answered(number, page, tries, ticket, reply, then))

    def _answered(self, number: int, page: int, tries: int, ticket: Ticket, reply: Reply, now: float) -> None:
        walk = self._walks[number]
        wait = walk.policy.ended(ticket, reply, tries, now)
        self._count(number, ticket, reply, now)
        if reply.status == 200:
            walk.came(page)
        else:
            self._at(now + wait, lambda then: self._again(number, page, tries + 1, then))
        self._go_on(number, now)

    def _again(self, number: int, page: int, tries: int, now: float) -> None:
        self._walks[number].again.append((page, tries))
        self._go_on(number, now)

    def _count(self, number: int, ticket: Ticket, reply: Reply, now: float) -> None:
        outcome = self._outcome
        fates = {200: Fate.SERVED, 429: Fate.REFUSED, 503: Fate.REFUSED}
        ticket.fate = fates.get(reply.status, Fate.FAILED)
        outcome.course.add(ticket, now)
        if now < self._learning:
            return
        outcome.pages[number] += ticket.fate is Fate.SERVED
        outcome.refused += ticket.fate is Fate.REFUSED
        outcome.failed += ticket.fate is Fate.FAILED
        if ticket.fate is Fate.SERVED:
            outcome.latency += (reply.seconds - outcome.latency) / sum(outcome.pages)


def walked(
    server: Server, *policies: Policy, seconds: float = 30.0, learning: float = 5.0, starts: Sequence[float] = ()
) -> Outcome:
    """Walk for so many seconds after those of learning; `starts` are when each walk begins, in seconds."""
    until = learning + seconds
    outcome = Outcome([0] * len(policies), seconds, server.permits(learning, until))
    _World(server, policies, outcome, learning).run(until, starts or [0.0] * len(policies))
    return outcome
