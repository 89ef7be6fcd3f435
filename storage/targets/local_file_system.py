"""`local-file-system/NAME`: a folder on this machine, by Prefect's block."""

from typing import ClassVar

from prefect.blocks.core import Block
from prefect.filesystems import LocalFileSystem

from seawall.storage.targets.local import LocalFolder


class SavedLocalFolder(LocalFolder):
    """The folder of a LocalFileSystem block; otherwise it is like `local`."""

    block_type: ClassVar[type[Block] | None] = LocalFileSystem

    def __init__(self, block: LocalFileSystem, bucket: str | None) -> None:
        super().__init__(None, bucket or block.basepath)
