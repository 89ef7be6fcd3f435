"""The shared limit: one rate for all processes that walk a source, wherever they run.

Slots of a global concurrency limit of Prefect are taken in bundles for the next seconds, since one acquisition costs
tens of milliseconds. What a refusal taught one process reaches the others by a small object in the bucket,
`_pace/<source>.json`, which is written after a refusal only, by compare-and-swap. Where either is away, the walk goes
on at what it was permitted before, and says so once.
"""

import contextlib
import math
import threading
import time
from collections import deque
from typing import Final

import httpx
from loguru import logger
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from seawall.clients.api import ApiClient
from seawall.clients.pace import peers
from seawall.clients.pace.allowance import AHEAD, Allowance
from seawall.storage.errors import ObjectExistsError
from seawall.storage.store import ObjectStore
from seawall.tasks.context import prefect_api
from seawall.tasks.errors import SettingsError

LOOK_EVERY: Final = 2.0  # seconds between two looks at what others learned
PATIENCE: Final = 5.0  # seconds for one answer of Prefect's API
AWAY_FOR: Final = 10.0  # seconds before an API that was away is asked again
LATELY: Final = 20.0  # seconds of permissions that tell the part of a process
SWAPS: Final = 5  # attempts to write what was learned, while others write, too


class SharedLimit:
    """Keeps a client within the limit `name` of Prefect, and in touch with other processes by the object `key`.

    Raises:
        SettingsError: there is no such limit, or its slots do not decay, so that it limits no rate.
    """

    def __init__(self, name: str, client: ApiClient, store: ObjectStore, key: str) -> None:
        self._name, self._client, self._store, self._key = name, client, store, key
        self._slots, self._rate = _limit(name)
        self._allowance: Allowance = client.allowance()
        self._me = f"{time.time_ns():x}-{id(self):x}"
        self._stop = threading.Event()
        self._is_away = self._is_bucket_away = False
        self._granted: deque[tuple[float, int]] = deque(maxlen=100)  # when, and how many
        self._written = 0.0  # when the last refusal was that others were told of
        self._seen: dict[str, float] | None = None  # when each of the others was refused last, by its own clock
        for work in (self._permit, self._talk):
            threading.Thread(target=work, daemon=True, name=f"shared-limit-{name}").start()

    def stop(self) -> None:
        """End both threads; whoever waits for a permission is ended by the client's own stop."""
        self._stop.set()
        self._allowance.wanted.set()

    def _permit(self) -> None:
        """Take slots while the client wants some."""
        others = 1
        while self._allowance.wanted.wait() and not self._stop.is_set():
            wanted = min(self._slots, self._allowance.bundle())
            if wanted < 1:
                continue
            try:
                wait = self._acquired(wanted)
                self._is_away = False
            except Exception as error:  # noqa: BLE001  # whatever keeps Prefect's API from answering
                self._go_on_alone(error)
                continue
            if wait is None:
                self._grant(wanted)
                others = max(1, others - 1)
            else:  # taken by others: fewer are had sooner
                self._allowance.wanted.set()
                others += 1
                self._stop.wait(min(wait, 1.0, 2 / self._rate))
                if wanted > 1:
                    self._grant_few(math.ceil(wanted / (1 + others)))

    def _grant_few(self, wanted: int) -> None:
        with contextlib.suppress(Exception):  # the next turn finds out
            if self._acquired(wanted) is None:
                self._grant(wanted)

    def _grant(self, slots: int) -> None:
        self._granted.append((time.monotonic(), slots))
        self._allowance.grant(slots)

    def _acquired(self, slots: int) -> float | None:
        """None once so many slots were taken; the seconds to wait where there are not that many."""
        with prefect_api.hasty(PATIENCE), get_client(sync_client=True) as client:
            try:
                client.increment_concurrency_slots([self._name], slots, mode="rate_limit")
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.LOCKED:
                    raise
                return float(error.response.headers.get("Retry-After", "1"))
            return None

    def _go_on_alone(self, error: Exception) -> None:
        """Permit a fair part of the limit for some seconds, as if Prefect's API had."""
        if not self._is_away:
            logger.bind(limit=self._name, error=type(error).__name__).warning(
                "the shared limit cannot be asked for; going on at a fair part of it"
            )
        self._is_away = True
        rate = self._own_rate()
        until, pause = time.monotonic() + AWAY_FOR, max(1 / rate, 0.1)
        while time.monotonic() < until and not self._stop.wait(pause):
            if self._allowance.bundle() > 0:
                self._allowance.grant(max(1, round(rate * pause)))
        self._allowance.wanted.set()

    def _own_rate(self) -> float:
        """Requests a second that were permitted lately; where none were, an equal part of all that are known."""
        since = time.monotonic() - LATELY
        granted = sum(slots for at, slots in self._granted if at > since)
        if granted:
            return min(self._rate, granted / LATELY)
        known = 1
        with contextlib.suppress(Exception):  # the bucket may be away as well
            known = max(1, len(self._peers()[0]))
        return self._rate / known

    def _talk(self) -> None:
        """Tell others of refusals, and heed theirs."""
        while not self._stop.wait(LOOK_EVERY):
            try:
                self._heed(self._peers()[0])
                self._tell()
                self._is_bucket_away = False
            except Exception as error:  # noqa: BLE001  # the bucket may be away, or closed by now
                if not self._is_bucket_away and not self._stop.is_set():
                    logger.bind(object=self._key, error=type(error).__name__).warning(
                        "what other processes learned of the limit cannot be read; going on without"
                    )
                self._is_bucket_away = True

    def _peers(self) -> tuple[dict[str, peers.Peer], str]:
        content, version = self._store.get_version(self._key)
        return peers.read(content, time.time()), version

    def _heed(self, known: dict[str, peers.Peer]) -> None:
        """Wait as others were told to, and share the rate evenly, where one of them was refused since the last look."""
        others = {name: peer for name, peer in known.items() if name != self._me}
        before, self._seen = self._seen, {name: peer.at for name, peer in others.items()}
        pause = max((peer.opens_at for peer in others.values()), default=0.0) - time.time()
        is_news = bool(others) and self._seen != before if before is not None else pause > 0
        if is_news:
            self._client.heed(pause, peers.fair_rate(others))

    def _tell(self) -> None:
        """Write what a refusal taught, if there was one since this was written last."""
        refused_at, rate, opens_in = self._client.last_refusal()
        if refused_at is None or refused_at <= self._written:
            return
        for _ in range(SWAPS):
            known, version = self._peers()
            now = time.time()
            known[self._me] = peers.Peer(at=now, rate=rate or 0.0, opens_at=now + opens_in if opens_in > 0 else 0.0)
            try:
                self._store.put_instead(self._key, peers.written(known), version)
            except ObjectExistsError:
                continue
            self._written = refused_at
            return


def _limit(name: str) -> tuple[int, float]:
    """How many slots the limit of that name has, and how many come back in a second."""
    with get_client(sync_client=True) as client:
        try:
            limit = client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            raise SettingsError(
                f"there is no global concurrency limit {name!r} (shared_limit); make it: "
                f"prefect gcl create {name} --limit 20 --slot-decay-per-second 10"
            ) from None
    if limit.slot_decay_per_second <= 0:
        raise SettingsError(
            f"the slots of the global concurrency limit {name!r} (shared_limit) do not decay, so it limits no rate: "
            f"prefect gcl update {name} --slot-decay-per-second 10"
        )
    if AHEAD * limit.slot_decay_per_second < 1:
        logger.bind(limit=name).info("the shared limit permits less than a request in two seconds")
    return limit.limit, limit.slot_decay_per_second
