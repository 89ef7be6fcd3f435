"""Why a run as a whole cannot begin or cannot be published.

IngestError
├── SettingsError      a parameter names nothing that there is, or makes no sense
├── RejectedRecordsError   more records had to be set aside than the options allow
├── LandedTwiceError   two pages that were landed hold the same records
├── StalledError       pages were landed, and their receipts cannot be seen
├── PublishedError     the run to resume was published already
├── SourcesFailedError   of several sources, some could not be landed; the others are
└── IncompleteError    the verdict does not allow to publish; the run can be resumed
"""

from typing import Final

from seawall.clients.errors import CursorExpiredError
from seawall.storage.manifest import FailedPage


class IngestError(Exception):
    """The base of every error about a run; also wraps what a library raised."""


class SettingsError(IngestError):
    """A parameter is refused, before anything was asked for."""


class RejectedRecordsError(IngestError):
    """More records than `max_rejected_records` can be landed in no format; the run can be resumed with more."""


class LandedTwiceError(IngestError):
    """Two pages that were landed hold the same records; what is landed stays, so no resume helps."""


class StalledError(IngestError):
    """Landing goes on without coming any further; the run can be resumed."""


class PublishedError(IngestError):
    """There is nothing to resume: the run has a manifest."""


class SourcesFailedError(IngestError):
    """Some of several sources failed; each of them can be resumed alone, or all of them together."""


class IncompleteError(IngestError):
    """The dataset is not what was asked for; `failed_pages` are the ones that are missing for good."""

    def __init__(self, message: str, failed_pages: tuple[FailedPage, ...] = ()) -> None:
        super().__init__(message)
        self.failed_pages = failed_pages


NOT_RESUMABLE: Final = (CursorExpiredError, LandedTwiceError)  # no mending brings a cursor back, or takes a page away
