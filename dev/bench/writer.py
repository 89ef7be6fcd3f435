"""One writer alone: prepared pages, held in memory, to a file on disk."""

import time
from pathlib import Path

from seawall.clients.pages.body import Body
from seawall.formats import registry
from seawall.formats.writer import Settings


def main(pages: str, format: str, folder: str) -> float:
    """Write the pages in `format`; the seconds that it took, digest of the file included."""
    count = sum(1 for _ in Path(pages).glob("*.json"))
    records = [Body(Path(pages, f"{page}.json").read_bytes()).records("data") for page in range(1, count + 1)]
    found = registry.build(format, Settings())
    began = time.perf_counter()
    with found.open(Path(folder, f"part.{found.suffix}")) as writer:
        for each in records:
            writer.write(each)
        writer.close()
    return time.perf_counter() - began
