"""Peak resident memory of each format's writer against the length of a part: `python -m seawall.dev.bench.memory`.

Each cell is a process of its own, which writes one part of that many records of about 240 bytes, in pages of 1,000, and
closes it. The last record brings a key that widens all rows before it, so that the closing copy is measured, too.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator

FORMATS = ("csv", "jsonl", "json", "parquet")
RECORDS = (0, 20_000, 200_000, 2_000_000)
PAGE = 1_000


def pages(records: int) -> Iterator[list[bytes]]:
    """Pages of distinct records; the last one has a key more."""
    for first in range(0, records, PAGE):
        yield [record(number, late=number == records - 1) for number in range(first, first + PAGE)]


def record(number: int, *, late: bool = False) -> bytes:
    """A record of about 240 bytes: whole numbers, a fraction, texts, a boolean, null, a nested value."""
    return (
        b'{"id":%d,"name":"customer %d","email":"customer%d@example.com","phone":null,"active":%s,'
        b'"balance":%d.%02d,"address":{"street":"Main St. %d","city":"Springfield"},"notes":"said \\"%x\\", twice",'
        b'"created_at":"2026-03-%02dT12:00:00Z"%s}'
    ) % (
        number, number, number, b"true" if number % 3 else b"false", number % 9_973, number % 100, number % 500,
        number * 2_654_435_761 % 2**64, number % 28 + 1, b',"late":"x"' if late else b"",
    )  # fmt: skip


def measure(name: str, records: int) -> int:
    """Write a part, and tell the peak of this process in KiB."""
    import resource  # noqa: PLC0415  # the parent stays small: a child begins with its peak (getrusage(2))
    import tempfile  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from seawall.formats import registry  # noqa: PLC0415
    from seawall.formats.writer import Settings  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory() as folder,
        registry.build(name, Settings()).open(Path(folder, "part")) as writer,
    ):
        for page in pages(records):
            writer.write(page)
        file = writer.close()
    if file.records != records:
        raise SystemExit(f"{name}: {file.records:,} records instead of {records:,}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measure every cell and print the table in MiB."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("FORMAT", "RECORDS"))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, in KiB")
    arguments = parser.parse_args()
    if arguments.one:
        print(measure(arguments.one[0], int(arguments.one[1])))
        return
    peaks = {name: {records: _measured(name, records) for records in RECORDS} for name in FORMATS}
    if arguments.json:
        print(json.dumps(peaks))
        return
    print(f"Peak resident memory in MiB, records of {len(record(10**6)):,} bytes in one part; 0 is the bare process")
    print(f"| format | {' | '.join(f'{records:,}' for records in RECORDS)} |")
    print(f"|---|{'---:|' * len(RECORDS)}")
    for name, found in peaks.items():
        print(f"| {name} | {' | '.join(f'{peak / 1024:.0f}' for peak in found.values())} |")


def _measured(name: str, records: int) -> int:
    command = [sys.executable, "-m", "seawall.dev.bench.memory", "--one", name, str(records)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
