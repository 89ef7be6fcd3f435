"""Servers and workers as processes of their own, each with a log, waited for and ended for good."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

READY_SECONDS = 120.0  # a new Prefect home is migrated first
GRACE_SECONDS = 20.0
ROOT = Path(__file__).parent.parent


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Process:
    """A command in a process group of its own, its output in a file."""

    def __init__(self, command: list[str], *, log: Path, environment: Mapping[str, str], folder: Path = ROOT) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=folder, env=dict(environment), stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """The process that leads the group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the whole group at once, as a lost machine does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it as Ctrl-C does; what is left of the group after GRACE_SECONDS is killed."""
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        self.kill()


def wait_for(happened: Callable[[], bool], process: Process, what: str, seconds: float = READY_SECONDS) -> None:
    """Wait until something happened while `process` runs. Raises RuntimeError with the end of its log."""
    deadline = time.monotonic() + seconds
    while not happened():
        if not process.running or time.monotonic() > deadline:
            tail = process.log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"{what} is not ready after {seconds:.0f} s:\n{tail}")
        time.sleep(0.1)
