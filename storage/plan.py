"""The plan: the first object of a landing, and the proof that we may write."""

from typing import Any, Final

import msgspec

from seawall.storage import documents
from seawall.storage.documents import Totals
from seawall.storage.errors import CorruptObjectError, ObjectMissingError
from seawall.storage.keys import PLAN, find_run, joined
from seawall.storage.ranges import PageRange
from seawall.storage.store import ObjectStore, put_once

DECISIVE_OPTIONS: Final = (
    "page_size",
    "pages",
    "compression",
    "columns",
    "null_text",
    "escape_formulas",
    "row_group_size",
    "record_key",
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run set out to land: whose it is, where from, how, and in which ranges of pages.

    `started` is UTC in ISO 8601; `totals` is what the source advertised then. It never holds a secret.
    """

    seawall: int = documents.VERSION
    run_id: str
    source: str
    fingerprint: str
    format: str
    options: dict[str, Any]
    totals: Totals
    ranges: tuple[PageRange, ...]
    started: str

    def __post_init__(self) -> None:
        before = None
        for each in self.ranges:
            if before is not None and each.first != before.last + 1:
                raise ValueError(f"the ranges {before} and {each} do not follow one another")
            before = each
        if before is None:
            raise ValueError("a plan without ranges")

    @property
    def pages(self) -> int | None:
        """How many pages were planned; None where the source does not say how many there are."""
        return None if self.totals.pages is None else sum(map(len, self.ranges))

    @property
    def last_page(self) -> int:
        """The last page that was planned."""
        return max(each.last for each in self.ranges)


def write_plan(store: ObjectStore, folder: str, plan: Plan) -> None:
    """Create the plan. Raises ObjectExistsError where another one stands."""
    put_once(store, f"{folder}/{PLAN}", documents.encoded(plan))


def read_plan(store: ObjectStore, folder: str, run_id: str) -> Plan:
    """The plan that stands in a landing folder. Raises CorruptObjectError where it is another run's."""
    plan = documents.read(store, f"{folder}/{PLAN}", Plan)
    if plan.run_id != run_id:
        raise CorruptObjectError(f"{store.uri(folder)} is the landing of run {plan.run_id}, not of {run_id}")
    return plan


def locate_plan(store: ObjectStore, parent: str, run_id: str) -> tuple[str, Plan] | None:
    """The landing folder of a run below `parent`, with its plan; None where the run has none.

    Raises:
        CorruptObjectError: a plan that could be the run's does not parse.
    """
    for name in find_run(store.folders(f"{parent}/"), run_id):
        folder = joined(parent, name)
        try:
            plan = documents.read(store, f"{folder}/{PLAN}", Plan)
        except ObjectMissingError:
            continue
        if plan.run_id == run_id:
            return folder, plan
    return None


def check_same(plan: Plan, *, where: str, fingerprint: str, format: str, options: dict[str, Any]) -> None:
    """Refuse to go on with a run whose dataset would not be the one that was begun.

    Raises:
        CorruptObjectError: source, format or an option that shapes the data differ; all of them are named.
    """
    changes = (
        []
        if plan.fingerprint == fingerprint
        else ["the source (url, pagination, records_path, page size, params, headers or login)"]
    )
    if plan.format != format:
        changes.append(f"format ({plan.format!r} then, {format!r} now)")
    for name in DECISIVE_OPTIONS:
        then, now = plan.options.get(name), options.get(name)
        if then != now:
            changes.append(f"options.{name} ({then!r} then, {now!r} now)")
    if changes:
        raise CorruptObjectError(f"{where} was planned differently; changed since: {', '.join(changes)}")
