"""A walk in a process of its own, from a server in this one: what it costs in memory."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from seawall.tests.wireserver import Route, WireServer

PROGRAM = """
import json, sys, threading
from loguru import logger
from seawall.clients.api import ApiClient
from seawall.clients.errors import SourceError
from seawall.clients.source import ApiSource
from seawall.tests.walks import shape

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) // 1024

def land(walk):
    for outcome in client.pages(*walk, sharing=len(walks)):
        outcomes.append(outcome.number) if type(outcome).__name__ == "Page" else failures.append(str(outcome))

form, options, walks = map(json.loads, sys.argv[1:])
logger.remove()
outcomes, failures = [], []
client = ApiClient(ApiSource(**form), **options)
before = status("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # so that the peak is that of what follows
try:
    client.first_page()
    threads = [threading.Thread(target=land, args=(walk,)) for walk in walks]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
except SourceError as error:
    failures.append(str(error))
print(json.dumps({"peak": status("VmHWM") - before, "pages": len(outcomes), "failures": failures}))
client.close()
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The peak in MiB beyond what the process took before, the pages that came, and what came in place of others."""

    peak: int
    pages: int
    failures: list[str]


def cost_of(route: Route, *walks: tuple[int, int], options: dict[str, Any] | None = None, **changes: Any) -> Cost:
    """What the first page costs, and then these walks at once; `changes` are fields of the source."""
    with WireServer(route) as server:
        form = {"name": "items", "url": f"{server.url}/items", "max_attempts": 1} | changes
        arguments = [json.dumps(each) for each in (form, options or {}, walks)]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=True
        )
    return Cost(**json.loads(done.stdout))
