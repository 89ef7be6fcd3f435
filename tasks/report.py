"""The execution report: a markdown artifact, `_report.md` in the landing folder, and a line on the console."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from loguru import logger
from prefect import task
from prefect.artifacts import create_markdown_artifact

from seawall.clients.redact import plain, redact
from seawall.formats import registry
from seawall.formats.writer import FormatError
from seawall.storage import manifest, plan, receipts
from seawall.storage.documents import Totals
from seawall.storage.errors import BucketError, UnsafeKeyError
from seawall.storage.keys import REPORT
from seawall.storage.manifest import FailedPage, Manifest, Widening
from seawall.storage.plan import Plan
from seawall.storage.ranges import PageRange
from seawall.storage.receipts import Receipt
from seawall.tasks.context import prefect_api
from seawall.tasks.context.logs import guarded, only_logged
from seawall.tasks.context.resources import resources
from seawall.tasks.errors import NOT_RESUMABLE, IncompleteError, SettingsError
from seawall.tasks.preflight import ONCE
from seawall.tasks.publishing.drift import drift
from seawall.tasks.run import Run

ARTIFACT: Final = "execution-report"
REFUSED: Final = (SettingsError, FormatError, UnsafeKeyError, BucketError)  # then there is no bucket to read
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
    requested: int | None = None
    successful: int = 0
    failed: Sequence[FailedPage] = ()
    retries: Counter[str] = field(default_factory=Counter)
    records: int = 0
    advertised: str = "not known"
    checks: str = "not made"
    location: str = "nothing was landed"
    rejected: int = 0
    widened: Sequence[Widening] = ()
    parts: Sequence[tuple[str, PageRange, int, int]] = ()
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
        f"{code(facts.summary)}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in _figures(facts)),
    ]
    if facts.failed:
        gaps = ((str(gap.page), code(gap.error)) for gap in facts.failed[:LISTED])
        lines += ["", "## Failed pages", "", *_table(("Page", "Last error"), gaps), *_more(facts.failed)]
    if facts.widened:
        rows = (
            (code(each.column), each.before or "new", each.after, str(each.page)) for each in facts.widened[:LISTED]
        )
        lines += ["", "## Drift", "", *_table(("Column", "Before", "Since then", "First on page"), rows)]
        lines += _more(facts.widened)
    if facts.parts:
        parts = ((str(pages), f"{n:,}", f"{size:,}", code(key)) for key, pages, n, size in facts.parts[:LISTED])
        lines += ["", "## Parts", "", *_table(("Pages", "Records", "Bytes", "Object"), parts), *_more(facts.parts)]
    if facts.resume:
        lines += ["", "## Resume", "", "```", redact(facts.resume).replace("```", "'''"), "```"]
    return "\n".join(lines) + "\n"


def _figures(facts: Facts) -> Iterable[tuple[str, str]]:
    retries = ", ".join(f"{code(cause)} {count:,}" for cause, count in sorted(facts.retries.items()))
    yield "Verdict", facts.verdict
    yield "Timestamp", facts.timestamp.isoformat(timespec="seconds")
    yield "Run", code(facts.run_id)
    yield "Pages Requested", "not known" if facts.requested is None else f"{facts.requested:,}"
    yield "Successful Pages", f"{facts.successful:,}"
    yield "Failed Pages", f"{len(facts.failed):,}"
    yield "Total Retries", f"{facts.retries.total():,}" + (f" ({retries})" if retries else "")
    yield "Records Ingested", f"{facts.records:,}"
    if facts.rejected:
        yield "Records Rejected", f"{facts.rejected:,}, set aside in `_rejected/`"
    yield "Records Advertised", facts.advertised
    yield "Checks", facts.checks
    yield "Execution Time", f"{facts.seconds:.1f} s"
    yield "Output", code(facts.location)
    yield "Format Chosen", f"{code(facts.format)}: {facts.reason}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _more(rows: Sequence[object]) -> list[str]:
    return ["", f"and {len(rows) - LISTED:,} more"] if len(rows) > LISTED else []


def report(run: Run, error: Exception | None = None) -> Facts:
    """Tell how a run went, by what stands in its bucket; what was told.

    The data is safe by now, or never will be: what fails here is logged, and changes nothing.
    """
    facts = base = _base(run, error)
    with only_logged("the report could not be made"):
        facts = _tell(run, base, published=error is None, read=not isinstance(error, REFUSED))
    return facts


@task(name="report", task_run_name="report {run.source}", **ONCE)
@guarded
def _tell(run: Run, base: Facts, *, published: bool, read: bool) -> Facts:
    facts = _found(base, run, published=published) if read else base
    logger.bind(verdict=facts.verdict, records=facts.records, failed=len(facts.failed), output=facts.location).info(
        "run reported"
    )
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
        seconds=(datetime.now(UTC) - run.started).total_seconds(),
        timestamp=datetime.now(UTC),
        resumable=not isinstance(error, NOT_RESUMABLE),
        failed=error.failed_pages if isinstance(error, IncompleteError) else (),
    )


def _found(base: Facts, run: Run, *, published: bool) -> Facts:
    """The facts that the bucket adds, and the report in the landing folder, unless a published run's stands there."""
    facts = base
    with only_logged("the bucket could not be read for the report"):
        store = resources(run).store
        found = plan.locate(store, resources(run).parent, run.run_id)
        if found is None:
            return facts
        folder, made = found
        document = manifest.find(store, folder)
        if document is not None and published:
            facts = _published(base, document)
        elif document is None:
            facts = _unpublished(base, run, store.uri(folder), made, receipts.read_all(store, folder))
        else:
            return replace(base, location=f"{document.location}, published before")
        store.put(f"{folder}/{REPORT}", redact(render(facts)).encode(), content_type="text/markdown; charset=utf-8")
    return facts


