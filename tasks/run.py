"""A run and its landing: the small frozen values that tasks are given. They hold names, never secrets."""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from seawall.formats.writer import Settings
from seawall.storage.documents import Totals
from seawall.storage.manifest import Manifest
from seawall.storage.plan import Plan
from seawall.tasks.options import IngestOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run was asked to do.

    Blocks are named, not held. `resuming` is set where the caller gave a run id. All attempts of a run share `started`,
    so that they agree on one landing folder; `attempt` tells one from the next, so that what a process opened for an
    earlier one is not used again; `process` runs the flow, so that others which land parts for it can end with it.
    """

    run_id: str
    source: str
    storage: str = "local"
    bucket: str | None = None
    prefix: str = ""
    format: str = "csv"
    params: dict[str, str] = field(default_factory=dict)
    options: IngestOptions = field(default_factory=IngestOptions)
    resuming: bool = False
    deployment: str | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempt: str = field(default_factory=lambda: uuid4().hex)
    process: int = field(default_factory=os.getpid)
    attempted: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def format_settings(self) -> Settings:
        """What of its options shapes the files."""
        return Settings(
            compression=self.options.compression,
            columns=self.options.columns or (),
            max_columns=self.options.max_columns,
            null_text=self.options.null_text,
            escape_formulas=self.options.escape_formulas,
            row_group_size=self.options.row_group_size,
            metadata={"seawall.source": self.source, "seawall.run_id": self.run_id},
        )

    @property
    def resume_command(self) -> str:
        """What to type to go on with this run from any machine."""
        arguments = {
            "source": self.source,
            "storage": self.storage,
            "bucket": self.bucket,
            "prefix": self.prefix,
            "format": self.format,
            "params": self.params,
            "options": self.options.model_dump(mode="json", exclude_unset=True),
            "resume": self.run_id,
        }
        return typed("ingest", arguments, self.deployment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A run with its landing folder and its plan.

    `totals` is what plan and receipts say about the whole, `reach` the last page that came with records, `longest`
    the number of records of the longest one, `previous` the dataset that is filled, where one was published.
    """

    run: Run
    folder: str
    plan: Plan
    totals: Totals = field(default_factory=Totals)
    reach: int = 0
    longest: int = 0
    previous: Manifest | None = None

    @property
    def generation(self) -> int:
        """The generation of the manifest that this landing comes to."""
        return self.previous.generation + 1 if self.previous else 1


def typed(flow: str, arguments: Mapping[str, object], deployment: str | None) -> str:
    """What to type to run a flow with those arguments that say something."""
    given = {name: value for name, value in arguments.items() if value}
    if deployment is None:
        return f"{flow.replace('-', '_')}({', '.join(f'{name}={value!r}' for name, value in given.items())})"
    texts = (f"{name}={_as_parameter(value)}" for name, value in given.items())
    parameters = " ".join(f"-p {shlex.quote(text)}" for text in texts)
    return f"prefect deployment run {shlex.quote(f'{flow}/{deployment}')} {parameters}"


def _as_parameter(value: object) -> str:
    """A value as `prefect deployment run -p` reads it: text as it is, unless that would parse as JSON."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)
