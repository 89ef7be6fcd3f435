"""What processes learn from one another."""

import json

import pytest

from seawall.clients.pace.peers import Peer, fair_rate, read, written

NOW = 1_800_000_000.0


def test_what_is_written_is_read() -> None:
    peers = {"a": Peer(at=NOW - 1, rate=30.0, opens_at=0.0), "b": Peer(at=NOW - 2, rate=10.0, opens_at=NOW + 30)}
    assert read(written(peers), NOW) == peers
    assert fair_rate(peers) == 20


def test_a_process_that_wrote_nothing_for_a_minute_counts_no_more() -> None:
    peers = {"gone": Peer(at=NOW - 61, rate=30.0, opens_at=0.0), "waits": Peer(at=NOW - 61, rate=0.0, opens_at=NOW + 9)}
    assert list(read(written(peers), NOW)) == ["waits"]
    assert fair_rate(read(written(peers), NOW)) is None


@pytest.mark.parametrize(
    "text",
    [b"", b"no JSON", b"[]", b"{}", b'{"processes": 3}', b'{"processes": {"a": 3}}', b'{"processes": {"a": {"at": 1}}}',
     b"[" * 100_000,
     json.dumps({"processes": {"a": {"at": NOW, "rate": float("inf"), "opens_at": 0}}}).encode(),
     json.dumps({"processes": {"a": {"at": NOW, "rate": -3, "opens_at": 0}}}).encode(),
     json.dumps({"processes": {"a": {"at": NOW, "rate": 3, "opens_at": NOW + 10**9}}}).encode()],
)  # fmt: skip
def test_a_document_of_nonsense_tells_nothing(text: bytes) -> None:
    assert read(text, NOW) == {}
