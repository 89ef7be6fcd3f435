"""How a run ends: as a state with a name and a message, or as an error with the way to go on."""

from typing import Final

from loguru import logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from seawall.clients.errors import SourceError
from seawall.clients.redact import plain, redact, redact_error
from seawall.formats.writer import FormatError
from seawall.storage.errors import StorageError
from seawall.storage.manifest import Manifest
from seawall.tasks.context import prefect_api
from seawall.tasks.context.events import dataset_incomplete, dataset_published
from seawall.tasks.context.logs import only_logged
from seawall.tasks.errors import NOT_RESUMABLE, IngestError, PublishedError
from seawall.tasks.report import report
from seawall.tasks.run import Landing, Run

OURS = (IngestError, SourceError, StorageError, FormatError)

_NAMES: Final[dict[str, str | None]] = {"complete": None, "gaps": "CompletedWithGaps", "partial": "CompletedPartial"}


def state_name(verdict: str) -> str | None:
    """The name of the final state of a dataset with this verdict; None where it is Prefect's own, Completed."""
    return _NAMES.get(verdict, "CompletedWithWarnings")


def completed(landing: Landing, manifest: Manifest) -> State[Manifest]:
    """The state of a published dataset, named by its verdict."""
    run, name = landing.run, state_name(manifest.verdict)
    if landing.previous == manifest:
        nothing = "nothing new came" if manifest.is_fillable else "there is nothing to fill"
        message = f"Run {run.run_id} is published already, and {nothing}: {manifest.location} ({manifest.verdict})"
        logger.bind(verdict=manifest.verdict).info(message)
        prefect_api.end()
        return Completed(name=name, message=message, data=manifest)
    parts = f"{len(manifest.parts):,} {'part' if len(manifest.parts) == 1 else 'parts'}"
    message = f"Landed {manifest.records:,} records in {parts}: {manifest.location}"
    if manifest.verdict != "complete" or manifest.rejected:
        message = f"{message} ({manifest.verdict}: {manifest.figures})"
    logger.bind(verdict=manifest.verdict).info(message)
    with only_logged("the event could not be sent"):
        dataset_published(run, manifest)
    prefect_api.end()
    return Completed(name=name, message=message, data=manifest)


def failed(run: Run, error: Exception, landing: Landing | None) -> Exception:
    """Report a failure; the error to raise names the run, and how to go on where that makes sense."""
    redact_error(error)
    ours = isinstance(error, OURS)
    facts = report(run, error)
    message = plain(str(error) if ours else f"{type(error).__name__}: {error}")
    if run.run_id not in message:
        message += f"; run {run.run_id}"
    is_begun = landing is not None or (run.resuming and isinstance(error, SourceError))
    resume = run.resume_command if is_begun and not isinstance(error, (*NOT_RESUMABLE, PublishedError)) else ""
    if resume:
        message += f"; once the cause is mended, go on with: {resume}"
    if landing is not None and not isinstance(error, PublishedError):
        with only_logged("the event could not be sent"):
            dataset_incomplete(run, facts.location, facts.summary, resume=resume)
    prefect_api.end()
    return explained(error, message)


def explained(error: Exception, message: str | None = None) -> Exception:
    """The error to raise, logged: one of ours with this message, or one of ours that is caused by another's."""
    redact_error(error)
    ours = isinstance(error, OURS)
    text = redact(message or plain(str(error) if ours else f"{type(error).__name__}: {error}"))
    logger.opt(exception=error).error(text)
    if not ours:
        outer = IngestError(text)
        outer.__cause__ = error
        return outer
    error.args = (text,)
    return error
