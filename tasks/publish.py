"""Publish: covered? one schema? verdict → `_manifest.json`. Creating it is the commit."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import task

from seawall.formats import schema
from seawall.storage import manifest, receipts
from seawall.storage.documents import Column
from seawall.storage.manifest import FailedPage, Manifest
from seawall.storage.plan import manifest_key
from seawall.storage.ranges import PageRange, missing
from seawall.storage.receipts import Receipt
from seawall.tasks.context.logs import guarded
from seawall.tasks.context.resources import Resources, resources
from seawall.tasks.errors import IncompleteError, PublishedError
from seawall.tasks.landing.landed import Landed
from seawall.tasks.landing.rejected import refuse_too_many
from seawall.tasks.landing.walk import walk
from seawall.tasks.options import IngestOptions
from seawall.tasks.preflight import ONCE
from seawall.tasks.publishing.drift import drift
from seawall.tasks.publishing.evidence import Gathered, gather
from seawall.tasks.publishing.sweep import sweep
from seawall.tasks.publishing.verdict import Evidence, Verdict, judge
from seawall.tasks.publishing.widened import widened_part
from seawall.tasks.run import Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What may be published: the parts, the walk that they cover but for `gaps`, and what speaks for it."""

    written: Sequence[Receipt]
    whole: Sequence[PageRange]
    gaps: tuple[FailedPage, ...]
    found: Gathered
    verdict: Verdict
    retries: Counter[str]


@task(name="publish", task_run_name="publish {landing.run.source}", **ONCE)
@guarded
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
    document = _manifest(landing, opened, _judged(landing, opened, landed))
    manifest.write(opened.store, landing.folder, document)
    sweep(opened.store, landing.folder, document)
    return document


def _judged(landing: Landing, opened: Resources, landed: Landed) -> Judged:
    """What was landed, once its verdict allows to publish it."""
    options = landing.run.options
    written = receipts.read_all(opened.store, landing.folder)
    refuse_too_many(written, options.max_rejected_records)
    whole = walk(landing, written, landed)
    gaps = _gaps(missing(whole, (receipt.pages for receipt in written)), landed)
    if gaps:  # a run that cannot be published needs no more evidence
        records = sum(receipt.records for receipt in written)
        _refuse_unless_allowed(judge(Evidence(records=records, advertised=None, gaps=len(gaps))), gaps, options)
    found = gather(landing, written, landed, gaps=len(gaps))
    verdict = judge(found.evidence)
    _refuse_unless_allowed(verdict, gaps, options)
    retries = sum((Counter(receipt.retries) for receipt in written), landed.retries + found.retries)
    return Judged(written=written, whole=whole, gaps=gaps, found=found, verdict=verdict, retries=retries)


def _manifest(landing: Landing, opened: Resources, judged: Judged) -> Manifest:
    """The manifest of what was landed, its parts widened to one schema."""
    written, evidence = judged.written, judged.found.evidence
    columns = schema.union({column.name: column.type for column in receipt.columns} for receipt in written)
    parts = tuple(widened_part(landing, opened, receipt, columns) for receipt in written if receipt.records)
    return Manifest(
        run_id=landing.run.run_id,
        commit_id=uuid.uuid4().hex,
        source=landing.plan.source,
        format=landing.run.format,
        verdict=judged.verdict.name,
        figures=judged.verdict.figures,
        location=opened.store.uri(manifest_key(landing.folder)),
        started=landing.plan.started,
        published=datetime.now(UTC).isoformat(timespec="seconds"),
        pages=PageRange(judged.whole[0].first, max(each.last for each in judged.whole)),
        records=evidence.records,
        bytes=sum(part.bytes for part in parts),
        parts=parts,
        columns=tuple(Column(name, kind) for name, kind in columns.items()),
        advertised_at_start=landing.plan.totals,
        advertised_at_end=judged.found.totals,
        failed_pages=judged.gaps,
        widened=drift(written),
        rejected=evidence.rejected,
        rejected_keys=tuple(receipt.rejected_key for receipt in written if receipt.rejected_key),
        retries=dict(judged.retries),
        duplicates=evidence.duplicates,
        keyless=evidence.keyless,
        shifted=evidence.shifted,
    )


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
