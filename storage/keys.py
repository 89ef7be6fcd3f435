"""The names of things in a bucket."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from seawall.storage.errors import UnsafeKeyError

MAX_KEY_BYTES: Final = 1024  # Amazon S3 User Guide, "Naming Amazon S3 objects"
LONGEST_NAME_BYTES: Final = 330  # source, run, page, digest and suffix, at their longest

MAX_PAGE: Final = 99_999_999  # eight digits, so that names sort in page order

PLAN: Final = "_plan.json"
MANIFEST: Final = "_manifest.json"
REPORT: Final = "_report.md"
RECEIPTS: Final = "_receipts/"
REJECTED: Final = "_rejected/"
RECORD_KEYS: Final = "_keys/"
WIDENED: Final = "_widened/"
OWN_FOLDERS: Final = (RECEIPTS, REJECTED, RECORD_KEYS, WIDENED)  # of a landing

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def checked_prefix(prefix: str) -> str:
    """The prefix without slashes at its ends.

    Raises:
        UnsafeKeyError: it is absolute, holds an empty segment, `.`, `..`, a backslash or a control
            character, or makes keys longer than S3 takes.
    """
    inner = prefix.removesuffix("/")
    text = ascii(prefix)
    if _CONTROL.search(prefix) or "\\" in prefix:
        raise UnsafeKeyError(f"unsafe prefix {text}: no control characters or backslashes, please")
    if prefix and any(segment in ("", ".", "..") for segment in inner.split("/")):
        raise UnsafeKeyError(f"unsafe prefix {text}: use a relative path, such as 'raw/crm', without '.' or '..'")
    if len(inner.encode()) + LONGEST_NAME_BYTES > MAX_KEY_BYTES:
        raise UnsafeKeyError(f"unsafe prefix {text[:60]}…: keys would be longer than {MAX_KEY_BYTES} bytes")
    return inner


def joined(*segments: str) -> str:
    """One key from its segments; empty ones are left out."""
    return "/".join(filter(None, segments))


def run_name(start: datetime, run_id: str) -> str:
    """The name of a run: its start in UTC to the second, and the end of its id.

    Scheduled runs have time-ordered ids, whose first characters repeat; their last ones do not.
    """
    return f"{start:%Y%m%dT%H%M%SZ}-{run_id[-8:]}"


def find_run(names: Iterable[str], run_id: str) -> list[str]:
    """Those of the folder names that can belong to the run."""
    return [name for name in names if name.endswith(f"-{run_id[-8:]}")]


def manifest_key(folder: str, generation: int = 1) -> str:
    """The key of the manifest of a landing; later generations have theirs beside it."""
    stem, _, suffix = MANIFEST.rpartition(".")
    return f"{folder}/{stem}{_nth(generation)}.{suffix}"


def part_key(folder: str, first: int, sha256: str, suffix: str) -> str:
    """The key of a part, named by its dataset, its first page and its content."""
    return f"{data_prefix(folder)}{first:08d}-{sha256[:8]}.{suffix}"


def data_prefix(folder: str) -> str:
    """What the keys of all parts of a landing begin with."""
    source, run = folder.split("/")[-2:]
    return f"{folder}/{source}-{run}-"


def is_data(folder: str, key: str, inner_folders: tuple[str, ...]) -> bool:
    """Whether a key is one of a part of the landing, or lies in one of its inner folders and no deeper."""
    inner = key.removeprefix(data_prefix(folder))
    if inner != key:
        return re.match(r"\d{8,}-[0-9a-f]{8}\.[^/]+$", inner) is not None
    parent, _, name = key.removeprefix(f"{folder}/").rpartition("/")
    return f"{parent}/" in inner_folders and name != ""


def rejected_key(folder: str, first: int, sha256: str) -> str:
    """The key of the rejected records of the part that begins with page `first`, named by its content."""
    return f"{folder}/{REJECTED}{first:08d}-{sha256[:8]}.jsonl"


def receipt_key(folder: str, first: int, generation: int = 1) -> str:
    """The key of the receipt of the part that begins with page `first`; later generations have theirs beside it."""
    return f"{folder}/{RECEIPTS}{first:08d}{_nth(generation)}.json"


def _nth(generation: int) -> str:
    return f".{generation}" if generation > 1 else ""


def widened_key(folder: str, first: int, digest: str) -> str:
    """The key of the record of a widened copy, named by what it is made from and widened to."""
    return f"{folder}/{WIDENED}{first:08d}-{digest[:8]}.json"


def record_keys_key(folder: str, first: int, sha256: str) -> str:
    """The key of the digests of a part's record keys; `sha256` is the part's."""
    return f"{folder}/{RECORD_KEYS}{first:08d}-{sha256[:8]}.bin"
