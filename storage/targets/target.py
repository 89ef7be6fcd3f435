"""A target: where a run lands, as `storage=` and `bucket=` name it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from prefect.blocks.core import Block

from seawall.storage.store import ObjectStore


class Place(NamedTuple):
    """A folder, and the `bucket=` that holds it."""

    bucket: str
    folder: str


class Target(Protocol):
    """A storage with its settings, ready to be opened."""

    @property
    def root_folder(self) -> str:
        """The folder of the bucket that the block confines us to; empty for all of it."""

    @property
    def secrets(self) -> list[str]:
        """What no text may show once the store is open."""

    @property
    def deployment_refusal(self) -> str | None:
        """Why no deployment may land there, and what to do about it; None where it may."""

    @property
    def upload_refusal(self) -> str | None:
        """Why objects cannot be stored with arguments there, and what to do about it; None where they can."""

    def open_store(self, upload: Mapping[str, Any] | None = None) -> ObjectStore:
        """The objects of the target, each written with `upload`; whoever opens it masks `secrets` first."""


class TargetKind(Protocol):
    """A kind of storage that is known by its slug: a class, built with a block and the `bucket=` of a run.

    A name follows the slug where there is a `block_type`, whose saved blocks it names; then the two slugs are the same.
    `store_errors` are what its library raises when the store answers, besides our own StorageError.
    """

    block_type: type[Block] | None
    store_errors: tuple[type[Exception], ...]

    def __call__(self, block: Any, bucket: str | None, /) -> Target:
        """The target behind a block of `block_type`, with `bucket` in place of the block's own."""

    def place(self, location: str, bucket: str | None, /) -> Place | None:
        """Where a location such as `s3://raw/crm` is, if it is one of this kind; `bucket` is what the reader named."""
