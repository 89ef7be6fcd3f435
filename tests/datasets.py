"""Small published datasets."""

import hashlib

from seawall.storage.documents import Column, Totals
from seawall.storage.manifest import Manifest, Part, write_manifest
from seawall.storage.ranges import PageRange
from seawall.storage.store import ObjectStore


def publish(
    store: ObjectStore, folder: str, *contents: bytes, format: str = "jsonl", suffix: str = "jsonl"
) -> Manifest:
    """A dataset with a part for each of the contents, one page each; its manifest."""
    parts = []
    for number, content in enumerate(contents, 1):
        digest = hashlib.sha256(content).hexdigest()
        key = f"{folder}/part-{number}.{suffix}"
        store.put(key, content, content_type="text/plain")
        parts.append(Part(key=key, first=number, last=number, records=1, bytes=len(content), sha256=digest))
    dataset = Manifest(
        run_id="run", commit_id="commit", source="customers", format=format, verdict="complete", figures="",
        location=store.uri(f"{folder}/_manifest.json"), started="", published="", pages=PageRange(1, 1),
        records=len(parts), bytes=0, parts=tuple(parts), columns=(Column("id", "integer"), Column("name", "string")),
        advertised_at_start=Totals(), advertised_at_end=Totals(), failed_pages=(), retries={},
    )  # fmt: skip
    write_manifest(store, folder, dataset)
    return dataset
