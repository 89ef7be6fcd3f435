"""Source, client, store and format of a run: opened by name, once per process and run.

All tasks of a run in one process share one connection pool, one token and one pacing; that is what
lets any task runner place them, in threads or on other machines.
"""

import threading
from dataclasses import dataclass

from seawall.clients.api import ApiClient
from seawall.clients.source import ApiSource
from seawall.formats import registry
from seawall.formats.writer import Format
from seawall.storage.keys import checked_prefix, joined
from seawall.storage.store import ObjectStore
from seawall.tasks.context import blocks, logs
from seawall.tasks.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the tasks of a run work with."""

    source: ApiSource
    client: ApiClient
    store: ObjectStore
    format: Format
    parent: str  # the folder that holds the landings of the dataset
    record_key: str | None = None  # of the run, or of the source


_lock = threading.Lock()
_by_run: dict[str, Resources] = {}


def resources_of(run: Run) -> Resources:
    """The resources of a run in this process, opened on first use.

    Asked once at the top of each task; what is below is handed them, so that signatures say what a function touches.
    """
    with _lock:
        if run.run_id not in _by_run:
            _by_run[run.run_id] = _open(run)
        return _by_run[run.run_id]


def release(run: Run) -> None:
    """Close what this process opened for a run: sockets, threads, the token's memory."""
    with _lock:
        resources = _by_run.pop(run.run_id, None)
    if resources is not None:
        resources.client.close()
        resources.store.close()


def _open(run: Run) -> Resources:
    logs.configure()
    source = blocks.load_source(run.source)
    target = blocks.load_target(run.storage, run.bucket)
    store = blocks.open_store(target)
    options = run.options
    client = ApiClient(
        source,
        max_in_flight=options.max_in_flight,
        page_size=options.page_size,
        params=run.params,
        record_key=options.record_key,
    )
    return Resources(
        source=source,
        client=client,
        store=store,
        format=registry.build(run.format, run.format_settings),
        record_key=options.record_key or source.record_key,
        parent=joined(checked_prefix(joined(target.root_folder, run.prefix)), source.name),
    )
