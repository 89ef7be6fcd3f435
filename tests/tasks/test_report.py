"""The report: its figures, and that nobody can write markup into it."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from seawall.storage.manifest import FailedPage
from seawall.storage.ranges import PageRange
from seawall.tasks.report import LISTED, Facts, code, render


def facts(**changes: Any) -> Facts:
    known: dict[str, Any] = {
        "verdict": "complete",
        "summary": "5 of 5 advertised records",
        "run_id": "11111111-2222-3333-4444-555555555555",
        "source": "customers",
        "format": "csv",
        "reason": "every tool reads it",
        "seconds": 12.34,
        "timestamp": datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC),
    }
    return Facts(**known | changes)


def test_the_verdict_comes_first() -> None:
    assert render(facts(verdict="short")).startswith("# short: `customers`")


def test_every_figure_has_its_row() -> None:
    text = render(
        facts(pages=9, good_pages=8, retries=Counter({"500": 3, "429": 2}), records=1234, advertisement="1,235")
    )
    for row in (
        "| Timestamp | 2026-11-22T03:04:05+00:00 |",
        "| Pages Requested | 9 |",
        "| Successful Pages | 8 |",
        "| Failed Pages | 0 |",
        "| Total Retries | 5 (`429` 2, `500` 3) |",
        "| Records Ingested | 1,234 |",
        "| Records Advertised | 1,235 |",
        "| Execution Time | 12.3 s |",
        "| Output | `nothing was landed` |",
        "| Format Chosen | `csv`: every tool reads it |",
    ):
        assert row in text


def test_secrets_that_go_unencrypted_are_told_with_where_they_go() -> None:
    assert "Secrets" not in render(facts())
    text = render(facts(open_urls=["http://inside/items", "http://desk"]))
    assert "| Secrets Unencrypted | sent over http:// (allow_http) to `http://inside/items`, `http://desk` |" in text


def test_failed_pages_are_listed_with_their_last_error() -> None:
    text = render(facts(failed_pages=[FailedPage(page=73, error="answers 500")]))
    assert "| 73 | `answers 500` |" in text


def test_long_lists_are_cut_and_counted() -> None:
    many = [(f"key-{n}", PageRange(n, n), 1, 1) for n in range(1, 2_000)]
    text = render(facts(parts=many))
    assert f"and {len(many) - LISTED:,} more" in text
    assert len(text) < 100_000


def test_no_text_can_leave_its_cell_or_become_markup() -> None:
    hostile = "a`b|c\\|[click](http://evil)\n# big <script>alert(1)</script> \x1b[31m [x](http://evil) \u202e"
    text = render(facts(summary=hostile, failed_pages=[FailedPage(page=1, error=hostile)]))
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not re.search(r"^# big", text, re.MULTILINE)
    inside = code(hostile)
    assert inside[0] == inside[-1] == "`"
    assert "`" not in inside[1:-1]
    assert "|" not in inside, "renderers differ on what escapes it"


def test_the_way_to_resume_is_told_when_there_is_one() -> None:
    assert "## Resume" not in render(facts())
    assert "```\ningest(resume='1')\n```" in render(facts(resume="ingest(resume='1')"))
