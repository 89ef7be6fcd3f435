"""The probe's tasks: ask, keep, and tell."""

from dataclasses import replace

from loguru import logger
from prefect.artifacts import create_markdown_artifact

from seawall.clients.probe.scout import Scout
from seawall.clients.redact import redact
from seawall.tasks.context import blocks
from seawall.tasks.context.keeper import BlockKeeper
from seawall.tasks.context.step import step
from seawall.tasks.probe.findings import Findings
from seawall.tasks.probe.questions import Questions
from seawall.tasks.probe.report import render


@step("ask", "ask {source}")
def ask(source: str) -> Findings:
    """What a few requests show about the saved source.

    Raises:
        SettingsError: there is no such block.
        SourceError: it cannot be reached, refuses us, or answers without records.
    """
    saved = blocks.load_source(source)
    if open_urls := saved.open_urls():
        logger.bind(urls=", ".join(open_urls)).warning("secrets are sent over http://, as allow_http permits")
    with Scout(saved, keeper=BlockKeeper(source)) as scout:
        scout.authenticate()
        findings = Questions(scout.source, scout).findings(source).without(redact)
    logger.bind(source=source, kind=findings.kind, requests=findings.requests).info("probed")
    return findings


@step("keep", "keep what was found of {findings.source}")
def keep(findings: Findings) -> Findings:
    """The findings, once they are saved in the block; as they are where nothing was found, or nothing has to change.

    Raises:
        SettingsError: the block is gone, or what was found does not fit the rest of it.
    """
    if findings.kind is None or findings.works_as_saved:
        return findings
    blocks.update_source(findings.source, findings.fields)
    logger.bind(source=findings.source).info("saved what was found")
    return replace(findings, is_saved=True)


@step("tell", "tell of {findings.source}")
def tell(findings: Findings) -> None:
    """Show the findings as a markdown artifact."""
    create_markdown_artifact(
        markdown=redact(render(findings)), key="probe", description=f"{findings.kind or 'unknown'}: {findings.source}"
    )
