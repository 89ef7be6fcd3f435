"""The verdict: is it all there, once?"""

from dataclasses import dataclass
from typing import Final

from seawall.storage.manifest import Check
from seawall.tasks.publishing.checks import findings
from seawall.tasks.publishing.evidence import Evidence

MEANINGS: Final = {
    "gaps": "Pages are missing: they could not be had. Resume the run to fill them.",
    "short": "Fewer records came than the source says it has. Resume the run to ask for the rest.",
    "excess": "More records came than the source says it has: its total is too small, or records came twice.",
    "duplicated": "Records came more than once: filter them by their key, or see how pages are asked for.",
    "shifted": "Rows moved while we walked, so some may be missing or twice. Run again, or with two passes.",
    "unproven": "Nothing speaks against it, but nothing independent proves that it is all.",
    "partial": "All that was asked for is there; the source has more pages.",
    "complete": "It is all there, once: every check that could be made agrees.",
}  # in the order in which they count
NAMES: Final = tuple(MEANINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One of NAMES, with the figures behind it, and every check that was made."""

    name: str
    figures: str
    checks: tuple[Check, ...]


def judge(evidence: Evidence) -> Verdict:
    """Compare what was landed with what the source advertised and shows at the end.

    If several hold, the first in the order of the names counts; the figures tell them all.
    """
    every = findings(evidence)
    verdicts = {finding.verdict for finding in every if finding.verdict}
    figures = [finding.figure for finding in every if finding.figure]
    if not evidence.gaps and not any(" advertised" in figure for figure in figures):
        figures.insert(0, _amount(evidence))
    return Verdict(
        name=next((name for name in NAMES if name in verdicts), "complete"),
        figures="; ".join(figures),
        checks=tuple(finding.check for finding in every),
    )


def _amount(evidence: Evidence) -> str:
    """How much there is, where no failed comparison tells."""
    aside = f", {evidence.rejected_records:,} set aside" if evidence.rejected_records else ""
    if evidence.advertised is None:
        return f"{evidence.records:,} records{aside}; every page asked for is there"
    return f"{evidence.records:,} of {evidence.advertised:,} advertised records{aside}"
