"""The overview of a run over several sources: one report with a row for each, and how the whole ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loguru import logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from seawall.clients.redact import plain, redact
from seawall.storage.manifest import Manifest
from seawall.tasks.conclude import state_name
from seawall.tasks.context import prefect_api
from seawall.tasks.context.logs import only_logged
from seawall.tasks.context.step import step
from seawall.tasks.errors import SettingsError, SourcesFailedError
from seawall.tasks.plan import is_begun
from seawall.tasks.report import code, table
from seawall.tasks.run import Run, typed
from seawall.tasks.settle import settle_place

ARTIFACT: Final = "overview-report"
FLOW: Final = "ingest-all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one source: the manifest of its dataset, or the error, which names the way to go on."""

    source: str
    seconds: float
    manifest: Manifest | None = None
    error: str = ""

    @property
    def verdict(self) -> str:
        """The verdict of its manifest, or `failed`."""
        return self.manifest.verdict if self.manifest else "failed"


def settle_all(run: Run, sources: Sequence[str]) -> None:
    """See that what holds for all sources makes sense; `run` stands for each of them.

    Raises:
        SettingsError: no source, one that is named twice, or what `settle_place` refuses.
    """
    prefect_api.begin()
    if not sources:
        raise SettingsError("sources=[] names no source")
    if twice := [source for source in dict.fromkeys(sources) if sources.count(source) > 1]:
        raise SettingsError(f"sources names {twice[0]!r} twice")
    settle_place(run)


def earlier_runs(run: Run, resume: str | None) -> dict[str, str]:
    """By source, the run that an earlier attempt made for it, or else the run to resume; its dataset is gone on with.

    Raises:
        SettingsError: the run to resume made none.
    """
    runs = _runs_by_source(resume) if resume else {}
    if resume and not runs:
        raise SettingsError(f"resume={resume!r}: Prefect knows no run of {FLOW} with this id that began a source")
    return runs | _runs_by_source(run.run_id)


def _runs_by_source(run_id: str) -> dict[str, str]:
    """The latest run for each source that a run of several sources made, or that which it resumed."""
    runs: dict[str, str] = {}
    for inner in prefect_api.runs_inside(run_id):
        runs.setdefault(str(inner.parameters.get("source")), str(inner.parameters.get("resume") or inner.id))
    return runs


def to_resume(run: Run, earlier: str | None) -> str | None:
    """The earlier run of a source where it came so far that it can be resumed; `run` says where it would stand."""
    if earlier is None:
        return None
    begun = Run(
        run_id=earlier, source=run.source, storage=run.storage, bucket=run.bucket, prefix=run.prefix,
        format=run.format, params=run.params, options=run.options,
    )  # fmt: skip
    return earlier if is_begun(begun) else None


def outcome_of(source: str, state: State[Manifest], seconds: float) -> Outcome:
    """What the final state of a source's run amounts to."""
    if state.is_completed():
        return Outcome(source=source, seconds=seconds, manifest=state.result())
    result = state.result(raise_on_failure=False)
    text = str(result) if isinstance(result, Exception) else str(state.message)
    return Outcome(source=source, seconds=seconds, error=plain(text))


def concluded(outcomes: Sequence[Outcome], resume_command: str) -> State[list[Outcome]]:
    """The state of a run over several sources, named by their verdicts as `ingest` names its own.

    Raises:
        SourcesFailedError: some could not be landed.
    """
    with only_logged("the report could not be made"):
        _show(outcomes, resume_command)
    failures = [outcome for outcome in outcomes if outcome.manifest is None]
    if failures:
        errors = "; ".join(f"{each.source}: {each.error}" for each in failures)
        raise SourcesFailedError(
            f"{len(failures)} of {len(outcomes)} sources failed, the others are landed. {errors}. "
            f"All that are not whole, each from where it stands: {resume_command}"
        )
    names = {state_name(outcome.verdict) for outcome in outcomes} - {None}
    records = sum(outcome.manifest.records for outcome in outcomes if outcome.manifest)
    message = f"Landed {records:,} records of {len(outcomes)} {'source' if len(outcomes) == 1 else 'sources'}"
    if names:
        odd = (f"{each.source}: {each.verdict}" for each in outcomes if each.verdict != "complete")
        message = f"{message} ({', '.join(odd)})"
    logger.info(message)
    name = names.pop() if len(names) == 1 else "CompletedWithWarnings" if names else None
    return Completed(name=name, message=message, data=list(outcomes))


@step("report", "report of all sources")
def _show(outcomes: Sequence[Outcome], resume_command: str) -> None:
    create_markdown_artifact(
        markdown=redact(render(outcomes, resume_command)), key=ARTIFACT, description=_verdicts(outcomes)
    )


def render(outcomes: Sequence[Outcome], resume_command: str) -> str:
    """The overview as GitHub Flavored Markdown, verdicts first; below, what went wrong."""
    head = ("Source", "Verdict", "Records", "Pages", "Seconds", "Folder")
    lines = [f"# {_verdicts(outcomes)}", "", *table(head, map(_row, outcomes))]
    for outcome in outcomes:
        if outcome.error:
            lines += ["", f"## failed: {code(outcome.source)}", "", code(outcome.error)]
    if any(outcome.error for outcome in outcomes):
        lines += ["", "## Resume", "", "```", redact(resume_command).replace("```", "'''"), "```"]
    return "\n".join(lines) + "\n"


def _row(outcome: Outcome) -> tuple[str, ...]:
    seconds = f"{outcome.seconds:,.1f}"
    if (manifest := outcome.manifest) is None:
        return code(outcome.source), "failed", "–", "–", seconds, "–"
    folder = code(manifest.location.rpartition("/")[0])
    return code(outcome.source), manifest.verdict, f"{manifest.records:,}", f"{len(manifest.pages):,}", seconds, folder


def _verdicts(outcomes: Sequence[Outcome]) -> str:
    """How many sources have which verdict, those that failed first."""
    verdicts = sorted((outcome.verdict for outcome in outcomes), key=lambda verdict: (verdict != "failed", verdict))
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))


def resume_command(run: Run, sources: Sequence[str], parallel_sources: int) -> str:
    """What to type to go on with all sources."""
    arguments = {
        "sources": list(sources),
        "storage": run.storage,
        "bucket": run.bucket,
        "prefix": run.prefix,
        "format": run.format,
        "params": run.params,
        "options": run.options.model_dump(mode="json", exclude_unset=True),
        "parallel_sources": parallel_sources,
        "resume": run.run_id,
    }
    return typed(FLOW, arguments, run.deployment)
