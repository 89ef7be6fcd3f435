"""What a landing came to."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from seawall.storage.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What a landing came to.

    `requests` are those that were sent, in order; `waited` seconds would have passed between them. `manifest` is what
    was published, `error` what kept it from that; `folder` is where the objects are, `run_id` what a resume names.
    """

    run_id: str
    folder: Path
    requests: tuple[httpx.Request, ...] = field(repr=False)
    waited: float
    manifest: Manifest | None = field(default=None, repr=False)
    error: Exception | None = None

    @property
    def published(self) -> Manifest:
        """The manifest; raises the error that the landing ended with."""
        if self.manifest is None:
            raise self.error or AssertionError("neither landed nor failed")
        return self.manifest

    @property
    def verdict(self) -> str:
        """The verdict of what was published; raises the error that the landing ended with."""
        return self.published.verdict

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records that were published, in order; raises the error that the landing ended with."""
        paths = [self.folder / part.key for part in self.published.parts]
        return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]
