"""Peers: what processes that walk the same source learn from one another, by one small document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

FARTHEST: Final = 86_400.0  # seconds that a time may lie ahead
HIGHEST: Final = 1e6  # requests a second
FRESH: Final = 60.0  # seconds for which a process counts that wrote nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What a process learned when it was refused last: `at` and `opens_at` in seconds since 1970, 0 for no time named.

    `rate` is requests a second that were let in, 0 where no rate is the limit.
    """

    at: float
    rate: float
    opens_at: float


def read(text: bytes, now: float) -> dict[str, Peer]:
    """The processes of a document that were refused lately, by name; nothing where it is none of ours."""
    try:
        entries = json.loads(text)["processes"] if text else {}
        peers = {str(name): _peer(entry) for name, entry in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {
        name: peer
        for name, peer in peers.items()
        if now - FRESH < max(peer.at, peer.opens_at) < now + FARTHEST and 0 <= peer.rate < HIGHEST
    }


def _peer(entry: Mapping[str, Any]) -> Peer:
    return Peer(at=float(entry["at"]), rate=float(entry["rate"]), opens_at=float(entry["opens_at"]))


def written(peers: Mapping[str, Peer]) -> bytes:
    """The document."""
    entries = {
        name: {"at": round(peer.at, 3), "rate": round(peer.rate, 3), "opens_at": round(peer.opens_at, 3)}
        for name, peer in sorted(peers.items())
    }
    return json.dumps({"processes": entries}).encode()


def fair_rate(peers: Mapping[str, Peer]) -> float | None:
    """An equal part of what all of them were let in together, in requests a second; None where no rate is known."""
    rates = [peer.rate for peer in peers.values() if peer.rate > 0]
    return sum(rates) / len(rates) if rates else None
