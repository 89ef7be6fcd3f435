"""The decorator of every task of the story."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import Task

from seawall.tasks.context.logs import guarded

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def step(name: str, run_name: str) -> Callable[[Callable[Arguments, Result]], Task[Arguments, Result]]:
    """A Prefect task that runs once: requests are retried in `clients/http/retries.py` alone, and nothing is cached.

    `run_name` is a template over the parameters of the body. No error leaves it with a secret.
    """

    def decorate(body: Callable[Arguments, Result]) -> Task[Arguments, Result]:
        once = task(name=name, task_run_name=run_name, retries=0, cache_policy=NO_CACHE, persist_result=False)
        return once(guarded(body))

    return decorate
