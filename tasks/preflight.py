"""Preflight: get in at the source, reach the bucket; both fail fast."""

from seawall.tasks.context.resources import resources_of
from seawall.tasks.context.step import step
from seawall.tasks.run import Run


@step("authenticate", "authenticate at {run.source}")
def authenticate(run: Run) -> None:
    """Get a token, where the source wants one.

    Raises:
        AuthenticationError: the credentials are refused.
        UnreachableError: the host of the login cannot be reached.
    """
    resources_of(run).client.authenticate()


@step("reach bucket", "reach bucket of {run.storage}")
def reach_bucket(run: Run) -> None:
    """See that the bucket is there; create it only if the run's options say so.

    Raises:
        BucketError: it is missing, out of reach, or refuses us.
    """
    resources = resources_of(run)
    resources.store.preflight(resources.parent, create=run.options.create_bucket)
