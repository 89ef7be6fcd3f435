"""The probe's tasks: ask, and tell."""

from loguru import logger
from prefect import task
from prefect.artifacts import create_markdown_artifact

from clients.redact import redact
from clients.scout import Scout
from tasks import blocks
from tasks.authenticate import ONCE
from tasks.findings import Findings
from tasks.logs import guarded
from tasks.probe_report import render
from tasks.questions import Questions


@task(name="ask", task_run_name="ask {source}", **ONCE)
@guarded
def ask(source: str) -> Findings:
    """What a few requests tell about the saved source.

    Raises:
        SettingsError: there is no such block.
        SourceError: it cannot be reached, refuses us, or answers nothing that holds records.
    """
    with Scout(blocks.load_source(source)) as scout:
        scout.authenticate()
        findings = Questions(scout.source, scout).findings(source)
    logger.bind(source=source, kind=findings.kind, requests=findings.requests).info("probed")
    return findings


@task(name="tell", task_run_name="tell of {findings.source}", **ONCE)
@guarded
def tell(findings: Findings) -> None:
    """Show the findings as a markdown artifact."""
    create_markdown_artifact(
        markdown=redact(render(findings)), key="probe", description=f"{findings.kind or 'unknown'}: {findings.source}"
    )
