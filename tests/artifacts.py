"""Artifacts of runs, as Prefect's API has them."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort


def newest(key: str) -> Artifact:
    """The artifact with this key that was written last."""
    of_the_key = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(artifact_filter=of_the_key, sort=ArtifactSort.UPDATED_DESC, limit=1)
    return artifact
