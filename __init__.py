"""Seawall: every record of an unstable HTTP API in object storage, whole, once, and with proof.

The names below are the public face. Each is imported when it is asked for, so `import seawall` costs next to nothing.

flows/      what a user runs: ingest, ingest_all, probe
tasks/      the steps of a run, in the order of the story
clients/    everything between us and a source
formats/    from the JSON text of records to files
storage/    objects, and the documents that make a landing folder
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.clients.source import ApiSource
    from seawall.flows.ingest import ingest
    from seawall.flows.ingest_all import ingest_all
    from seawall.flows.probe import probe
    from seawall.storage.manifest import Manifest
    from seawall.tasks.dataframes import (
        fetch_dataframe,
        get_dataframe,
        latest,
        put_dataframe,
        read_dataset,
        read_frames,
    )
    from seawall.tasks.errors import IngestError
    from seawall.tasks.options import IngestOptions

__all__ = [
    "ApiSource",
    "IngestError",
    "IngestOptions",
    "Manifest",
    "fetch_dataframe",
    "get_dataframe",
    "ingest",
    "ingest_all",
    "latest",
    "probe",
    "put_dataframe",
    "read_dataset",
    "read_frames",
]

_HOMES = {
    "ApiSource": "clients.source",
    "IngestError": "tasks.errors",
    "IngestOptions": "tasks.options",
    "Manifest": "storage.manifest",
    "ingest": "flows.ingest",
    "ingest_all": "flows.ingest_all",
    "probe": "flows.probe",
}


def __getattr__(name: str) -> Any:
    """A name of the public face, from the module that is its home (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'tasks.dataframes')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
