"""The manifest: its creation is the commit, and readers trust nothing else."""

from typing import Final

import msgspec

from seawall.storage import documents
from seawall.storage.documents import Column, Totals
from seawall.storage.errors import ObjectMissingError
from seawall.storage.keys import manifest_key
from seawall.storage.ranges import PageRange
from seawall.storage.store import ObjectStore, put_once

FILLABLE: Final = ("gaps", "short")  # verdicts of a dataset to which a fill may add what is missing


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


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What of the source was asked for: `pages` (all where None), and the run's params by name.

    A param whose value is a secret stands there without it.
    """

    pages: str | None = None
    params: dict[str, str | None] = {}

    @property
    def is_whole(self) -> bool:
        """Whether nothing narrows it."""
        return self.pages is None and not self.params


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked into: `outcome` is `passed`, `failed` or `not made`, `detail` a sentence."""

    check: str
    outcome: str
    detail: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A published dataset: its parts in page order, one schema, the verdict and the figures behind it.

    `scope` is what of the source was asked for, `evidence` what was checked and how it came out; docs/proof.md tells
    what each check means. A fill publishes another `generation`, which names the manifest before it as `previous`.

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
    scope: Scope = Scope()
    evidence: tuple[Check, ...] = ()
    generation: int = 1
    previous: str | None = None

    @property
    def is_fillable(self) -> bool:
        """Whether a fill may add what is missing."""
        return self.verdict in FILLABLE

    @property
    def is_whole(self) -> bool:
        """Whether it is of the whole source: neither pages nor params narrowed what was asked for."""
        return self.scope.is_whole


def write_manifest(store: ObjectStore, folder: str, manifest: Manifest) -> None:
    """Commit. Raises ObjectExistsError where the dataset of another commit stands."""
    put_once(store, manifest_key(folder, manifest.generation), documents.encoded(manifest))


def find_manifest(store: ObjectStore, folder: str) -> Manifest | None:
    """The manifest of a landing, its latest generation, if it was published."""
    return next(iter(reversed(read_manifests(store, folder))), None)


def read_manifests(store: ObjectStore, folder: str) -> list[Manifest]:
    """Every generation of a landing's manifest, the first one first; only one that can be filled has another."""
    manifests: list[Manifest] = []
    while not manifests or manifests[-1].is_fillable:
        try:
            manifests.append(documents.read(store, manifest_key(folder, len(manifests) + 1), Manifest))
        except ObjectMissingError:
            break
    return manifests
