"""The width of a dataset: its parts may have too many columns together, though none of them does alone."""

from collections.abc import Collection, Iterable
from itertools import islice

from seawall.formats import schema
from seawall.formats.schema import Schema
from seawall.formats.writer import Format, OneSchema
from seawall.storage.receipts import Receipt
from seawall.tasks.errors import IngestError
from seawall.tasks.options import IngestOptions


def columns_of(receipts: Iterable[Receipt], format: Format, options: IngestOptions) -> Schema:
    """The columns of a dataset; of a format that only describes them, the first ones.

    Raises:
        IngestError: there are more than `max_columns`, and each of its files would have all of them.
    """
    columns = schema.union({column.name: column.type for column in receipt.columns} for receipt in receipts)
    if isinstance(format, OneSchema):
        refuse_too_many_columns(columns, options)
        return columns
    return dict(islice(columns.items(), options.max_columns))


def refuse_too_many_columns(names: Collection[str], options: IngestOptions) -> None:
    """Raise IngestError where the parts of a run, together, have more columns than its options allow."""
    limit = options.max_columns
    if len(names) > limit and not options.columns:
        raise IngestError(
            f"the parts have {len(names):,} columns together, max_columns is {limit:,}: go on with a larger one, or "
            "begin again with the option columns, which names those to keep; other keys land in _extra as JSON text"
        )
