"""The controller: how many requests at once, and how many a second, learned from what becomes of them."""

import math
from collections import deque
from typing import Final

from seawall.clients.pace.bucket import Opening, bucket_rate
from seawall.clients.pace.course import Learned, Limit
from seawall.clients.pace.crowd import Crowd
from seawall.clients.pace.door import LONG, Door
from seawall.clients.pace.quota import Quota, Told
from seawall.clients.pace.rate import Rate
from seawall.clients.pace.tickets import HORIZON, Fate, Log, Ticket

SPAN: Final = 5.0  # seconds over which requests are counted that were let in;
BRIEF_SPAN: Final = 1.0  # seconds, where the rate was far above what was known; in any case until
SAMPLE: Final = 10  # were, but for no more than
LONGEST_SPAN: Final = 6.0  # seconds
FAR: Final = 1.3  # times what was known
OUTAGE: Final = 60.0  # seconds that nothing is let in, without a time named, which are no window with a quota
WINDOW_PAUSE: Final = 2.0  # seconds: after shorter ones as many are let in by a bucket as well
MOST_TIMES: Final = 2.0  # the rate over an opening and its pause, that a limit is taken for
WINDOWS: Final = 2.0  # in which a quota was kept, before more is tried
ENOUGH: Final = 3  # requests let in while a door was open, to tell anything
FEW: Final = 8  # requests let in, below which a rate is a guess
MANY: Final = 0.2  # of the requests since the last refusal that are refused: the limit has fallen
EVIDENCE: Final = 8.0  # seconds of refusals that tell a cap from a rate
WAVE: Final = 20  # answers, of which
WAVE_SHARE: Final = 0.15  # have to be failures to be a sign, or
BACKGROUND: Final = 5.0  # times as many as there usually are; one is enough where more is tried than was known to do,
USUAL: Final = 0.01  # and less than this share of all answers is a failure
RARE: Final = 0.2  # of the last answers: so few refusals may come whatever is asked
OFTEN: Final = 0.35  # of the last answers: so many refusals do not come whatever is asked
CALM: Final = 0.85  # of a rate that was let in: there failures have nothing to do with how much is asked


