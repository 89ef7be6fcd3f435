"""What the failures of an S3 store mean: worth another attempt, or one of our errors with its remedy."""

import ssl
from math import inf
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's own, which is no OSError
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from seawall.storage.errors import BucketError, StoreUnreachableError

TRANSFERS: Final = 3  # of the same bytes, where they come damaged
SERVER_TEXT: Final = 300  # characters of what a store says that an error repeats

MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
EXISTS: Final = frozenset({"412", "PreconditionFailed"})
NO_BUCKET: Final = "NoSuchBucket"
NO_UPLOAD: Final = "NoSuchUpload"  # it is completed or aborted, perhaps by a call whose answer was lost

_PASSING: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",  # a conditional write that met another one in progress
        "InternalError",
        "OperationAborted",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)
_DAMAGED: Final = frozenset({"BadDigest", "IncompleteBody", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"})

_RIGHTS: Final = "give the user of the storage block the rights that docs/operations.md lists"
_KEYS: Final = "check access key and secret key in the credentials of the storage block"
_EXPIRED: Final = "the session credentials have expired: put fresh ones into the storage block"
_ADDRESS: Final = "name the bucket's own region and endpoint_url in the storage block"
_KMS: Final = (
    "see that the KMS key, SSEKMSKeyId in options.upload or else the bucket's own, is there, enabled, and in its region"
)
_FULL: Final = "the store is full: make room there"
_REMEDIES: Final = {
    "400": _KEYS,
    "AccessControlListNotSupported": "the bucket takes no ACLs: leave ACL out of options.upload",
    "403": f"{_KEYS}, and {_RIGHTS}",
    "AccessDenied": _RIGHTS,
    "AccountProblem": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "AuthorizationHeaderMalformed": _ADDRESS,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "IllegalLocationConstraintException": _ADDRESS,
    "InvalidAccessKeyId": _KEYS,
    "InvalidObjectState": "the object is in an archive: restore it, and let no lifecycle rule move what is still read",
    "InvalidStorageClass": "the store has no such class: name another StorageClass in options.upload",
    "InvalidTag": "the store takes no such tags: name others as Tagging in options.upload",
    "InvalidToken": _EXPIRED,
    "KMS.DisabledException": _KMS,
    "KMS.KMSInvalidStateException": _KMS,
    "KMS.NotFoundException": _KMS,
    "NoSuchBucket": "create it, name another with bucket=, or set options.create_bucket",
    "NotImplemented": "the store does not know this request: use one that docs/operations.md names",
    "PermanentRedirect": _ADDRESS,
    "QuotaExceeded": _FULL,
    "RequestTimeTooSkewed": "the clock of this machine is off: set it, by NTP for instance",
    "SignatureDoesNotMatch": _KEYS,
    "TemporaryRedirect": _ADDRESS,
    "TokenRefreshRequired": _EXPIRED,
    "XMinioStorageFull": _FULL,
}
_DAMAGED_REMEDY: Final = "something on the way to the store, a proxy perhaps, damages what it carries: find it"


class RedirectError(Exception):
    """The endpoint sends us to another address, which no signed request follows."""


FAILURES: Final = (
    BotoCoreError,
    ClientError,
    HTTPError,
    RecursionError,
    RedirectError,
    ResponseParserError,
    TimeoutError,
)
"""What botocore, urllib3 and our own waiting raise where a call on a store fails."""


def code_of(error: BaseException | None) -> str:
    """The store's own word for a failure, such as `SlowDown`; an answer to HEAD has its status alone."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def status_of(error: BaseException | None) -> int:
    """The HTTP status of a failure; 0 where there was no answer."""
    metadata: Any = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
    return int(metadata.get("HTTPStatusCode", 0))


def attempts_worth(error: Exception) -> float:
    """How many attempts a failure is worth: one, TRANSFERS of bytes that come damaged, or any number."""
    if code_of(error) in _DAMAGED or isinstance(error, FlexibleChecksumError):
        return TRANSFERS
    return inf if _is_passing(error) else 1


def _is_passing(error: Exception) -> bool:
    """Whether another attempt may bring another answer."""
    if isinstance(error, ClientError):
        status = status_of(error)
        return code_of(error) in _PASSING or status in (408, 429) or (status >= 500 and status != 501)
    passing = (ConnectionError, CredentialRetrievalError, HTTPClientError, HTTPError, IncompleteReadError)
    return isinstance(error, (*passing, ResponseParserError, TimeoutError)) and not _is_bad_certificate(error)


def _is_bad_certificate(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = getattr(error, "kwargs", {}).get("error") or error.__cause__ or error.__context__
    return error is not None


def explained(error: Exception, where: str, seconds: float) -> BucketError:
    """The error of ours for a failure that ended a call at `where`, which was repeated for up to `seconds`."""
    text, remedy = _text(error), _remedy(error)
    ours = BucketError(f"{where} refuses us: {text}; {remedy}")
    if _is_passing(error):
        ours = StoreUnreachableError(
            f"{where} cannot be reached, or only fails, within {seconds:.0f} s: {text}; {remedy}"
        )
    ours.code = code_of(error)
    return ours


def _text(error: Exception) -> str:
    """What was asked and what the store said, or what the library said where there was no answer."""
    if not isinstance(error, ClientError):
        return str(error)[:SERVER_TEXT]
    message = error.response.get("Error", {}).get("Message", "")
    return f"{error.operation_name}: {code_of(error)}: {message[:SERVER_TEXT]}"


def _remedy(error: Exception) -> str:  # noqa: PLR0911  # a table
    if (remedy := _REMEDIES.get(code_of(error))) is not None:
        return remedy
    match error:
        case RedirectError() | RecursionError():  # botocore follows redirects in circles
            return f"{_ADDRESS}, with https:// where it asks for that"
        case NoCredentialsError():
            return "put credentials into the storage block, or run where the machine has a role"
        case _ if attempts_worth(error) == TRANSFERS:
            return _DAMAGED_REMEDY
        case _ if _is_bad_certificate(error):
            return "the store's certificate does not verify: name its authority in the storage block, as verify"
        case _ if _is_passing(error):
            return "see that the store is well, and that endpoint_url in the storage block is its address"
        case _:
            return f"{_ADDRESS}, and check its credentials"
