"""Publish: covered? one schema? verdict → `_manifest.json`. Creating it is the commit."""

import hashlib
import tempfile
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from loguru import logger
from prefect import task

from formats import schema
from formats.writer import OneSchema
from storage import manifest, receipts
from storage.documents import Column
from storage.errors import CorruptObjectError
from storage.keys import part_key
from storage.manifest import FailedPage, Manifest, Part
from storage.plan import manifest_key
from storage.ranges import PageRange, missing
from storage.receipts import Receipt
from tasks.authenticate import ONCE
from tasks.drift import drift
from tasks.errors import IncompleteError, PublishedError
from tasks.evidence import gather
from tasks.landed import Landed
from tasks.logs import guarded
from tasks.options import IngestOptions
from tasks.rejected import refuse_too_many
from tasks.resources import Resources, resources
from tasks.run import Landing
from tasks.sweep import sweep
from tasks.verdict import Evidence, Verdict, judge
from tasks.walk import walk


@task(name="publish", task_run_name="publish {landing.run.source}", **ONCE)
@guarded()
def publish(landing: Landing, landed: Landed) -> Manifest:
    """Commit the dataset, if its verdict allows it, and sweep what the manifest does not list.

    Raises:
        IncompleteError: the verdict does not allow it; nothing was published.
        CorruptObjectError: an object is gone, or not the one that was landed.
        ObjectExistsError, PublishedError: another process published this run.
    """
    opened = resources(landing.run)
    if (published := manifest.find(opened.store, landing.folder)) is not None:
        return _published_before(landing, opened, published)
    written = receipts.read_all(opened.store, landing.folder)
    refuse_too_many(written, landing.run.options.max_rejected_records)
    whole = walk(landing, written, landed)
    gaps = _gaps(missing(whole, (receipt.pages for receipt in written)), landed)
    records = sum(receipt.records for receipt in written)
    if gaps:  # a run that cannot be published needs no more evidence
        without = judge(Evidence(records=records, advertised=None, gaps=len(gaps)))
        _refuse_unless_allowed(without, gaps, landing.run.options)
    found = gather(landing, written, landed, gaps=len(gaps))
    verdict = judge(found.evidence)
    _refuse_unless_allowed(verdict, gaps, landing.run.options)
    columns = schema.union({column.name: column.type for column in receipt.columns} for receipt in written)
    parts = tuple(widened_part(landing, opened, receipt, columns) for receipt in written if receipt.records)
    document = Manifest(
        run_id=landing.run.run_id,
        commit_id=uuid.uuid4().hex,
        source=landing.plan.source,
        format=landing.run.format,
        verdict=verdict.name,
        figures=verdict.figures,
        location=opened.store.uri(manifest_key(landing.folder)),
        started=landing.plan.started,
        published=datetime.now(UTC).isoformat(timespec="seconds"),
        pages=PageRange(whole[0].first, max(each.last for each in whole)),
        records=records,
        bytes=sum(part.bytes for part in parts),
        parts=parts,
        columns=tuple(Column(name, kind) for name, kind in columns.items()),
        advertised_at_start=landing.plan.totals,
        advertised_at_end=found.totals,
        failed_pages=gaps,
        widened=drift(written),
        rejected=found.evidence.rejected,
        rejected_keys=tuple(receipt.rejected_key for receipt in written if receipt.rejected_key),
        retries=dict(sum((Counter(receipt.retries) for receipt in written), landed.retries + found.retries)),
        duplicates=found.evidence.duplicates,
        keyless=found.evidence.keyless,
        shifted=found.evidence.shifted,
    )
    manifest.write(opened.store, landing.folder, document)
    sweep(opened.store, landing.folder, document)
    return document


def _published_before(landing: Landing, opened: Resources, published: Manifest) -> Manifest:
    """A retry of the run that died after its commit ends well; whoever resumed it comes too late."""
    sweep(opened.store, landing.folder, published)
    if landing.run.resuming:
        raise PublishedError(f"run {published.run_id} was published by another process: {published.location}")
    return published


def _gaps(uncovered: list[PageRange], landed: Landed) -> tuple[FailedPage, ...]:
    """Every page of the walk that no receipt covers, with the reason where we know it."""
    reasons = {gap.page: gap for gap in landed.gaps}
    pages = (page for each in uncovered for page in range(each.first, each.last + 1))
    return tuple(reasons.get(page, FailedPage(page=page, error="not landed")) for page in pages)


def _refuse_unless_allowed(verdict: Verdict, gaps: tuple[FailedPage, ...], options: IngestOptions) -> None:
    if verdict.name == "complete":
        return
    allowed = "options.strict is set" if options.strict else None
    if verdict.name == "gaps" and len(gaps) > options.max_failed_pages:
        allowed = f"max_failed_pages is {options.max_failed_pages}"
    if allowed:
        told = f"; {gaps[0].error}" if gaps else ""
        raise IncompleteError(f"{verdict.name}: {verdict.figures}, and {allowed}: not published{told}", gaps)


def widened_part(landing: Landing, opened: Resources, receipt: Receipt, columns: schema.Schema) -> Part:
    """The object that holds a part with all columns of the dataset: its own, or a widened copy."""
    own = {column.name: column.type for column in receipt.columns}
    key, size, sha256 = receipt.key, receipt.bytes, receipt.sha256
    if isinstance(opened.format, OneSchema) and not opened.format.fits(own, columns):
        with tempfile.TemporaryDirectory(prefix="seawall-") as staging:
            narrow, wide = Path(staging, "narrow"), Path(staging, "wide")
            opened.store.get_file(receipt.key, narrow)
            _check_unchanged(opened, receipt, narrow)
            file = opened.format.widen(narrow, own, wide, columns)
            if file.records != receipt.records:
                raise CorruptObjectError(
                    f"{opened.store.uri(receipt.key)} holds {file.records:,} rows, not {receipt.records:,}"
                )
            key = part_key(landing.folder, receipt.first, file.sha256, opened.format.suffix)
            opened.store.put_file(wide, key, content_type=opened.format.content_type)
        size, sha256 = file.bytes, file.sha256
        logger.bind(pages=str(receipt.pages), columns=len(columns)).info("part widened")
    if opened.store.head(key) != size:
        raise CorruptObjectError(f"{opened.store.uri(key)} was changed since it was landed: it has not {size:,} bytes")
    return Part(key=key, first=receipt.first, last=receipt.last, records=receipt.records, bytes=size, sha256=sha256)


def _check_unchanged(opened: Resources, receipt: Receipt, path: Path) -> None:
    """Raise CorruptObjectError where an object is not the one that its receipt was written for."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != receipt.sha256:
        where = opened.store.uri(receipt.key)
        raise CorruptObjectError(f"{where} was changed since it was landed: SHA-256 {found}, receipt {receipt.sha256}")
