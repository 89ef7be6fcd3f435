"""A measured process: `python -m seawall.dev.bench.child MODULE ARGUMENT…` runs `seawall.dev.bench.MODULE.main`.

Its last line is JSON: when `main` returned, in seconds since 1970, what it returned, and the most memory that this
process held. With `SEAWALL_PROFILE` set, the CPU time of all its threads goes to that file, for `pstats`.
"""

import importlib
import json
import os
import re
import sys
import time
from pathlib import Path

from seawall.dev.bench.profile import profiled


def main(module: str, *arguments: str) -> None:
    """Run one module and tell how it went."""
    call = importlib.import_module(f"seawall.dev.bench.{module}").main
    with profiled(os.environ.get("SEAWALL_PROFILE")):
        result = call(*arguments)
        ended = time.time()
    print(json.dumps({"ended": ended, "result": result, "mebibytes": peak()}), flush=True)


def peak() -> float:
    """The most memory that this process held, in MiB; `ru_maxrss` would count what it was forked from."""
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kibibytes) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
