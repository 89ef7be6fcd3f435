"""Submission: tasks that the flow's task runner places; outside of any flow a task is done here, at once."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar, cast

from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture, as_completed
from prefect.futures import wait as wait_for
from prefect.tasks import Task

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Future(Protocol[Result_co]):
    """What a task comes to."""

    def result(self) -> Result_co:
        """The value that its body returned; raises what it raised."""


class Done:
    """The future of a task that was done where it was submitted."""

    def __init__(self, value: Any = None, error: Exception | None = None) -> None:
        self._value = value
        self._error = error

    def result(self) -> Any:
        """The value of the body, or its error."""
        if self._error is not None:
            raise self._error
        return self._value


def is_in_flow() -> bool:
    """Whether a flow runs here, so that Prefect has a runner for its tasks and a page for what they show."""
    return FlowRunContext.get() is not None


def submit(task: Task[..., Result], *arguments: Any) -> Future[Result]:
    """Have a task done by whatever runs the flow's tasks."""
    if is_in_flow():
        return task.submit(*arguments)
    try:
        return Done(task.fn(*arguments))
    except Exception as error:  # noqa: BLE001  # as any future keeps it
        return Done(error=error)


def next_done(futures: Sequence[Future[Result]]) -> Future[Result]:
    """One of the futures whose task is done, as soon as there is one."""
    done = next((future for future in futures if isinstance(future, Done)), None)
    return done or next(as_completed(_prefects(futures)))


def wait(futures: Iterable[Future[Any]]) -> None:
    """Wait until every task is done."""
    if running := _prefects(futures):
        wait_for(running)


def _prefects(futures: Iterable[Future[Result]]) -> list[PrefectFuture[Result]]:
    return [cast(PrefectFuture[Result], future) for future in futures if not isinstance(future, Done)]
