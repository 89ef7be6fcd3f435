"""The course of a run in words and bars."""

from seawall.clients.pace.course import STRETCHES, Course, Learned
from seawall.clients.pace.tickets import Fate, Ticket
from seawall.tasks.course import chart, in_words


def course(*stretches: tuple[int, int, int]) -> Course:
    """One second after the other: so many served, refused, in flight."""
    course, nth = Course(), 0
    for second, (served, refused, in_flight) in enumerate(stretches):
        for fate, count in ((Fate.SERVED, served), (Fate.REFUSED, refused)):
            for _ in range(count):
                nth += 1
                course.add(Ticket(nth, float(second), in_flight, is_bound=False, fate=fate), float(second))
    return course


def learned(**changes: object) -> Learned:
    nothing = {"rate": None, "is_told": False, "cap": None, "knee": None, "ceiling": 64, "max_rate": None}
    return Learned(**nothing | changes)  # type: ignore[arg-type]


def test_pages_requests_in_flight_and_rejections_are_drawn_over_time() -> None:
    assert chart(course((10, 0, 8), (80, 4, 64), (40, 0, 20))) == [
        "pages/s    ▂█▅  up to 80",
        "in flight  ▂█▃  up to 64",
        "rejected    █   4 in all",
        "failed          0 in all",
        "           from 0 to 3 s, 1 s each",
    ]


def test_a_run_of_a_second_has_no_chart() -> None:
    assert chart(course((10, 0, 8))) == []
    assert chart(Course()) == []


def test_a_long_run_fits_on_a_line() -> None:
    long = course(*[(1, 0, 1)] * 500)
    assert len(long.stretches) <= STRETCHES
    assert sum(stretch.served for stretch in long.stretches) == 500
    assert long.seconds == 16


def test_what_was_learned_is_told_in_words() -> None:
    run = course((98, 2, 12), (98, 0, 12))
    assert list(in_words(learned(rate=98.4), run)) == [
        "The API permits about 98 requests/s.",
        "64 in flight (`max_in_flight`) was never the limit; the most were 12.",
    ]
    run.waited = 61.2
    assert list(in_words(learned(cap=20, max_rate=5.0, ceiling=12), run)) == [
        "The API lets about 20 requests in at once.",
        "`max_rate` permits 5 requests/s.",
        "12 in flight (`max_in_flight`) was reached; the most were 12.",
        "Requests waited 61 s for the limit.",
    ]
    assert "slower, not faster" in " ".join(in_words(learned(knee=20), run))
    assert "quota in its headers" in " ".join(in_words(learned(is_told=True), run))
