"""Rules: what an answer of a source means where it is not what the status says, as the source declares it."""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from seawall.clients.errors import AttemptError
from seawall.clients.form import Form
from seawall.clients.http.exchange import Answer
from seawall.clients.pages.body import Body
from seawall.clients.pages.paths import HEADER, Path

Status = Annotated[int, Field(ge=200, le=599)]
RULE: Final = "rule "  # and its number: why an attempt failed

Then = Literal["retry", "throttle", "end", "empty", "page", "fail"]


class When(Form):
    """What an answer has to be like: all that is given has to hold."""

    status: Status | tuple[Status, ...] | None = Field(None, description="Its status, or one of several.")
    header: str | None = Field(None, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", description="The name of a header.")
    path: Annotated[Path, Field(min_length=1)] | None = Field(None, description="A place in its body.")
    equals: str | bool | int | float | None = Field(None, description="What stands there; empty: anything.")
    present: bool | None = Field(None, description="Whether anything stands there.")

    @model_validator(mode="after")
    def _says_something(self) -> "When":
        place = self.path or self.header
        if self.status is None and place is None:
            raise ValueError("a rule has to say when it holds: give a status, a header or a path")
        if self.path and self.header:
            raise ValueError("a rule looks at a header or at a path, not at both; write two rules")
        if place is None and (self.equals is not None or self.present is not None):
            raise ValueError("equals and present say something of a header or a path: name one")
        if self.equals is not None and self.present is not None:
            raise ValueError("what equals something is present: leave present out")
        return self

    def holds(self, answer: Answer, body: Callable[[], Body]) -> bool:
        """Whether an answer is like that; `body` reads it, and raises where it cannot."""
        if self.status is not None and answer.status not in _several(self.status):
            return False
        if self.header is not None:
            text = answer.headers.get(self.header)
            return self._agrees(text is not None, lambda: text)
        if self.path is None:
            return True
        if self.path.startswith(HEADER):
            text = answer.headers.get(self.path.removeprefix(HEADER))
            return self._agrees(text is not None, lambda: text)
        with contextlib.suppress(AttemptError):
            found = body()
            return self._agrees(found.has(self.path), lambda: found.value(str(self.path)))
        return False

    def _agrees(self, is_there: bool, value: Callable[[], object]) -> bool:  # noqa: FBT001  # of one call
        if self.equals is None:
            return is_there is (self.present is not False)
        return is_there and _is(value(), self.equals)


class Rule(Form):
    """What an answer is taken for, whatever its status.

    It is a failure to `retry`; asks us to slow down (`throttle`); says that there is no such page (`end`); is a page
    without records (`empty`), or a `page` like any; or the run has to `fail`.
    """

    when: When
    then: Then

    def __str__(self) -> str:
        said = self.when.model_dump(exclude_none=True)
        return f"{', '.join(f'{name} {value!r}' for name, value in said.items())} → {self.then}"


class Rules:
    """The rules of a source in their order, and how often each was the first that held. Thread-safe."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._lock = Lock()
        self.hits: Counter[int] = Counter()  # by the number of the rule, from 1

    def first(self, answer: Answer, body: Callable[[], Body]) -> tuple[int, Then] | None:
        """The number of the first rule that holds for an answer, and what that means."""
        for number, rule in enumerate(self._rules, 1):
            if rule.when.holds(answer, body):
                with self._lock:
                    self.hits[number] += 1
                return number, rule.then
        return None


def _several(status: int | tuple[int, ...]) -> tuple[int, ...]:
    return status if isinstance(status, tuple) else (status,)


def _is(value: object, wanted: Any) -> bool:
    """Whether a value is the one that is wanted; of headers, which are text, as JSON writes it."""
    if isinstance(value, str) and not isinstance(wanted, str):
        return value == (str(wanted).lower() if isinstance(wanted, bool) else str(wanted))
    return bool(value == wanted) and isinstance(value, bool) is isinstance(wanted, bool)
