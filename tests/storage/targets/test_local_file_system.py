"""A LocalFileSystem block as a target: its folder, or another one."""

from pathlib import Path

import pytest
from prefect.filesystems import LocalFileSystem

from seawall.storage.targets.local_file_system import SavedLocalFolder


@pytest.mark.parametrize(
    ("basepath", "bucket", "folder"),
    [("/landing", None, "/landing"), ("/landing", "/other", "/other"), (None, None, "data"), ("disk", None, "disk")],
)
def test_the_folder_is_the_blocks_unless_another_one_is_named(
    basepath: str | None, bucket: str | None, folder: str
) -> None:
    target = SavedLocalFolder(LocalFileSystem(basepath=basepath), bucket)
    assert target.open_store().uri("a.csv") == str(Path(folder, "a.csv").absolute())
    assert (target.deployment_refusal is None) == folder.startswith("/")
