"""Events: what automations can wait for."""

from prefect.events import emit_event

from seawall.storage.manifest import Manifest
from seawall.tasks.run import Run

PUBLISHED = "seawall.dataset.published"
INCOMPLETE = "seawall.dataset.incomplete"


def dataset_published(run: Run, manifest: Manifest) -> None:
    """Tell that a dataset can be read, with the place of its manifest."""
    emit_event(
        event=PUBLISHED,
        resource=_resource(run.source),
        payload={
            "manifest": manifest.location,
            "verdict": manifest.verdict,
            "records": manifest.records,
            "run_id": manifest.run_id,
        },
    )


def dataset_incomplete(run: Run, location: str, reason: str, *, resume: str) -> None:
    """Tell that a landing was begun and not published, with its place and the command to go on with, if any."""
    emit_event(
        event=INCOMPLETE,
        resource=_resource(run.source),
        payload={"landing": location, "reason": reason, "run_id": run.run_id, "resume": resume},
    )


def _resource(source: str) -> dict[str, str]:
    return {"prefect.resource.id": f"seawall.dataset.{source}", "prefect.resource.name": source}
