"""Widened parts: objects with all columns of their dataset."""

import tempfile
from pathlib import Path

from loguru import logger

from seawall.formats.schema import Schema
from seawall.formats.writer import OneSchema
from seawall.storage.checksums import sha256_of
from seawall.storage.errors import CorruptObjectError
from seawall.storage.keys import part_key
from seawall.storage.manifest import Part
from seawall.storage.receipts import Receipt
from seawall.tasks.context.resources import Resources
from seawall.tasks.run import Landing


def widened_part(landing: Landing, resources: Resources, receipt: Receipt, columns: Schema) -> Part:
    """The object that holds a part with all columns of the dataset: its own, or a widened copy."""
    own = {column.name: column.type for column in receipt.columns}
    key, size, sha256 = receipt.key, receipt.bytes, receipt.sha256
    if isinstance(resources.format, OneSchema) and not resources.format.fits(own, columns):
        with tempfile.TemporaryDirectory(prefix="seawall-") as staging:
            narrow, wide = Path(staging, "narrow"), Path(staging, "wide")
            resources.store.get_file(receipt.key, narrow)
            _check_unchanged(resources, receipt, narrow)
            file = resources.format.widen(narrow, own, wide, columns)
            if file.records != receipt.records:
                raise CorruptObjectError(
                    f"{resources.store.uri(receipt.key)} holds {file.records:,} rows, not {receipt.records:,}"
                )
            key = part_key(landing.folder, receipt.first, file.sha256, resources.format.suffix)
            resources.store.put_file(wide, key, content_type=resources.format.content_type)
        size, sha256 = file.bytes, file.sha256
        logger.bind(pages=str(receipt.pages), columns=len(columns)).info("part widened")
    if resources.store.head(key) != size:
        raise CorruptObjectError(
            f"{resources.store.uri(key)} was changed since it was landed: it has not {size:,} bytes"
        )
    return Part(key=key, first=receipt.first, last=receipt.last, records=receipt.records, bytes=size, sha256=sha256)


def _check_unchanged(resources: Resources, receipt: Receipt, path: Path) -> None:
    """Raise CorruptObjectError where an object is not the one that its receipt was written for."""
    sha256 = sha256_of(path)
    if sha256 != receipt.sha256:
        where = resources.store.uri(receipt.key)
        raise CorruptObjectError(f"{where} was changed since it was landed: SHA-256 {sha256}, receipt {receipt.sha256}")
