"""The manifest: its creation is the commit, and readers trust nothing else."""

import msgspec

from seawall.storage import documents
from seawall.storage.documents import Column, Totals
from seawall.storage.errors import ObjectMissingError
from seawall.storage.keys import manifest_key
from seawall.storage.ranges import PageRange
from seawall.storage.store import ObjectStore, put_once


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the dataset, and the pages it holds."""

    key: str
    first: int
    last: int
    records: int
    bytes: int
    sha256: str


class FailedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page that is not in the dataset, and why."""

    page: int
    error: str


class Widening(msgspec.Struct, frozen=True, kw_only=True):
    """A column that came later (`before` is empty) or came to hold another type, first on `page`."""

    column: str
    before: str
    after: str
    page: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A published dataset: its parts in page order, one schema, the verdict and the figures behind it.

    `commit_id` is random for each attempt to publish; `location` is where the manifest itself stands.
    `rejected` records are not in the parts, but set aside in the objects `rejected_keys`.
    `duplicates` counts records whose record key came before, where one was named, `keyless` those that have none;
    `shifted` tells whether the first page was another one at the end, where it could be had again.
    """

    seawall: int = documents.VERSION
    run_id: str
    commit_id: str
    source: str
    format: str
    verdict: str
    figures: str
    location: str
    started: str
    published: str
    pages: PageRange
    records: int
    bytes: int
    parts: tuple[Part, ...]
    columns: tuple[Column, ...]
    advertised_at_start: Totals
    advertised_at_end: Totals
    failed_pages: tuple[FailedPage, ...]
    retries: dict[str, int]
    widened: tuple[Widening, ...] = ()
    rejected: int = 0
    rejected_keys: tuple[str, ...] = ()
    duplicates: int | None = None
    keyless: int = 0
    shifted: bool | None = None


def write_manifest(store: ObjectStore, folder: str, manifest: Manifest) -> None:
    """Commit. Raises ObjectExistsError where the dataset of another commit stands."""
    put_once(store, manifest_key(folder), documents.encoded(manifest))


def find_manifest(store: ObjectStore, folder: str) -> Manifest | None:
    """The manifest of a landing, if it was published."""
    try:
        return documents.read(store, manifest_key(folder), Manifest)
    except ObjectMissingError:
        return None
