"""A local folder as a target: where it is, and why a deployment may not land in a relative one."""

from pathlib import Path

import pytest

from seawall.storage.targets.local import LocalFolder
from seawall.storage.targets.target import Place


@pytest.mark.parametrize(
    ("bucket", "folder"), [(None, "data"), ("landing", "landing"), ("/landing", "/landing"), ("~/x", Path.home() / "x")]
)
def test_the_folder_is_the_one_that_is_named_or_data(bucket: str | None, folder: str | Path) -> None:
    assert LocalFolder(None, bucket).open_store().uri("a.csv") == str(Path(folder, "a.csv").absolute())


@pytest.mark.parametrize("bucket", [None, "landing"])
def test_a_deployment_may_not_land_in_a_relative_folder(bucket: str | None) -> None:
    refusal = LocalFolder(None, bucket).deployment_refusal
    assert refusal is not None
    assert refusal.startswith(
        f"folder {bucket or 'data'!r} is relative, and a worker's working folder may vanish: give"
    )


@pytest.mark.parametrize("bucket", ["/landing", "~/landing"])
def test_a_deployment_may_land_in_an_absolute_folder(bucket: str) -> None:
    assert LocalFolder(None, bucket).deployment_refusal is None


def test_nothing_of_a_folder_is_a_secret_and_all_of_it_may_be_used() -> None:
    target = LocalFolder(None, None)
    assert (target.secrets, target.root_folder) == ([], "")


@pytest.mark.parametrize("bucket", [None, "elsewhere"])
def test_an_absolute_path_says_itself_where_it_is(bucket: str | None) -> None:
    assert LocalFolder.place("/data/customers/run", bucket) == Place("/data/customers", "run")
    assert LocalFolder.place("customers/run", bucket) is None
    assert LocalFolder.place("s3://raw/customers/run", bucket) is None
