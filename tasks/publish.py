"""Publish: covered? one schema? verdict → `_manifest.json`. Creating it is the commit."""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from loguru import logger

from seawall.clients.redact import redact
from seawall.storage.documents import Column
from seawall.storage.keys import manifest_key
from seawall.storage.manifest import FailedPage, Manifest, Scope, find_manifest, write_manifest
from seawall.storage.ranges import PageRange, missing
from seawall.storage.receipts import Receipt, read_receipts
from seawall.tasks.context.resources import Resources, resources_of
from seawall.tasks.context.step import step
from seawall.tasks.errors import IncompleteError, PublishedError
from seawall.tasks.landing.rejected import refuse_too_many
from seawall.tasks.landing.tally import Tally
from seawall.tasks.landing.walk import walk
from seawall.tasks.landing.width import columns_of
from seawall.tasks.options import IngestOptions
from seawall.tasks.publishing.drift import drift
from seawall.tasks.publishing.evidence import Evidence, gather
from seawall.tasks.publishing.sweep import sweep
from seawall.tasks.publishing.verdict import Verdict, judge
from seawall.tasks.publishing.widened import published_parts
from seawall.tasks.run import Landing, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What may be published: the parts, the walk that they cover but for `gaps`, and what speaks for it."""

    receipts: Sequence[Receipt]
    ranges: Sequence[PageRange]
    gaps: tuple[FailedPage, ...]
    evidence: Evidence
    verdict: Verdict
    retries: Counter[str]


@step("publish", "publish {landing.run.source}")
def publish(landing: Landing, tally: Tally) -> Manifest:
    """Commit the dataset, if its verdict allows it, and sweep what no manifest lists.

    What is published already stays; a fill that brought something commits another generation beside it.

    Raises:
        IncompleteError: the verdict does not allow it; nothing was published.
        CorruptObjectError: an object is gone, or not the one that was landed.
        ObjectExistsError, PublishedError: another process published this run.
    """
    resources, previous = resources_of(landing.run), landing.previous
    earlier = find_manifest(resources.store, landing.folder)
    if earlier is not None and (previous is None or earlier.generation > previous.generation):
        return _published_before(landing, resources, earlier)
    if previous is not None and not previous.is_fillable:
        sweep(resources.store, landing.folder)
        return previous
    dataset = _dataset(landing, resources, tally)
    if previous is not None and _is_the_same(dataset, previous):
        logger.bind(manifest=previous.location).info("asked once more, nothing new came")
        sweep(resources.store, landing.folder)
        return previous
    _refuse_unless_allowed(dataset.verdict, dataset.gaps, landing.run.options)
    manifest = _manifest(landing, resources, dataset)
    write_manifest(resources.store, landing.folder, manifest)
    sweep(resources.store, landing.folder)
    return manifest


def _is_the_same(dataset: Dataset, published: Manifest) -> bool:
    """Whether a fill brought nothing that is not published."""
    failed_pages = {gap.page for gap in dataset.gaps}
    return (
        dataset.evidence.records == published.records
        and failed_pages == {gap.page for gap in published.failed_pages}
        and dataset.verdict.name == published.verdict
    )


def _dataset(landing: Landing, resources: Resources, tally: Tally) -> Dataset:
    """What was landed, once its verdict allows to publish it."""
    options = landing.run.options
    receipts = read_receipts(resources.store, landing.folder)
    refuse_too_many(receipts, options.max_rejected_records)
    ranges = walk(landing, resources, receipts, tally)
    gaps = _gaps(missing(ranges, (receipt.pages for receipt in receipts)), tally)
    if gaps and landing.previous is None:  # a run that cannot be published needs no more evidence
        records = sum(receipt.records for receipt in receipts)
        _refuse_unless_allowed(judge(Evidence(records=records, gaps=len(gaps))), gaps, options)
    evidence = gather(landing, resources, receipts, tally, gaps=len(gaps))
    verdict = judge(evidence)
    retries = sum((Counter(receipt.retries) for receipt in receipts), tally.retries)
    return Dataset(receipts=receipts, ranges=ranges, gaps=gaps, evidence=evidence, verdict=verdict, retries=retries)


def _manifest(landing: Landing, resources: Resources, dataset: Dataset) -> Manifest:
    """The manifest of what was landed, its parts widened to one schema."""
    receipts, evidence = dataset.receipts, dataset.evidence
    columns = columns_of(receipts, resources.format, landing.run.options)
    parts = published_parts(landing, resources, [each for each in receipts if each.records], columns)
    return Manifest(
        run_id=landing.run.run_id,
        commit_id=uuid.uuid4().hex,
        source=landing.plan.source,
        format=landing.run.format,
        verdict=dataset.verdict.name,
        figures=dataset.verdict.figures,
        location=resources.store.uri(manifest_key(landing.folder, landing.generation)),
        started=landing.plan.started,
        published=datetime.now(UTC).isoformat(timespec="seconds"),
        pages=PageRange(dataset.ranges[0].first, max(each.last for each in dataset.ranges)),
        records=evidence.records,
        bytes=sum(part.bytes for part in parts),
        parts=parts,
        columns=tuple(Column(name, kind) for name, kind in columns.items()),
        advertised_at_start=landing.plan.totals,
        advertised_at_end=evidence.totals,
        failed_pages=dataset.gaps,
        widened=drift(receipts),
        rejected=evidence.rejected_records,
        rejected_keys=tuple(receipt.rejected_key for receipt in receipts if receipt.rejected_key),
        retries=dict(dataset.retries),
        duplicates=evidence.duplicates,
        keyless=evidence.keyless,
        shifted=evidence.proof.first_page_moved,
        scope=_scope(landing.run),
        evidence=dataset.verdict.checks,
        generation=landing.generation,
        previous=landing.previous.location if landing.previous else None,
    )


def _scope(run: Run) -> Scope:
    """What of the source was asked for; a value that is a secret stays out."""
    params = {name: value if redact(value) == value else None for name, value in run.params.items()}
    return Scope(pages=run.options.pages, params=params)


def _published_before(landing: Landing, resources: Resources, manifest: Manifest) -> Manifest:
    """A retry of the run that died after its commit ends well; whoever resumed it comes too late."""
    sweep(resources.store, landing.folder)
    if landing.run.resuming:
        raise PublishedError(f"run {manifest.run_id} was published by another process: {manifest.location}")
    return manifest


def _gaps(uncovered: Iterable[PageRange], tally: Tally) -> tuple[FailedPage, ...]:
    """Every page of the walk that no receipt covers, with the reason where we know it."""
    reasons = {gap.page: gap for gap in tally.gaps}
    pages = (page for each in uncovered for page in range(each.first, each.last + 1))
    return tuple(reasons.get(page, FailedPage(page=page, error="not landed")) for page in pages)


def _refuse_unless_allowed(verdict: Verdict, gaps: tuple[FailedPage, ...], options: IngestOptions) -> None:
    if verdict.name in ("complete", "partial"):
        return
    limit = "options.strict is set" if options.strict else None
    if verdict.name == "gaps" and len(gaps) > options.max_failed_pages:
        limit = f"max_failed_pages is {options.max_failed_pages}"
    if limit:
        last_error = f"; {gaps[0].error}" if gaps else ""
        raise IncompleteError(f"{verdict.name}: {verdict.figures}, and {limit}: not published{last_error}", gaps)
