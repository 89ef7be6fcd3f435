"""A measured process: `python -m dev.bench.child MODULE ARGUMENT…` runs `dev.bench.MODULE.main`.

Its last line is JSON: when `main` returned, in seconds since 1970, what it returned, and the most memory that this
process held. With `SEAWALL_PROFILE` set, the CPU time of all its threads goes to that file, for `pstats`.
"""

import importlib
import json
import os
import resource
import sys
import time

from dev.bench.profile import profiled


def main(module: str, *arguments: str) -> None:
    """Run one module and tell how it went."""
    call = importlib.import_module(f"dev.bench.{module}").main
    with profiled(os.environ.get("SEAWALL_PROFILE")):
        result = call(*arguments)
        ended = time.time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ended": ended, "result": result, "mebibytes": peak}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
