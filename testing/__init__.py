"""Testing: a source of yours against canned answers, landed for real in milliseconds; needs `seawall[testing]`.

The whole landing runs: walk, retries, claims, parts, receipts, verdict. What stands in is the network, which is a
respx router; time, which only waiting moves; and threads, so that requests come in the same order each time. Prefect's
API is not asked.

api         the routes of an API, and the landing of a source from them
landed      what a landing came to
pages       canned pages, each for the question that asks for it
faults      answers that no source means to give
stand_ins   time and threads
plugin      the fixture `seawall_api`, which pytest finds by itself
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.testing.api import Api
    from seawall.testing.faults import cut, not_json, reset, status, timeout
    from seawall.testing.landed import Landed

__all__ = ["Api", "Landed", "cut", "not_json", "reset", "status", "timeout"]

_HOMES = {"Api": "api", "Landed": "landed"}


def __getattr__(name: str) -> Any:
    """A name of the kit, from the module that is its home (PEP 562): the plugin costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'faults')}"), name)
    except ModuleNotFoundError as error:
        if error.name != "respx":
            raise
        raise ImportError("seawall.testing needs respx; pip install 'seawall[testing]' brings it") from error
