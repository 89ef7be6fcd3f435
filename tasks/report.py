"""The execution report: a markdown artifact, `_report.md` in the landing folder, and a line on the console."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from loguru import logger
from prefect.artifacts import create_markdown_artifact

from seawall.clients.redact import plain, redact
from seawall.clients.statistics import Statistics
from seawall.formats import registry
from seawall.formats.writer import FormatError
from seawall.storage.documents import Totals
from seawall.storage.errors import BucketError, ObjectMissingError, UnsafeKeyError
from seawall.storage.keys import REPORT
from seawall.storage.manifest import Check, FailedPage, Manifest, Widening, find_manifest
from seawall.storage.plan import Plan, locate_plan
from seawall.storage.ranges import PageRange
from seawall.storage.receipts import Receipt, read_receipts
from seawall.storage.store import ObjectStore
from seawall.tasks.context import prefect_api
from seawall.tasks.context.logs import only_logged
from seawall.tasks.context.resources import resources_of
from seawall.tasks.context.step import step
from seawall.tasks.course import chart, in_words
from seawall.tasks.errors import NOT_RESUMABLE, IncompleteError, SettingsError
from seawall.tasks.publishing.drift import drift
from seawall.tasks.publishing.verdict import MEANINGS
from seawall.tasks.run import Run

ARTIFACT: Final = "execution-report"
UNSETTLED: Final = (SettingsError, FormatError, UnsafeKeyError)  # then nothing was asked for
REFUSED: Final = (*UNSETTLED, BucketError)  # then there is no bucket to read
HOW_TO_READ: Final = "What each verdict and each check means, and what can still be missed: `docs/proof.md` of Seawall."
OUTCOMES: Final = {"passed": "✓ passed", "failed": "✗ failed", "not made": "– not made"}
LISTED: Final = 50  # parts, failed pages, widened columns that a report names; the manifest names all


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a report tells; what a run did not come to know stays empty."""

    verdict: str
    summary: str
    run_id: str
    source: str
    format: str
    reason: str
    seconds: float
    timestamp: datetime
    pages: int | None = None
    good_pages: int = 0
    failed_pages: Sequence[FailedPage] = ()
    retries: Counter[str] = field(default_factory=Counter)
    records: int = 0
    advertisement: str = "not known"
    meaning: str = ""
    checks: Sequence[Check] = ()
    location: str = "nothing was landed"
    rejected_records: int = 0
    widenings: Sequence[Widening] = ()
    parts: Sequence[tuple[str, PageRange, int, int]] = ()
    limits: Sequence[str] = ()
    course: Sequence[str] = ()
    open_urls: Sequence[str] = ()
    resumable: bool = True
    resume: str | None = None


def code(text: object) -> str:
    """Any text as inline code of a GFM table cell: no markup, no links (GFM §6.3).

    A vertical line would end the cell, and renderers do not agree on what escapes it (GFM §4.10).
    """
    return f"`{plain(str(text)).replace('|', '¦')}`"


def render(facts: Facts) -> str:
    """The report as GitHub Flavored Markdown, the verdict first."""
    lines = [
        f"# {facts.verdict}: {code(facts.source)}",
        "",
        *([facts.meaning, ""] if facts.meaning else []),
        f"{code(facts.summary)}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in _figures(facts)),
    ]
    if facts.checks:
        rows = ((each.check, OUTCOMES.get(each.outcome, each.outcome), code(each.detail)) for each in facts.checks)
        lines += ["", "## Evidence", "", *table(("Check", "Outcome", "What came of it"), rows), "", HOW_TO_READ]
    if facts.course:
        lines += ["", "## Course", "", " ".join(facts.limits), "", "```text", *facts.course, "```"]
    if facts.failed_pages:
        gaps = ((str(gap.page), code(gap.error)) for gap in facts.failed_pages[:LISTED])
        lines += ["", "## Failed pages", "", *table(("Page", "Last error"), gaps), *_more(facts.failed_pages)]
    if facts.widenings:
        drifts = (
            (code(each.column), each.before or "new", each.after, str(each.page)) for each in facts.widenings[:LISTED]
        )
        lines += ["", "## Drift", "", *table(("Column", "Before", "Since then", "First on page"), drifts)]
        lines += _more(facts.widenings)
    if facts.parts:
        parts = ((str(pages), f"{n:,}", f"{size:,}", code(key)) for key, pages, n, size in facts.parts[:LISTED])
        lines += ["", "## Parts", "", *table(("Pages", "Records", "Bytes", "Object"), parts), *_more(facts.parts)]
    if facts.resume:
        lines += ["", "## Resume", "", "```", redact(facts.resume).replace("```", "'''"), "```"]
    return "\n".join(lines) + "\n"


