"""Checks: what was looked into, one by one, so that a reader sees why a dataset is complete, or is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.storage.manifest import Check
from seawall.tasks.publishing.evidence import Evidence

PASSED: Final = "passed"
FAILED: Final = "failed"
NOT_MADE: Final = "not made"
NAMED_PAGES: Final = 5  # pages that a sentence names


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A check, the verdict that follows from it where it failed, and what the figures then tell of it."""

    check: Check
    verdict: str | None = None
    figure: str = ""


def findings(evidence: Evidence) -> list[Finding]:
    """Every check with its outcome."""
    return [check(evidence) for check in _CHECKS]


def count(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _passed(name: str, detail: str, figure: str = "") -> Finding:
    return Finding(check=Check(check=name, outcome=PASSED, detail=detail), figure=figure)


def _not_made(name: str, detail: str) -> Finding:
    return Finding(check=Check(check=name, outcome=NOT_MADE, detail=detail))


def _failed(name: str, verdict: str | None, detail: str) -> Finding:
    return Finding(check=Check(check=name, outcome=FAILED, detail=detail), verdict=verdict, figure=detail)


def _pages(numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, numbers[:NAMED_PAGES]))
    more = f" and {len(numbers) - NAMED_PAGES:,} more" if len(numbers) > NAMED_PAGES else ""
    return f"page{'' if len(numbers) == 1 else 's'} {named}{more}"


def _every_page(evidence: Evidence) -> Finding:
    if evidence.gaps:
        return _failed("every page", "gaps", f"{count(evidence.gaps, 'page')} missing")
    return _passed("every page", "every page of the walk is there")


def _total_of_records(evidence: Evidence) -> Finding:
    name, aside = "total of records", f", {evidence.rejected_records:,} set aside" if evidence.rejected_records else ""
    if evidence.advertised is None or evidence.gaps:
        return _not_made(name, "the source does not tell how many records there are, or they are not all there")
    if evidence.sent_records > evidence.advertised:
        return _failed(name, "excess", f"{evidence.records:,} records{aside}, {evidence.advertised:,} advertised")
    detail = f"{evidence.records:,} of {evidence.advertised:,} advertised records{aside}"
    return _passed(name, detail) if evidence.agrees else _failed(name, "short", detail)


def _total_of_pages(evidence: Evidence) -> Finding:
    name, told = "total of pages", evidence.largest.pages
    if told is None or evidence.is_partial or evidence.gaps:
        return _not_made(name, "the source does not tell how many pages there are, or they are not all there")
    detail = f"{evidence.landed_pages:,} of {told:,} advertised pages hold records"
    if evidence.agrees or evidence.landed_pages == told or not evidence.sent_records:
        return _passed(name, detail)
    if evidence.landed_pages > told:
        return _failed(name, "excess", f"{evidence.landed_pages:,} pages with records, {told:,} advertised")
    return _failed(name, None if evidence.totals_fell else "unproven", detail)


def _end(evidence: Evidence) -> Finding:
    name, proof = "end looked beyond", evidence.proof
    details = {None: "the last page says so, or is shorter than others", False: "the page behind the last one is empty"}
    finding = _passed(name, details.get(proof.beyond, "the source goes on, and was followed"))
    if proof.goes_on:
        finding = _failed(name, "short", "the source told of more each time that it was asked: it goes on growing")
    elif evidence.silent_path is not None:
        detail = (
            f"the only page is as long as was asked for, and names no next page ({evidence.silent_path}): "
            "a total of records, or a second page, would prove where the source ends"
        )
        finding = _failed(name, "unproven", detail)
    elif evidence.is_partial:
        finding = _not_made(name, "the pages asked for end before the source does")
    elif proof.refusal and proof.beyond is None and evidence.agrees:
        finding = _not_made(name, f"the page behind the last one cannot be had: {proof.refusal}")
    elif proof.refusal and proof.beyond is None:
        finding = _failed(name, "unproven", f"the page behind the last one cannot be had: {proof.refusal}")
    elif proof.refusal:
        finding = _passed(name, f"the page behind the last one is refused, or another one again: {proof.refusal}")
    return finding


def _asked_again(evidence: Evidence) -> Finding:
    if not evidence.asked_again:
        return _not_made("asked again", "no page had to be asked for again to be believed")
    detail = f"{count(evidence.asked_again, 'page')} asked for again to be believed"
    changed = f", {evidence.came_differently:,} of them came differently then" if evidence.came_differently else ""
    return _passed("asked again", detail + changed)


