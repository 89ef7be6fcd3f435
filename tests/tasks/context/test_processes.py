"""Processes of a pool: whoever is killed takes along what lands parts for it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PARENT = """
import multiprocessing, os, sys, time
from seawall.tasks.context.processes import end_with

def work(process):
    end_with(process)
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    process = os.getpid() if sys.argv[2] == "ours" else 1
    context.Process(target=work, args=(process,)).start()
    time.sleep(60)
"""


def _gone_within(pid: int, seconds: float) -> bool:
    """Whether a process is gone, or no more than a zombie that its parent will collect."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
@pytest.mark.parametrize("whose", ["ours", "others'"])
def test_a_process_ends_with_the_one_that_runs_the_flow_and_with_no_other(
    method: str, whose: str, tmp_path: Path
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, str(script), method, whose]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        is_ours = whose == "ours"
        assert _gone_within(child, 10 if is_ours else 0.5) == is_ours
        if not is_ours:
            os.kill(child, signal.SIGKILL)
