"""What can go wrong between us and a source.

SourceError
├── AttemptError               one request failed in a way that another attempt may heal
│   ├── BodyTooLargeError      the body of an answer is larger than we take
│   │   └── TooManyRecordsError  it holds more records than we take
│   └── MalformedPageError     a 200 that is not a page of records
├── PageFailedError            a page used up its attempts: it is a gap, and the run goes on
├── AuthenticationError        the source does not accept our credentials or our token
│   └── LoginRejectedError     the server understood a login or refresh, and refuses it
├── CertificateError           the source's TLS certificate does not verify
├── CursorExpiredError         the source no longer accepts the previous page's token
├── OriginError                the next page is said to be elsewhere, or its token cannot be kept
├── PageRepeatedError          the same records came for two pages
├── PageRangeError             the pages asked for lie outside the source
├── RequestRefusedError        the source understood the request and refuses it
├── RetryAfterTooLongError     the source asks for a longer pause than we allow
├── SourceDownError            many attempts in a row failed, none succeeded; or pages did, and few came
├── UnreachableError           a host could not be reached, before any page came
├── WalkLoopError              the pages ask for one another in a circle, or for nothing but empty ones
├── WalkTooLongError           a walk is beyond its cap on pages, bytes or time
└── WalkStoppedError           we were told to stop
"""

from seawall.clients.limits import MALFORMED_ATTEMPTS


def _rebuilt(kind: "type[SourceError]", args: tuple[object, ...], state: dict[str, object]) -> "SourceError":
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class SourceError(Exception):
    """The base of every error about a source; unless a subclass says otherwise, it ends the run."""

    def __reduce__(self) -> tuple[object, ...]:
        """Errors travel between processes; their constructors take more than their message."""
        return _rebuilt, (type(self), self.args, self.__dict__)


class AttemptError(SourceError):
    """One attempt failed; `cause` labels it in statistics; `retry_after` is the wait that a server asks for, in s.

    `throttling` makes every fetcher of the source pause; `max_attempts` caps this kind of failure, after which `final`
    is what went wrong. What is `pending` is no failure: it is asked for until `ready_deadline`.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: str,
        retry_after: float | None = None,
        throttling: bool = False,
        max_attempts: int | None = None,
        pending: bool = False,
        final: SourceError | None = None,
    ) -> None:
        super().__init__(message)
        self.pending = pending
        self.final = final
        self.cause = cause
        self.retry_after = retry_after
        self.throttling = throttling
        self.max_attempts = max_attempts


class BodyTooLargeError(AttemptError):
    """The body of an answer is larger than we take; `limit` is the field of the source that says so."""

    limit = "max_page_bytes"

    def __init__(self, message: str) -> None:
        super().__init__(message, cause="too large", max_attempts=1)


class TooManyRecordsError(BodyTooLargeError):
    """A list or object in the body of an answer has more members than we take."""

    limit = "max_page_records"


class MalformedPageError(AttemptError):
    """The answer is a success by its status, yet not a page: it is asked for twice more, then given up."""

    def __init__(self, message: str, *, cause: str = "malformed") -> None:
        super().__init__(message, cause=cause, max_attempts=MALFORMED_ATTEMPTS)


class PageFailedError(SourceError):
    """Page `number` failed for good, after attempts that failed for `causes`; `missing` where there is no such page."""

    def __init__(self, message: str, *, number: int, causes: tuple[str, ...], missing: bool = False) -> None:
        super().__init__(message)
        self.number = number
        self.causes = causes
        self.missing = missing


class AuthenticationError(SourceError):
    """Wrong credentials, a token that no request succeeds with, or an unusable answer to a login."""


class LoginRejectedError(AuthenticationError):
    """The server understood the login or refresh, and refuses it."""


class CertificateError(SourceError):
    """The certificate does not verify; there is no switch to accept it."""


class CursorExpiredError(SourceError):
    """The previous page's cursor or link is refused; another walk's pages would not line up with those landed."""


class OriginError(SourceError):
    """The next page is said to be at an origin that is not the source's, or a secret stands in what asks for it."""


class PageRepeatedError(SourceError):
    """The records of one page came again as another page's: its number is ignored, or a cache answers."""


class PageRangeError(SourceError):
    """The range of pages asked for does not lie in the source."""


class RequestRefusedError(SourceError):
    """400, 403, 422, or 404 on the first page: asking again cannot help."""


class RetryAfterTooLongError(SourceError):
    """Retry-After is beyond `max_retry_after`."""


class SourceDownError(SourceError):
    """`give_up_after` attempts in a row failed, or MAX_GAPS_IN_A_ROW pages, over all fetchers."""


class UnreachableError(SourceError):
    """The source's host, or that of its login, has no address, refuses connections or opens none; nothing came yet."""


class WalkLoopError(SourceError):
    """A token came again on a later page, or MAX_EMPTY_PAGES in a row held no record."""


class WalkTooLongError(SourceError):
    """`max_pages`, `max_bytes` or `max_hours` of the source is reached."""


class WalkStoppedError(SourceError):
    """The client was told to stop, so waits end and no further request is sent."""
