"""The pages that every measurement reads: customers of exactly 240 bytes each, as files of JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.dev.customers import Customers

RECORD_BYTES: Final = 240
PAGE_SIZE: Final = 1_000

_FILLER: Final = "called twice, no answer; says it was never asked, and means it. " * 4


def record(customers: Customers, number: int) -> bytes:
    """One record as compact JSON, made to measure by the length of its notes."""
    values: dict[str, Any] = customers.record(number)
    for unwanted in ("last_name", "phone", "company"):
        del values[unwanted]
    del values["address"]["street"]
    values["notes"] = ""
    room = RECORD_BYTES - len(msgspec.json.encode(values))
    values["notes"] = _FILLER[:room] if room > 0 else ""
    return msgspec.json.encode(values)


def bodies(records: int, seed: int) -> Iterator[bytes]:
    """The bodies of all pages, in order."""
    customers = Customers(seed=seed, total=records)
    last = customers.total_pages(PAGE_SIZE)
    for page in range(1, last + 1):
        numbers = range((page - 1) * PAGE_SIZE + 1, min(page * PAGE_SIZE, records) + 1)
        data = b",".join(record(customers, number) for number in numbers)
        yield b'{"data":[%s],"metadata":{"page":%d,"total_pages":%d,"total_records":%d}}' % (data, page, last, records)


def prepare(folder: Path, records: int, seed: int) -> int:
    """Write the pages to `folder`, as `1.json`, `2.json` and so on; the number of pages."""
    folder.mkdir(parents=True)
    count = 0
    for count, body in enumerate(bodies(records, seed), 1):  # the last one is the number
        (folder / f"{count}.json").write_bytes(body)
    return count
