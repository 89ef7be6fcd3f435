"""Reckoning: what the figures of a probe amount to."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from seawall.clients.pages.records import members
from seawall.clients.probe.anatomy import KEY
from seawall.tasks.probe.findings import Estimate, SizeTrial

SHOWN_KEYS: Final = 3
TOLERANCE: Final = 1.2  # how many times as fast another page size has to be to be proposed


def best_page_size(sizes: Sequence[SizeTrial], *, own: int, came: int) -> int:
    """The source's `own` page size, unless another one that comes in full is clearly faster.

    Where the source always gives fewer records than it is asked for, their number is a size, too; where no size was
    accepted, `came` is the number of records on a page. A size that was refused is never the answer.
    """
    if not sizes:
        return came
    sizes = [each for each in sizes if each.whole or each.records == each.page_size] or sizes
    speeds = {each.records: each.records / each.seconds for each in sizes if each.records and not each.whole}
    if not speeds:
        accepted = [each.page_size for each in sizes if each.whole]
        return own if own in accepted else max(accepted, default=came)
    best = max(speeds, key=lambda records: speeds[records])
    return own if own in speeds and speeds[best] < TOLERANCE * speeds[own] else best


def page_seconds(timings: Iterable[tuple[int, float]], page_size: int) -> float:
    """The mean seconds of pages with `page_size` records, or of all if none has; `timings` are records and seconds."""
    pages = list(timings)
    times = [seconds for records, seconds in pages if records == page_size] or [seconds for _, seconds in pages]
    return sum(times) / len(times)


def estimate(
    records: int | None, *, page_size: int, seconds: float, record_bytes: float, in_flight: int, max_rate: float | None
) -> Estimate | None:
    """What landing all `records` takes, at `seconds` a page; None where their number is unknown."""
    if records is None:
        return None
    pages = -(-records // page_size)
    return Estimate(
        pages=pages,
        bytes=round(records * record_bytes),
        seconds=max(pages * seconds / in_flight, pages / max_rate if max_rate else 0.0),
        in_flight=in_flight,
    )


def record_keys(texts: Sequence[bytes]) -> tuple[str, ...]:
    """Fields that differ in every record, those named like a key first; none where a record is no object."""
    try:
        records = [members(text) for text in texts]
    except msgspec.DecodeError:  # such as a lone surrogate, which a run sets aside, too
        return ()
    names = [name for name in records[0] if KEY.fullmatch(name) and "." not in name]
    unique = [name for name in names if len({bytes(record.get(name, b"")) for record in records}) == len(records)]
    return tuple(sorted(unique, key=lambda name: not name.lower().endswith(("id", "key", "code")))[:SHOWN_KEYS])
