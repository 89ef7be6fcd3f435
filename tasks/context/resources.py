"""Source, client, store and format of a run: opened by name, once per process and attempt.

All tasks of an attempt in one process share one connection pool, one token and one pacing; that is what
lets any task runner place them, in threads or on other machines. Token and gate are those of all runs in this process
that have the same credentials at the same API. Worker processes outlive runs and are not told when
one ends: what they opened is closed once another attempt of the run comes, or too many others.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from seawall.clients.account import Accounts
from seawall.clients.api import ApiClient
from seawall.clients.source import ApiSource
from seawall.formats import registry
from seawall.formats.writer import Format
from seawall.storage.disk import remove_abandoned
from seawall.storage.keys import checked_prefix, joined
from seawall.storage.store import ObjectStore
from seawall.tasks.context import blocks, logs, processes
from seawall.tasks.context.keeper import BlockKeeper
from seawall.tasks.context.leftovers import close_after, close_leftovers
from seawall.tasks.context.shared_limit import SharedLimit
from seawall.tasks.run import Run

KEPT_ATTEMPTS: Final = 8  # whose resources a process keeps open


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Resources:
    """What the tasks of a run work with."""

    source: ApiSource
    client: ApiClient
    store: ObjectStore
    format: Format
    parent: str  # the folder that holds the landings of the dataset
    record_key: str | None = None  # of the run, or of the source
    shared: SharedLimit | None = None  # what keeps it and other processes within one limit


ACCOUNTS: Final = Accounts()
_lock = threading.Lock()
_by_attempt: OrderedDict[tuple[str, str], Resources] = OrderedDict()  # by run and attempt, the latest used last


def resources_of(run: Run) -> Resources:
    """The resources of an attempt in this process, opened on first use.

    Asked once at the top of each task; what is below is handed them, so that signatures say what a function touches.
    """
    close_leftovers()
    key = (run.run_id, run.attempt)
    with _lock:
        if key not in _by_attempt:
            _forget(run)
            _by_attempt[key] = _open(run)
        _by_attempt.move_to_end(key)
        return _by_attempt[key]


def lend(run: Run, resources: Resources) -> None:
    """Let the tasks of an attempt in this process work with these, until they are released."""
    close_leftovers()
    with _lock:
        _by_attempt[run.run_id, run.attempt] = resources


def release(run: Run) -> None:
    """Close what this process opened for an attempt: sockets, threads, the token's memory."""
    with _lock:
        resources = _by_attempt.pop((run.run_id, run.attempt), None)
    close_leftovers()
    if resources is not None:
        _close(resources.client, resources.store, resources.shared)


def stop_all() -> None:
    """End all requests of all runs in this process, which fail and can be resumed."""
    with _lock:
        every = list(_by_attempt.values())
    for resources in every:
        resources.client.stop()
        resources.store.stop()


def _forget(run: Run) -> None:
    """Let go of earlier attempts of a run, and of the attempts that were not used for longest.

    They are closed after the last task that works with them has let go of them, too.
    """
    for key in [key for key in _by_attempt if key[0] == run.run_id]:
        del _by_attempt[key]
    while len(_by_attempt) >= KEPT_ATTEMPTS:
        _by_attempt.popitem(last=False)


def _close(client: ApiClient, store: ObjectStore, shared: SharedLimit | None) -> None:
    if shared is not None:
        shared.stop()
    client.close()
    store.close()


def _open(run: Run) -> Resources:
    logs.configure()
    processes.end_with(run.process)
    with logs.only_logged("staging of dead processes could not be removed"):
        remove_abandoned()
    source = blocks.load_source(run.source)
    target = blocks.load_target(run.storage, run.bucket, run.options.upload)
    store = blocks.open_store(target, run.options.upload)
    return assembled(run, source, store, root_folder=target.root_folder)


def assembled(run: Run, source: ApiSource, store: ObjectStore, *, root_folder: str = "", **stand_ins: Any) -> Resources:
    """What a run over this source into this store works with; `stand_ins` are those of ApiClient.

    With any of them it shares no login with other runs, and keeps no token in Prefect. Some time after nobody holds it
    any more, client and store are closed.
    """
    options = run.options
    client = ApiClient(
        source,
        max_in_flight=options.max_in_flight,
        page_size=options.page_size,
        params=run.params,
        record_key=options.record_key,
        max_failed_pages=options.max_failed_pages,
        max_rejected_records=options.max_rejected_records,
        **(stand_ins or {"keeper": BlockKeeper(run.source), "accounts": ACCOUNTS}),
    )
    parent = checked_prefix(joined(root_folder, run.prefix))
    shared = None
    if source.shared_limit:
        shared = SharedLimit(source.shared_limit, client, store, joined(parent, f"_pace/{source.name}.json"))
    resources = Resources(
        source=source,
        client=client,
        store=store,
        format=registry.build(run.format, run.format_settings),
        record_key=options.record_key or source.record_key,
        parent=joined(parent, source.name),
        shared=shared,
    )
    close_after(resources, _close, client, store, shared)
    return resources
