"""Events of Prefect, as its API tells them."""

import time
from typing import Any

from prefect.client.orchestration import get_client

PATIENCE = 20.0  # seconds


def payloads(name: str, run_id: str) -> list[dict[str, Any]]:
    """The payloads of a run's events of this name, once one is there; events are sent in the background."""
    deadline = time.monotonic() + PATIENCE
    filters = {"filter": {"event": {"name": [name]}}}
    while time.monotonic() < deadline:
        with get_client(sync_client=True) as client:
            events = client._client.post("/events/filter", json=filters).json()["events"]
        of_the_run = [event["payload"] for event in events if event["payload"]["run_id"] == run_id]
        if of_the_run:
            return of_the_run
        time.sleep(0.1)
    return []
