"""`local`: a folder on this machine, which `bucket=` names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from prefect.blocks.core import Block

from seawall.storage.local import LocalStore
from seawall.storage.targets.target import Place

DEFAULT_FOLDER: Final = "data"


class LocalFolder:
    """A folder, ./data where none is named."""

    block_type: ClassVar[type[Block] | None] = None
    store_errors: ClassVar[tuple[type[Exception], ...]] = ()
    root_folder = ""
    upload_refusal = "files in a folder have neither encryption nor classes nor tags: land in a bucket, or leave it out"

    def __init__(self, block: None, bucket: str | None) -> None:
        self._folder = Path(bucket or DEFAULT_FOLDER).expanduser()

    @property
    def secrets(self) -> list[str]:
        """There are none: this machine's user reads and writes."""
        return []

    @property
    def deployment_refusal(self) -> str | None:
        """A relative folder is refused."""
        if self._folder.is_absolute():
            return None
        return (
            f"folder {str(self._folder)!r} is relative, and a worker's working folder may vanish: "
            "give an absolute path with bucket=, or a bucket with storage="
        )

    def open_store(self, upload: Mapping[str, Any] | None = None) -> LocalStore:
        """The files of the folder, which is made on first use."""
        return LocalStore(self._folder)

    @staticmethod
    def place(location: str, bucket: str | None) -> Place | None:  # noqa: ARG004  # other kinds go by it
        """An absolute path says itself which folder it is in, so `bucket` does not count."""
        path = Path(location)
        return Place(str(path.parent), path.name) if path.is_absolute() else None
