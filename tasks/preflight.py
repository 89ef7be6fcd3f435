"""Preflight: get in at the source, reach the bucket; both fail fast."""

from typing import Any, Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from seawall.tasks.context.logs import guarded
from seawall.tasks.context.resources import resources
from seawall.tasks.run import Run

ONCE: Final[dict[str, Any]] = {"retries": 0, "cache_policy": NO_CACHE, "persist_result": False}


@task(name="authenticate", task_run_name="authenticate at {run.source}", **ONCE)
@guarded
def authenticate(run: Run) -> None:
    """Get a token, where the source wants one.

    Raises:
        AuthenticationError: the credentials are refused.
    """
    resources(run).client.authenticate()


@task(name="reach bucket", task_run_name="reach bucket of {run.storage}", **ONCE)
@guarded
def reach_bucket(run: Run) -> None:
    """See that the bucket is there; create it only if the run's options say so.

    Raises:
        BucketError: it is missing, out of reach, or refuses us.
    """
    opened = resources(run)
    opened.store.preflight(opened.parent, create=run.options.create_bucket)
