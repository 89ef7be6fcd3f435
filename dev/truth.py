"""The comparison with the truth: landed objects, read by DuckDB, against the records of the simulator."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb

SHOWN = 3


def cell(value: Any) -> str:
    """The text of a value in a CSV cell, as docs/formats.md defines it; null and missing are empty."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def rows(path: Path) -> tuple[list[str], Iterator[tuple[str, ...]]]:
    """Header and rows of a CSV file as DuckDB reads them, all as text."""
    result = duckdb.connect().execute(
        "SELECT * FROM read_csv(?, header=true, all_varchar=true, delim=',', quote='\"', escape='\"')", [str(path)]
    )
    names = [column[0] for column in result.description]

    def values() -> Iterator[tuple[str, ...]]:
        while batch := result.fetchmany(10_000):
            yield from (tuple(value or "" for value in row) for row in batch)

    return names, values()


def differences(paths: Sequence[Path], truth: Iterable[dict[str, Any]]) -> list[str]:
    """Where the CSV files, one after another, differ from the true records; the first few, none if equal."""
    found: list[str] = []
    landed = (dict(zip(names, row, strict=True)) for names, table in map(rows, paths) for row in table)
    for number, (have, want) in enumerate(zip_longest(landed, truth), 1):
        if have is None or want is None:
            found.append(f"record {number} is {'missing' if have is None else 'too many'}: {want or have}")
        else:
            names = dict.fromkeys([*want, *have])
            found += [
                f"record {number}, {name!r}: {have.get(name, '')!r} instead of {cell(want.get(name))!r}"
                for name in names
                if have.get(name, "") != cell(want.get(name))
            ]
        if len(found) >= SHOWN:
            break
    return found[:SHOWN]
