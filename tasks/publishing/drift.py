"""Drift: which columns came later or changed their type, and on which page that first showed."""

from collections.abc import Iterable
from functools import reduce
from itertools import groupby

from seawall.formats.schema import Schema, widest
from seawall.storage.manifest import Widening
from seawall.storage.receipts import Receipt


def drift(receipts: Iterable[Receipt]) -> tuple[Widening, ...]:
    """Every column that appeared after the first page, and every type that had to be widened; in page order.

    What a page does to a column counts once. A column of nulls that finds its type is no drift.
    `receipts` are in page order.
    """
    widenings: list[Widening] = []
    types: Schema = {}
    columns = [column for receipt in receipts if receipt.records for column in receipt.columns]
    first = min((page for column in columns for page in column.since.values()), default=0)
    for column in columns:
        for page, kinds in groupby(column.since, key=column.since.__getitem__):
            before = types.get(column.name, "")
            after = types[column.name] = reduce(widest, kinds, before or "null")
            is_new = not before and page > first
            is_wider = before not in ("", "null", after)
            if is_new or is_wider:
                widenings.append(Widening(column=column.name, before=before, after=after, page=page))
    return tuple(sorted(widenings, key=lambda widening: widening.page))