def _figures(facts: Facts) -> Iterable[tuple[str, str]]:
    retries = ", ".join(f"{code(cause)} {count:,}" for cause, count in sorted(facts.retries.items()))
    yield "Verdict", facts.verdict
    yield "Timestamp", facts.timestamp.isoformat(timespec="seconds")
    yield "Run", code(facts.run_id)
    yield "Pages Requested", "not known" if facts.pages is None else f"{facts.pages:,}"
    yield "Successful Pages", f"{facts.good_pages:,}"
    yield "Failed Pages", f"{len(facts.failed_pages):,}"
    yield "Total Retries", f"{facts.retries.total():,}" + (f" ({retries})" if retries else "")
    yield "Records Ingested", f"{facts.records:,}"
    if facts.rejected_records:
        yield "Records Rejected", f"{facts.rejected_records:,}, set aside in `_rejected/`"
    yield "Records Advertised", facts.advertisement
    yield "Execution Time", f"{facts.seconds:.1f} s"
    yield "Output", code(facts.location)
    yield "Format Chosen", f"{code(facts.format)}: {facts.reason}"
    if facts.open_urls:
        yield "Secrets Unencrypted", f"sent over http:// (allow_http) to {', '.join(map(code, facts.open_urls))}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a GFM table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _more(rows: Sequence[object]) -> list[str]:
    return ["", f"and {len(rows) - LISTED:,} more"] if len(rows) > LISTED else []


def report(run: Run, error: Exception | None = None, *, is_news: bool = True) -> Facts:
    """Show how a run went, by what stands in its bucket; the facts that were shown.

    The one in the landing folder stays where the run brought no news. The data is safe by now, or never will be: what
    fails here is logged, and changes nothing.
    """
    facts = base = _base(run, error)
    with only_logged("the report could not be made"):
        facts = _show(
            run,
            base,
            is_published=error is None,
            sends_secrets=not isinstance(error, UNSETTLED),
            reads_bucket=not isinstance(error, REFUSED),
            is_news=is_news,
        )
    return facts


@step("report", "report {run.source}")
def _show(
    run: Run, base: Facts, *, is_published: bool, sends_secrets: bool, reads_bucket: bool, is_news: bool
) -> Facts:
    if sends_secrets:
        with only_logged("the source could not be read for the report"):
            base = replace(base, open_urls=resources_of(run).source.open_urls())
        with only_logged("the course could not be read for the report"):
            learned, course = resources_of(run).client.paced()
            base = replace(base, limits=tuple(in_words(learned, course)), course=tuple(chart(course)))
    facts = _with_bucket(base, run, is_published=is_published, is_news=is_news) if reads_bucket else base
    logger.bind(
        verdict=facts.verdict, records=facts.records, failed=len(facts.failed_pages), output=facts.location
    ).info("run reported")
    with only_logged("the report could not be shown in Prefect"):
        if not prefect_api.answers_within(prefect_api.REPORT_PATIENCE):
            raise ConnectionError("Prefect's API is away")
        create_markdown_artifact(
            markdown=redact(render(facts)), key=ARTIFACT, description=f"{facts.verdict}: {run.source}"
        )
    return facts


