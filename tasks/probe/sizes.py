"""Sizes: the parameter that sets how many records come in a page, and how many come for which of its values."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from seawall.clients.http.exchange import Answer
from seawall.clients.limits import PROBED_SIZES
from seawall.clients.pages.page import PageRequest
from seawall.clients.pagination.kinds import Pagination
from seawall.tasks.probe.findings import SizeTrial
from seawall.tasks.probe.inquiry import Inquiry

SMALLER: Final = (50, 20, 10)  # page sizes that are tried where the smallest of PROBED_SIZES is refused
SINGLY: Final = 8  # names of the page size that are asked for one by one, where several at once are refused

_NUMBER: Final = re.compile(rb"(?<![0-9.])[1-9][0-9]{0,5}(?![0-9.]?[0-9])")


def find_size_param(inquiry: Inquiry, own: str, names: Sequence[str], came: int) -> tuple[str, Answer | None]:
    """The parameter that the page size obeys, and the answer that showed it; empty where none of the names does.

    The source's `own` is asked first, then all names at once, which one question after another halves.
    """
    small = max(came // 4, min(2, came - 1), 1)
    if own and (answer := _obeys(inquiry, [own], small, came)):
        return own, answer
    group = [name for name in names if name != own]
    answer = _obeys(inquiry, group, small, came)
    if answer is None:
        return _find_singly(inquiry, group[:SINGLY], small, came)
    while len(group) > 1:
        half, others = group[: len(group) // 2], group[len(group) // 2 :]
        group = half if _obeys(inquiry, half, small, came) else others
    answer = _obeys(inquiry, group, small, came)
    return (group[0], answer) if answer else ("", None)


def _find_singly(inquiry: Inquiry, names: Sequence[str], small: int, came: int) -> tuple[str, Answer | None]:
    """The first name that is obeyed alone, where the source refuses what it does not know."""
    request = PageRequest(number=1, query=dict.fromkeys(names, str(small)))
    if inquiry.records(inquiry.asked(request)):
        return "", None
    for name in names:
        if answer := _obeys(inquiry, [name], small, came):
            return name, answer
    return "", None


def _obeys(inquiry: Inquiry, names: Sequence[str], small: int, came: int) -> Answer | None:
    """The answer with `small` records, where these parameters ask for as many."""
    answer = inquiry.asked(PageRequest(number=1, query=dict.fromkeys(names, str(small))))
    return answer if len(inquiry.counted(answer)) == small < came else None


class Sizes:
    """Trials of page sizes; `answers` are what came, by the size that was asked for."""

    def __init__(self, inquiry: Inquiry, pagination: Pagination | None, size_param: str) -> None:
        self._inquiry = inquiry
        self._pagination = pagination
        self._size_param = size_param
        self.answers: dict[int, Answer] = {}

    def trials(self) -> tuple[SizeTrial, ...]:
        """What comes where more or fewer records are asked for; smaller sizes where the usual ones are refused."""
        if not self._size_param:
            return ()
        trials: list[SizeTrial] = []
        for size in sorted({*PROBED_SIZES, self._inquiry.source.page_size}):
            trials += self._trial(size)
            if trials and not trials[-1].records:
                break
        if trials and not any(trial.records for trial in trials):
            trials += self._smaller(trials[0].page_size)
        largest = max((trial.records for trial in trials if not trial.whole), default=0)
        if largest and largest not in self.answers:  # a server gives as many at once; does it where they are asked for?
            trials += self._trial(largest)
        return tuple(sorted(trials, key=lambda trial: trial.page_size))

    def _smaller(self, refused: int) -> list[SizeTrial]:
        """Trials of sizes below one that was refused, those that the refusal names first, until one is accepted."""
        text = self.answers[refused].content[:1000]
        named = sorted({int(digits) for digits in _NUMBER.findall(text)}, reverse=True)
        trials: list[SizeTrial] = []
        for size in dict.fromkeys(each for each in (*named[:2], *SMALLER) if each < refused):
            trials += self._trial(size)
            if trials and trials[-1].records:
                break
        return trials

    def _trial(self, size: int) -> Iterator[SizeTrial]:
        """What comes where `size` records are asked for; nothing where no answer did."""
        query = self._pagination.first(size).query if self._pagination else {self._size_param: str(size)}
        answer = self._inquiry.asked(PageRequest(number=1, query=query))
        if answer is None:
            return
        self.answers[size] = answer
        records, total = self._inquiry.counted(answer), self._inquiry.totals(self._pagination, answer).records
        yield SizeTrial(
            page_size=size,
            status=answer.status,
            records=len(records),
            seconds=answer.seconds,
            body_bytes=len(answer.content),
            whole=total is not None and len(records) >= total,
        )