class Controller:
    """Decides when a request may start. A state machine: each method is given the time in monotonic seconds.

    `ceiling` bounds how many are in flight, `max_rate` how many start in a second. A refusal is taken for a cap on how
    many there are at once where it never comes to fewer than the cap, and for a rate otherwise.
    """

    def __init__(self, *, ceiling: int, max_rate: float | None = None) -> None:
        self.in_flight = 0
        self._started = 0  # requests so far
        self._knocks = 0  # of them, how many knock at a shut door
        self.crowd = Crowd(ceiling)
        self.rate = Rate(max_rate)
        self.door = Door()
        self._quotas: dict[str, Quota] = {}
        self._log = Log()
        self._paced = 0.0  # since when requests have been started at a rate that was learned
        self._is_settled = False  # whether a rate was learned before
        self._learned = -math.inf  # when what was learned last began to hold
        self._usual = 0.0  # share of failures while nothing more is tried than was known to be fine
        self._highest = 0.0  # requests a second that were let in before refusals, fading
        self._refuses_anyway = False  # whether refusals have nothing to do with how much is asked
        self._refuses_by_failing = False  # whether waves of failures were taken for refusals
        self._last: deque[bool] = deque(maxlen=WAVE)  # whether each of the last answers was a failure

    def delay(self, now: float) -> float:
        """Seconds until a request may start; infinity where one has to end first."""
        if self.door.is_knocking:
            return math.inf if self._knocks else self.door.delay(now)
        if self.in_flight >= self.crowd.limit:
            return math.inf
        return max(self.door.delay(now), self.rate.delay(now), *(quota.delay(now) for quota in self._quotas.values()))

    def limit(self, now: float) -> Limit:
        """What holds requests back now."""
        if self.door.is_knocking or self.door.delay(now) > 0 or any(each.delay(now) for each in self._quotas.values()):
            return Limit.API
        if self.rate.delay(now) > 0:
            return Limit.MAX_RATE if self.rate.is_at_most(now) else Limit.API
        if self.in_flight < 0.9 * self.crowd.limit or self.crowd.is_growing:
            return Limit.NOTHING
        return Limit.MAX_IN_FLIGHT if self.crowd.limit >= self.crowd.ceiling else Limit.API

    def learned(self) -> Learned:
        """What limits were found."""
        cap = None if math.isinf(self.crowd.cap) else int(self.crowd.cap)
        return Learned(
            rate=self.rate.accepted,
            is_told=any(quota.is_believed for quota in self._quotas.values()),
            cap=cap,
            knee=None if cap or self.rate.accepted else self.crowd.knee,
            ceiling=self.crowd.ceiling,
            max_rate=self.rate.most,
        )

    def start(self, now: float) -> Ticket:
        """Start a request."""
        if not self._started:
            self.door.opened = now
        self.in_flight += 1
        self._started += 1
        for quota in self._quotas.values():
            quota.started()
        if self.door.is_knocking:
            self.door.knocked(now)
            self._knocks += 1
        else:
            rates = [rate for quota in self._quotas.values() if (rate := quota.rate(now)) is not None]
            self.rate.started(now, min(rates, default=None))
        ticket = Ticket(self._started, now, self.in_flight, self.in_flight >= self.crowd.limit, self.door.is_knocking)
        self._log.add(ticket)
        return ticket

    def tell(self, name: str, ticket: Ticket, told: Told, now: float) -> None:
        """Learn what the headers of an answer say of a quota."""
        quota = self._quotas.setdefault(name, Quota())
        quota.tell(told, ticket, now, started_since=sum(1 for _ in self._log.since(ticket.started)))

    def heed(self, now: float, pause: float, rate: float | None) -> None:
        """Start nothing for `pause` seconds, and be content with half of what is more than `rate` requests a second."""
        if pause > 0:
            self._pause(now, pause)
        mine = self.rate.accepted
        if rate is not None and mine is not None:
            self.rate.learn((mine + rate) / 2, now + max(0.0, pause))

    def _pause(self, now: float, seconds: float) -> None:
        self.door.close(now, now + seconds)
        self.rate.opened(now + seconds)

    def served(self, ticket: Ticket, now: float) -> None:
        """A request was answered."""
        self._end(ticket, Fate.SERVED, now)
        self._last.append(False)
        self._note(now, is_failure=False)
        if ticket.started >= self._learned and self.door.served():
            self._open(now)
        self.crowd.served(ticket, now)

    def failed(self, ticket: Ticket, now: float, *, may_be_overload: bool = False) -> None:
        """A request failed; failures that come in a wave are refusals."""
        self._last.append(may_be_overload)
        if may_be_overload and (self.door.is_knocking or sum(self._last) >= self._wave(now)):
            self._refuses_by_failing = True
            self._refused(ticket, now, None)
        else:
            self._note(now, is_failure=may_be_overload)
            self._end(ticket, Fate.FAILED, now)

    def refused(self, ticket: Ticket, now: float, wait: float | None = None) -> None:
        """A request was refused because there are too many; `wait` is the time that the source names, in seconds."""
        self._last.append(True)
        if self._is_background(now):
            if wait is not None:
                self._pause(now, wait)
            self._end(ticket, Fate.FAILED, now)
            return
        self._refused(ticket, now, wait)

    def _refused(self, ticket: Ticket, now: float, wait: float | None) -> None:
        self._end(ticket, Fate.REFUSED, now)
        ticket.crowd = self._log.crowd_of(ticket)
        is_news = ticket.started >= self._learned
        if not is_news:
            self.rate.refused()
        if wait is not None:
            self._close(ticket, now, wait, is_news=is_news)
        elif is_news and not self.door.refused(ticket, now, 1 / (self.rate.at(now) or 20.0)):
            self._learn(ticket, now)
        elif is_news:
            self._learned = now
        self._forget_in_vain()

    def dropped(self, ticket: Ticket, now: float) -> None:
        """A request ended in a way that says nothing."""
        self._end(ticket, Fate.FAILED, now)

    def _is_background(self, now: float) -> bool:
        """Whether a refusal is one of those that come whatever is asked."""
        self._note(now, is_failure=True)
        if not self._refuses_anyway or self.door.is_knocking:
            return False
        share = sum(self._last) / len(self._last)
        self._refuses_anyway = self._usual > USUAL / 2 and share <= OFTEN
        return self._refuses_anyway and sum(self._last) < self._wave(now)

    def _forget_in_vain(self) -> None:
        """Slower is not less refused: as few refusals come whatever is asked."""
        if self.rate.is_in_vain and sum(self._last) <= RARE * len(self._last):
            self._refuses_anyway, self._usual = True, max(self._usual, sum(self._last) / len(self._last))
            self.rate.forget()

    def _note(self, now: float, *, is_failure: bool) -> None:
        rate = self.rate.at(now)
        self._highest = max(self.rate.accepted or 0.0, self._highest * 0.9999)
        if rate is None or rate < CALM * self._highest:
            self._usual += (is_failure - self._usual) / 200

    def _tries_more(self, now: float) -> bool:
        """Whether more is tried than was known to be fine."""
        accepted, rate = self.rate.accepted, self.rate.at(now)
        return self.crowd.is_creeping or (accepted is not None and rate is not None and rate > accepted)

    def _wave(self, now: float) -> float:
        """How many of the last answers have to be failures to be refusals."""
        if self._usual < USUAL and (self._refuses_by_failing or self._tries_more(now)):
            return 1
        return max(2.0, WAVE_SHARE * len(self._last), BACKGROUND * self._usual * len(self._last))

    def _end(self, ticket: Ticket, fate: Fate, now: float) -> None:
        self.in_flight -= 1
        self._knocks -= ticket.is_knock
        ticket.fate, ticket.ended = fate, now

    def _close(self, ticket: Ticket, now: float, wait: float, *, is_news: bool) -> None:
        """Obey a time that was named, and learn from what came before it.

        What was let in since the door opened, over that time and the pause, is what a window permits, and what a bucket
        does that fills up during the pause; the longer it was open, the truer is the rate without the pause.
        """
        until = now + wait
        if is_news:
            opened, pause = self.door.opened, wait - 0.5 if wait >= 1 and wait == int(wait) else wait  # rounded up
            opening = self.door.opening(ticket, pause)
            self.door.open(until, opening, self._started)
            if opening.admitted and not self._is_cap(ticket, now, pause=wait, since=opened):
                self._learn_from(opening, opened, ticket.started, until, wait)
            self._learned = until
        self.door.close(now, until)
        self.rate.opened(until)

    def _learn_from(self, opening: Opening, opened: float, refused: float, until: float, wait: float) -> None:
        """Learn from how many were let in while the door was open."""
        if self._is_settled:
            most = max(MOST_TIMES * opening.rate, self.rate.accepted or 0.0)
            rate = min(self._bucket_rate(opening, opened, refused), most)
            if self.door.is_window and opening.admitted >= FEW and wait >= WINDOW_PAUSE:
                rate = min(rate, opening.rate)
            self.rate.learn(rate, until, pause=wait)
        else:
            self._is_settled, self._paced = True, until
            self.rate.learn(opening.rate, until, pause=wait, is_guess=True)

    def _bucket_rate(self, opening: Opening, opened: float, refused: float) -> float:
        starts = [each.started for each in self._log.since(opened - 1e-6, refused) if each.is_admitted]
        since = max(opened, refused - HORIZON)
        return bucket_rate(starts[::-1], since, refused, opening, self.door.quickest or opening)

    def _open(self, now: float) -> None:
        """The door was shut, and is open again."""
        self.rate.opened(now)
        first, shut = self.door.first_refused, now - self.door.shut_at
        if first is None or not max(LONG, 0.1 * (now - self.door.opened)) < shut < OUTAGE:
            return
        opening = self.door.opening(first, max(0.0, now - first.started - self.door.gap / 2))
        self.door.open(now, opening, self._started)
        self.door.window = min(HORIZON, opening.seconds + opening.pause)
        if opening.admitted >= ENOUGH:
            self.crowd.uncapped(now)
            self.rate.learn(opening.rate, now, spared=WINDOWS * self.door.window)

    def _learn(self, ticket: Ticket, now: float) -> None:
        """Tell a cap from a rate, and learn it."""
        since = self._log.since(self._learned, ticket.started)
        if self._is_settled and not any(each.is_admitted and each is not ticket for each in since):
            self._learned = now  # too early again: that nothing was let in since tells no rate
            return
        if not self._is_cap(ticket, now):
            span = self._span(ticket.started)
            accepted, is_guess = self._measured(ticket, span)
            if is_guess and self._is_settled and not self.door.window:
                spent = self._bucket_rate(Opening(0, 0.0, 0.0), self._learned, ticket.started)
                accepted, is_guess = max(accepted, spent), False
            if self._is_settled and ticket.started - max(self._learned, self.door.opened) < BRIEF_SPAN:
                accepted = max(accepted, (self.rate.accepted or 0.0) / 2)  # so little time tells no more
            self.rate.learn(accepted, now, is_guess=is_guess, spared=WINDOWS * self.door.window)
            if not self._is_settled or span < SPAN:
                self._is_settled, self._paced = True, now
        self._learned = now

    def _is_cap(self, ticket: Ticket, now: float, pause: float = 0.0, since: float = 0.0) -> bool:
        """Whether a refusal tells of a cap on how many there are at once; learn it."""
        crowd = self._cap(ticket, max(since, now - EVIDENCE), pause)
        if crowd is None:
            self.crowd.uncapped(now)
            return False
        self.rate.forget()
        self.crowd.capped(crowd, now)
        return True

    def _cap(self, ticket: Ticket, since: float, pause: float) -> int | None:
        """How many requests at once seem to be the most; None where refusals tell of no cap."""
        cap = self.crowd.cap
        if not math.isinf(cap):
            return ticket.crowd if ticket.crowd >= int(cap) else None
        if self.rate.accepted is None and not pause:
            return ticket.crowd if ticket.crowd > 1 else None
        crowds = sorted(each.crowd for each in self._log.since(since) if each.fate is Fate.REFUSED)
        served = sum(each.fate is Fate.SERVED for each in self._log.since(since))
        if min(len(crowds), served) < 3 or crowds[0] < 1:
            return None
        crowd = crowds[len(crowds) // 5]
        return crowd if self._log.more_served_than(crowd, since) <= 0.1 * len(crowds) else None

    def _span(self, now: float) -> float:
        """Seconds before a refusal that tell the rate that was let in."""
        accepted, rate = self.rate.accepted, self.rate.at(now)
        if not self._is_settled:
            return 2 * self.crowd.round_trip
        if self.door.window:
            return self.door.window
        return SPAN if accepted and rate and rate < FAR * accepted else BRIEF_SPAN

    def _measured(self, ticket: Ticket, span: float) -> tuple[float, bool]:
        """Requests a second that were let in before one that was not, and whether that is a guess."""
        until = ticket.started
        ended = [each for each in self._log.since(self._learned, until) if each.fate is not Fate.PENDING]
        refused = sum(each.fate is Fate.REFUSED for each in ended)
        since = self._learned if refused >= 4 and refused > MANY * len(ended) else max(until - span, self._paced)
        longest = max(LONGEST_SPAN, self.door.window)
        began = min(max(self.door.opened - 1e-9, until - longest), until)
        admitted = [each.started for each in self._log.since(began, until) if each.is_admitted and each is not ticket]
        if len(admitted) > SAMPLE:
            since = min(since, max(admitted[SAMPLE], until - longest))
        elif admitted:
            since = min(since, admitted[-1] - 1e-6)
        if not admitted:
            return 2 / self.crowd.round_trip, True
        since = min(since, max(began, until - self.crowd.round_trip / 2))
        count = sum(started > since for started in admitted)
        return max(count, 1) / max(until - since, self.crowd.round_trip / 2), count < FEW