def _base(run: Run, error: Exception | None) -> Facts:
    """The facts that the run itself knows."""
    return Facts(
        verdict="failed",
        summary=f"{type(error).__name__}: {error}" if error else "",
        run_id=run.run_id,
        source=run.source,
        format=run.format,
        reason=registry.find(run.format).reason,
        seconds=(datetime.now(UTC) - run.attempted).total_seconds(),
        timestamp=datetime.now(UTC),
        resumable=not isinstance(error, NOT_RESUMABLE),
        failed_pages=error.failed_pages if isinstance(error, IncompleteError) else (),
    )


def _with_bucket(base: Facts, run: Run, *, is_published: bool, is_news: bool) -> Facts:
    """The facts that the bucket adds, and the report in the landing folder, unless a published run's stands there."""
    facts = base
    with only_logged("the bucket could not be read for the report"):
        resources = resources_of(run)
        store = resources.store
        folder_and_plan = locate_plan(store, resources.parent, run.run_id)
        if folder_and_plan is None:
            return facts
        folder, plan = folder_and_plan
        manifest = find_manifest(store, folder)
        if manifest is not None and is_published:
            facts = _published(base, manifest)
        elif manifest is None:
            statistics = resources.client.statistics
            facts = _unpublished(base, run, store.uri(folder), plan, read_receipts(store, folder), statistics)
        else:
            return replace(base, location=f"{manifest.location}, published before")
        if not is_news and _is_reported(store, folder):  # a dataset that was published before stays as it is
            return facts
        store.put(f"{folder}/{REPORT}", redact(render(facts)).encode(), content_type="text/markdown; charset=utf-8")
    return facts


def _is_reported(store: ObjectStore, folder: str) -> bool:
    """Whether the report stands in a landing folder; whoever published it may have died before writing that."""
    try:
        store.head(f"{folder}/{REPORT}")
    except ObjectMissingError:
        return False
    return True


def _published(base: Facts, manifest: Manifest) -> Facts:
    return replace(
        base,
        verdict=manifest.verdict,
        summary=manifest.figures,
        pages=len(manifest.pages),
        good_pages=len(manifest.pages) - len(manifest.failed_pages),
        failed_pages=manifest.failed_pages,
        retries=Counter(manifest.retries),
        records=manifest.records,
        rejected_records=manifest.rejected,
        widenings=manifest.widened,
        advertisement=_both(manifest.advertised_at_start, manifest.advertised_at_end),
        meaning=MEANINGS[manifest.verdict],
        checks=manifest.evidence,
        location=manifest.location,
        parts=[(part.key, PageRange(part.first, part.last), part.records, part.bytes) for part in manifest.parts],
    )


def _unpublished(
    base: Facts, run: Run, location: str, plan: Plan, receipts: Sequence[Receipt], statistics: Statistics
) -> Facts:
    newest = max(receipts, key=lambda receipt: receipt.totals_at, default=None)
    failed_pages = [FailedPage(page=page, error=error) for page, error in sorted(statistics.failed_pages.items())]
    earlier = (receipt for receipt in receipts if receipt.landed_at < run.attempted.isoformat())
    return replace(
        base,
        failed_pages=base.failed_pages or failed_pages,
        pages=plan.pages,
        good_pages=sum(len(receipt.pages) for receipt in receipts),
        retries=sum((Counter(receipt.retries) for receipt in earlier), statistics.retries),
        records=sum(receipt.records for receipt in receipts),
        rejected_records=sum(receipt.rejected_records for receipt in receipts),
        widenings=drift(receipts),
        advertisement=_both(plan.totals, newest.totals if newest else plan.totals),
        location=f"{location}, not published",
        parts=[(receipt.key, receipt.pages, receipt.records, receipt.bytes) for receipt in receipts],
        resume=run.resume_command if base.resumable else None,
    )


def _both(start: Totals, end: Totals) -> str:
    """What the source advertised, twice if it changed its mind."""
    then, now = ("not told" if total is None else f"{total:,}" for total in (start.records, end.records))
    return then if then == now else f"{then} at the start, {now} at the end"
