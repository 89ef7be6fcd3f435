"""The course of a run, for people: how fast it went, what held it back, and which limits of the source were found."""

from collections.abc import Iterator, Sequence
from typing import Final

from seawall.clients.pace.course import Course, Learned

BARS: Final = "▁▂▃▄▅▆▇█"


def in_words(learned: Learned, course: Course) -> Iterator[str]:
    """What limits were found, which of those that were set were reached, and what that cost."""
    most = max((stretch.in_flight for stretch in course.stretches), default=0)
    if learned.rate is not None:
        yield f"The API permits about {_number(learned.rate)} requests/s."
    elif learned.is_told:
        yield "The API tells a quota in its headers, which was kept."
    if learned.cap is not None:
        yield f"The API lets about {learned.cap:,} requests in at once."
    if learned.knee is not None:
        yield f"With more than about {learned.knee:,} requests in flight the API is slower, not faster."
    if learned.max_rate is not None and (learned.rate is None or learned.max_rate < learned.rate):
        yield f"`max_rate` permits {learned.max_rate:g} requests/s."
    reached = "was reached" if most >= learned.ceiling else "was never the limit"
    yield f"{learned.ceiling:,} in flight (`max_in_flight`) {reached}; the most were {most:,}."
    if course.waited >= 1:
        yield f"Requests waited {course.waited:,.0f} s for the limit."


def chart(course: Course) -> list[str]:
    """The lines of a chart over time: pages, requests in flight, rejections and failed attempts."""
    stretches, seconds = course.stretches, course.seconds
    if len(stretches) < 2:
        return []
    served = [stretch.served / seconds for stretch in stretches]
    refused, failed = ([getattr(stretch, name) for stretch in stretches] for name in ("refused", "failed"))
    return [
        f"pages/s    {_bars(served)}  up to {_number(max(served))}",
        f"in flight  {_bars([each.in_flight for each in stretches])}  up to {max(s.in_flight for s in stretches):,}",
        f"rejected   {_bars(refused)}  {sum(refused):,} in all",
        f"failed     {_bars(failed)}  {sum(failed):,} in all",
        f"           from 0 to {len(stretches) * seconds:,.0f} s, {seconds:g} s each",
    ]


def _bars(values: Sequence[float]) -> str:
    """A bar for each value, from nothing to the largest; a blank where there is nothing."""
    most = max(values) or 1.0
    return "".join(BARS[min(7, int(8 * value / most))] if value else " " for value in values)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
