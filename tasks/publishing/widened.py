"""Published parts: each an object with all columns of the dataset, its own or a widened copy, and looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loguru import logger

from seawall.formats.schema import Schema
from seawall.formats.writer import OneSchema
from seawall.storage.checksums import sha256_of
from seawall.storage.copies import WidenedCopy, as_columns, copy_key, find_copy, write_copy
from seawall.storage.disk import staging_folder
from seawall.storage.errors import CorruptObjectError
from seawall.storage.keys import WIDENED, part_key
from seawall.storage.manifest import Part
from seawall.storage.parallel import in_parallel
from seawall.storage.receipts import Receipt
from seawall.storage.store import ObjectStore
from seawall.tasks.context.resources import Resources
from seawall.tasks.run import Landing


def published_parts(
    landing: Landing, resources: Resources, receipts: Sequence[Receipt], columns: Schema
) -> tuple[Part, ...]:
    """The parts in order: `parallel_parts` copies are made at a time, objects are looked at many at a time.

    Raises:
        CorruptObjectError: an object is not the one that was landed.
        ObjectMissingError: it is gone.
    """
    copies: dict[int, WidenedCopy] = {}
    if isinstance(resources.format, OneSchema):
        copier = _Copier(folder=landing.folder, resources=resources, format=resources.format, columns=columns)
        copies = copier.copies(receipts, at_once=landing.run.options.parallel_parts)
    return tuple(in_parallel(resources.store, partial(_part, resources.store, copies), receipts))


def _part(store: ObjectStore, copies: Mapping[int, WidenedCopy], receipt: Receipt) -> Part:
    """What the manifest says of a part; its own object is still as large as it was."""
    copy = copies.get(receipt.first)
    if copy is None and store.head(receipt.key) != receipt.bytes:
        raise CorruptObjectError(
            f"{store.uri(receipt.key)} was changed since it was landed: it has not {receipt.bytes:,} bytes"
        )
    file = copy or receipt
    return Part(
        key=file.key, bytes=file.bytes, sha256=file.sha256,
        first=receipt.first, last=receipt.last, records=receipt.records,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copier:
    """Makes widened copies of the parts of a landing."""

    folder: str
    resources: Resources
    format: OneSchema
    columns: Schema

    def copies(self, receipts: Sequence[Receipt], *, at_once: int) -> dict[int, WidenedCopy]:
        """The copies of the parts that lack columns, by their first pages."""
        narrow = [each for each in receipts if not self.format.fits(_columns_of(each), self.columns)]
        records = frozenset(self.resources.store.list(f"{self.folder}/{WIDENED}") if narrow else ())
        copies = in_parallel(self.resources.store, partial(self._copy, records), narrow, at_once=at_once)
        return {receipt.first: copy for receipt, copy in zip(narrow, copies, strict=True)}

    def _copy(self, records: frozenset[str], receipt: Receipt) -> WidenedCopy:
        """The copy that an attempt before has made, if its record stands among `records`, or a new one."""
        store, key = self.resources.store, copy_key(self.folder, receipt.first, receipt.sha256, self.columns)
        copy = find_copy(store, key, receipt.sha256, self.columns) if key in records else None
        if copy is None:
            copy = self._new(receipt)
            write_copy(store, key, copy)
        return copy

    def _new(self, receipt: Receipt) -> WidenedCopy:
        """Make a copy, and store it."""
        store, form = self.resources.store, self.resources.format
        with staging_folder() as staging:
            narrow, wide = staging / "narrow", staging / "wide"
            store.get_file(receipt.key, narrow)
            _check_unchanged(store, receipt, narrow)
            file = self.format.widen(narrow, _columns_of(receipt), wide, self.columns)
            if file.records != receipt.records:
                raise CorruptObjectError(
                    f"{store.uri(receipt.key)} holds {file.records:,} rows, not {receipt.records:,}"
                )
            key = part_key(self.folder, receipt.first, file.sha256, form.suffix)
            store.put_file(wide, key, content_type=form.content_type)
        logger.bind(pages=str(receipt.pages), columns=len(self.columns)).info("part widened")
        columns = as_columns(self.columns)
        return WidenedCopy(of=receipt.sha256, columns=columns, key=key, bytes=file.bytes, sha256=file.sha256)


def _columns_of(receipt: Receipt) -> Schema:
    return {column.name: column.type for column in receipt.columns}


def _check_unchanged(store: ObjectStore, receipt: Receipt, path: Path) -> None:
    """Raise CorruptObjectError where an object is not the one that its receipt was written for."""
    sha256 = sha256_of(path)
    if sha256 != receipt.sha256:
        where = store.uri(receipt.key)
        raise CorruptObjectError(f"{where} was changed since it was landed: SHA-256 {sha256}, receipt {receipt.sha256}")
