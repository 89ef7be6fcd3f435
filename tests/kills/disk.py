"""Where a process that lands in a folder is struck: before, in the middle of, or after a write to it."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.storage.local import TEMPORARY, LocalStore
from seawall.tests.kills.strikes import Watch

_STEPS: Final = ("open", "os.link", "os.rename", "os.remove", "os.chmod", "os.mkdir", "tempfile.mkstemp")
_WRITES: Final = ("preflight", "put_file", "put", "put_new", "delete", "abort_uploads")
_OTHERS: Final = {"preflight": "preflight", "delete": "sweep", "abort_uploads": "abort"}

_middle = threading.local()  # `steps`: how many system calls of a write are left until its thread dies


def strike_at(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    """Let this process die at a write to its folder."""
    sys.addaudithook(_on_system_call)
    for name in _WRITES:
        patch.setattr(LocalStore, name, _struck(getattr(LocalStore, name), name, watch))
    read = LocalStore.get_file

    def get_file(store: LocalStore, key: str, path: Any) -> None:
        watch.saw_read(key)
        read(store, key, path)

    patch.setattr(LocalStore, "get_file", get_file)


def _struck(write: Callable[..., Any], name: str, watch: Watch) -> Callable[..., Any]:
    @wraps(write)
    def struck(store: LocalStore, *args: Any, **kwargs: Any) -> Any:
        kind = _OTHERS.get(name) or watch.kind_of(next(arg for arg in args[::-1] if isinstance(arg, str)))
        moment = watch.moment_of(kind)
        if moment == "before":
            _die()
        if moment == "middle" and watch.strike:
            _middle.steps = watch.strike.step
        value = write(store, *args, **kwargs)
        if moment:  # also where the write has fewer steps than its middle should be
            _die()
        return value

    return struck


def _on_system_call(event: str, args: tuple[Any, ...]) -> None:
    if event not in _STEPS or not getattr(_middle, "steps", 0):
        return
    _middle.steps -= 1
    if _middle.steps:
        return
    if event == "open" and TEMPORARY in str(args[0]) and args[2] & os.O_ACCMODE == os.O_RDONLY:  # it is to be synced
        os.truncate(args[0], Path(args[0]).stat().st_size // 2)  # as a kill in the middle of write(2) leaves it
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
