"""The probe's report: its findings as GitHub Flavored Markdown."""

from collections.abc import Iterable

import httpx

from seawall.clients.http.told import quotas
from seawall.clients.redact import neutral
from seawall.tasks.probe.findings import Findings, SizeTrial
from seawall.tasks.report import code


def render(findings: Findings) -> str:
    """The findings, beginning with what to do."""
    lines = [
        f"# {findings.kind or 'Pagination unknown'}: {code(findings.source)}",
        "",
        _advice(findings),
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {figure} |" for name, figure in _figures(findings)),
    ]
    if findings.sizes:
        lines += ["", "## Page sizes", "", "| Asked for | Came | Bytes | Seconds |", "|---|---|---|---|"]
        lines += [
            f"| {trial.page_size:,} | {_came(trial)} | {trial.body_bytes:,} | {trial.seconds:.3f} |"
            for trial in findings.sizes
        ]
    lines += ["", "## First records", "", *(f"1. {code(neutral(each))}" for each in findings.samples)]
    lines += ["", "## Tried", "", *(f"1. {code(neutral(each, 400))}" for each in findings.tried)]
    if findings.kind and not findings.works_as_saved:
        title = "Saved fields" if findings.is_saved else "Fields to save"
        lines += ["", f"## {title}", "", "```json", findings.as_json, "```"]
    if findings.kind and not findings.works_as_saved and not findings.is_saved:
        lines += ["", "or, leaving the rest of the block as it is:", "", "```python", findings.as_python, "```"]
    return "\n".join(lines) + "\n"


def _advice(findings: Findings) -> str:
    if findings.kind is None:
        return "No kind of pagination led to a second page; below is what was tried. Consult the API's documentation."
    if findings.works_as_saved:
        return "The source works as it is saved."
    if findings.is_saved:
        return "The fields below are saved in the block, and the rest of it is as it was: the source can be landed."
    return "The source can be landed with the fields below, which differ from those that are saved."


def _figures(findings: Findings) -> Iterable[tuple[str, str]]:
    yield "Pagination", code(findings.kind or "unknown")
    yield "Records", _where(findings)
    yield (
        "Order",
        {None: "not looked into", True: "page 2 was the same twice", False: "page 2 changed at once"}[findings.stable],
    )
    yield "Beyond the end", code(findings.beyond)
    yield "Totals", code(findings.totals)
    yield "Largest page", _largest(findings)
    yield "Record keys", ", ".join(map(code, findings.record_keys)) or "no field differs in every record"
    limits = (f"{code(name)} {code(neutral(text))}" for name, text in sorted(findings.rate_limits.items()))
    yield "Rate limits", ", ".join(limits) or "no header mentions any"
    yield "Quota", _quota(findings)
    yield "Mean page time", f"{findings.page_seconds:.3f} s"
    yield "Estimate", _estimate(findings)
    yield "Requests", f"{findings.requests:,}"


def _quota(findings: Findings) -> str:
    """What a run would go by, as far as a few requests can tell."""
    told = quotas(httpx.Headers(dict(findings.rate_limits))).values()
    if not told:
        return "none is told; a run learns what is permitted, from the first refusal on"
    left = (f"{each.remaining:,.0f} requests left, anew in {_duration(each.reset)}" for each in told)
    return f"{'; '.join(left)}; a run keeps it, without `max_rate`"


def _where(findings: Findings) -> str:
    others = [f"{code(path or 'the body itself')} {count:,}" for path, count in findings.lists.items()]
    place = f"at {code(findings.records_path) if findings.records_path else 'the body itself'}"
    if findings.records_path != findings.configured_path:
        place += f", not at {code(findings.configured_path)}"
    return f"{place}; lists of objects in the body: {', '.join(others)}"


def _largest(findings: Findings) -> str:
    if not findings.sizes:
        return "no parameter changed the size of a page"
    best = max(findings.sizes, key=lambda trial: trial.records)
    return f"{best.records:,} records came when {best.page_size:,} were asked for" + (", all there are" * best.whole)


def _came(trial: SizeTrial) -> str:
    if not trial.records:
        return f"answered {trial.status}"
    return f"{trial.records:,}" + (", all there are" * trial.whole)


def _estimate(findings: Findings) -> str:
    estimate = findings.estimate
    if estimate is None:
        return "not known without a number of records"
    return (
        f"{findings.records:,} records in {estimate.pages:,} pages of {findings.page_size:,}, "
        f"{estimate.bytes / 2**20:,.1f} MiB of JSON, {_duration(estimate.seconds)} with {estimate.in_flight} "
        f"{'requests in flight, if each takes as long as one alone' if estimate.in_flight > 1 else 'request in flight'}"
    )


def _duration(seconds: float) -> str:
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} seconds" if seconds >= 1 else "less than a second"