def _lengths(evidence: Evidence) -> Finding:
    name = "lengths of pages"
    if not evidence.hollow:
        return _passed(name, "no page within is empty or shorter than others")
    if 2 * len(evidence.hollow) > evidence.landed_pages and evidence.landed_pages:
        return _not_made(name, f"pages vary in length: {count(len(evidence.hollow), 'page')} shorter than the longest")
    few = f"{_pages(evidence.hollow)} empty or shorter than others, though asked for again"
    if evidence.agrees:
        return _passed(name, f"{few}; as many records came as were advertised")
    wanted = ": a total of records would prove whether anything is missing there" if evidence.advertised is None else ""
    return _failed(name, "unproven", f"{few}{wanted}")


def _complaints(evidence: Evidence) -> Finding:
    name, number = "errors beside records", evidence.complaining_pages
    if number and number < evidence.landed_pages and not evidence.agrees:
        return _failed(name, "unproven", f"{count(number, 'page')} with errors beside the records, others have none")
    return _passed(name, "every page tells of them" if number else "none")


def _first_page(evidence: Evidence) -> Finding:
    name, moved = "first page again", evidence.proof.first_page_moved
    if moved is None:
        return _not_made(name, "there is no other page, or it could not be had again")
    if moved and not evidence.is_snapshot:
        return _failed(name, "shifted", "the first page was another one at the end")
    return _passed(name, "unchanged at the end" if not moved else "another one after the last walk")


def _totals_over_time(evidence: Evidence) -> Finding:
    name = "totals over time"
    if evidence.totals_fell and not evidence.is_snapshot:
        return _failed(name, "shifted", "totals fell during the walk: rows went, and later ones moved")
    return _passed(name, "they fell, and the walk was made again" if evidence.totals_fell else "they never fell")


def _neighbours(evidence: Evidence) -> Finding:
    name = "neighbours"
    if evidence.shared:
        return _failed(
            name, "duplicated", f"{_pages(evidence.shared)} with a record of the page before: offsets may overlap"
        )
    return _passed(name, "no page holds a record of the page before, as far as their ends tell")


def _keys_of_walk(evidence: Evidence) -> Finding:
    name, doubtful = "keys of the walk", evidence.doubtful_pages
    if not evidence.is_by_key:
        return _not_made(name, "no key of a record asks for the next page")
    if evidence.moved_pages:
        detail = (
            f"{count(evidence.moved_pages, 'page')} without a record of the page before, with which they should begin: "
            "rows moved, or the source is not inclusive"
        )
        return _failed(name, "shifted", detail)
    if doubtful and not evidence.agrees:
        detail = (
            f"on {count(doubtful, 'page')} records share a key or do not follow its order, so some may lie between two "
            "pages: inclusive, another key, or a total of records would prove that none does"
        )
        return _failed(name, "unproven", detail)
    return _passed(name, "as many records came as were advertised" if doubtful else "each is another one, in order")


def _rules(evidence: Evidence) -> Finding:
    name = "rules of the source"
    if not evidence.rules:
        return _not_made(name, "the source has none")
    held = (f"{rule}: {f'held {number:,} times' if number else 'never held'}" for rule, number in evidence.rules)
    return _passed(name, "; ".join(held))


def _record_keys(evidence: Evidence) -> Finding:
    name, keyless = "record keys", f"{count(evidence.keyless, 'record')} without a key" if evidence.keyless else ""
    if evidence.duplicates is None:
        return Finding(check=Check(check=name, outcome=NOT_MADE, detail="no record key is named"), figure=keyless)
    detail = f"{count(evidence.duplicates, 'record')} with a key that came before"
    detail = f"{detail}; {keyless}" if keyless else detail
    return _failed(name, "duplicated", detail) if evidence.duplicates else _passed(name, detail, figure=detail)


def _passes(evidence: Evidence) -> Finding:
    name, proof = "second walk", evidence.proof
    if proof.passes == 1:
        return _not_made(name, "the source was walked once (option passes)")
    if proof.differing_pages:
        detail = f"{count(proof.differing_pages, 'page')} came differently in walk {proof.passes}: no two walks agree"
        return _failed(name, "shifted", detail)
    return _passed(name, f"walks {proof.passes - 1} and {proof.passes} brought the same pages: a snapshot")


def _scope(evidence: Evidence) -> Finding:
    if evidence.is_partial:
        return _failed("scope", "partial", f"{count(evidence.landed_pages, 'page')} as asked for, the source has more")
    return _passed("scope", "all pages of the source")


_CHECKS: Final[tuple[Callable[[Evidence], Finding], ...]] = (
    _every_page,
    _total_of_records,
    _total_of_pages,
    _end,
    _asked_again,
    _lengths,
    _complaints,
    _neighbours,
    _keys_of_walk,
    _record_keys,
    _totals_over_time,
    _first_page,
    _passes,
    _rules,
    _scope,
)