def _published(base: Facts, made: Manifest) -> Facts:
    return replace(
        base,
        verdict=made.verdict,
        summary=made.figures,
        requested=len(made.pages),
        successful=len(made.pages) - len(made.failed_pages),
        failed=made.failed_pages,
        retries=Counter(made.retries),
        records=made.records,
        rejected=made.rejected,
        widened=made.widened,
        advertised=_both(made.advertised_at_start, made.advertised_at_end),
        checks=_checks(made),
        location=made.location,
        parts=[(part.key, PageRange(part.first, part.last), part.records, part.bytes) for part in made.parts],
    )


def _unpublished(base: Facts, run: Run, location: str, made: Plan, written: Sequence[Receipt]) -> Facts:
    newest = max(written, key=lambda receipt: receipt.told_at, default=None)
    met = resources(run).client.statistics
    return replace(
        base,
        failed=base.failed or [FailedPage(page=page, error=told) for page, told in sorted(met.failed_pages.items())],
        requested=made.pages,
        successful=sum(len(receipt.pages) for receipt in written),
        retries=sum(
            (Counter(receipt.retries) for receipt in written if receipt.landed < run.started.isoformat()),
            met.retries,
        ),
        records=sum(receipt.records for receipt in written),
        rejected=sum(receipt.rejected for receipt in written),
        widened=drift(written),
        advertised=_both(made.totals, newest.totals if newest else made.totals),
        location=f"{location}, not published",
        parts=[(receipt.key, receipt.pages, receipt.records, receipt.bytes) for receipt in written],
        resume=run.resume_command if base.resumable else None,
    )


def _checks(made: Manifest) -> str:
    """What was looked into besides the counts."""
    first = {None: "first page not read again", True: "first page moved", False: "first page unchanged at the end"}
    keys = "no record key named" if made.duplicates is None else f"{made.duplicates:,} record keys twice"
    return f"{first[made.shifted]}; {keys}" + (f", {made.keyless:,} records without one" if made.keyless else "")


def _both(start: Totals, end: Totals) -> str:
    """What the source advertised, twice if it changed its mind."""
    then, now = ("not told" if total is None else f"{total:,}" for total in (start.records, end.records))
    return then if then == now else f"{then} at the start, {now} at the end"
