"""Envelopes of errors: objects that tell of a failure, where one could take them for records."""

from typing import Final

import msgspec

from seawall.clients.pages.records import members

ERRORS: Final = ("error", "errors")

_LONGEST: Final = 2**16  # bytes; with what a stack trace may take
_STATUSES: Final = frozenset({"code", "status", "statuscode", "errorcode"})
_WORDS: Final = _STATUSES | {
    *ERRORS, "message", "errormessage", "msg", "detail", "details", "reason", "title", "type", "description",
    "errordescription", "success", "ok", "timestamp", "path", "instance", "requestid", "traceid", "correlationid",
    "exception", "trace", "documentationurl", "help", "hint",
}  # fmt: skip
_NOTHING: Final = (b"null", b"false", b'""', b"[]", b"{}", b"0")


def is_error(record: bytes | msgspec.Raw) -> bool:
    """Whether a JSON text is an object that tells of an error and of nothing else."""
    if len(memoryview(record)) > _LONGEST:
        return False
    try:
        fields = {_plain(key): bytes(value).strip() for key, value in members(record).items()}
    except msgspec.DecodeError:
        return False
    if not fields.keys() <= _WORDS:
        return False
    return any(fields.get(key, b"null") not in _NOTHING for key in ERRORS) or any(
        _is_failure(fields[key]) for key in _STATUSES & fields.keys()
    )


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _is_failure(value: bytes) -> bool:
    """Whether a JSON text is the number of a status that is no success, perhaps as text."""
    digits = value.strip(b'"')
    return len(digits) == len(b"500") and digits.isdigit() and digits[:1] in b"45"
