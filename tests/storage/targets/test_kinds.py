"""The kinds of storage together: what `storage=` can be, and whose own a location is."""

import pytest

from seawall.storage.errors import BucketError
from seawall.storage.targets.kinds import TARGETS, choices, find, places, store_errors


def test_the_slug_of_a_kind_with_blocks_is_the_slug_of_its_blocks() -> None:
    types = {slug: kind.block_type for slug, kind in TARGETS.items() if kind.block_type is not None}
    assert {slug: block_type.get_block_type_slug() for slug, block_type in types.items()} == {
        slug: slug for slug in types
    }
    assert len(types) == 2


def test_a_name_follows_the_slugs_of_kinds_with_blocks() -> None:
    assert choices() == ["local", "s3-bucket/NAME", "local-file-system/NAME"]


@pytest.mark.parametrize("storage", ["local", "s3-bucket/lake", "local-file-system/disk"])
def test_a_kind_is_found_by_the_slug_that_storage_begins_with(storage: str) -> None:
    assert find(storage) is TARGETS[storage.partition("/")[0]]


@pytest.mark.parametrize("storage", ["", "local/", "local/disk", "s3-bucket", "s3-bucket/", "gcs-bucket/lake", "/"])
def test_what_names_no_storage_is_no_kind(storage: str) -> None:
    assert find(storage) is None


@pytest.mark.parametrize(
    ("location", "slugs"),
    [
        ("s3://raw/customers/run", ["s3-bucket"]),
        ("/data/customers/run", ["local", "local-file-system"]),
        ("customers/run", []),
        ("gs://raw/customers/run", []),
    ],
)
def test_a_location_says_which_kinds_it_can_be_in(location: str, slugs: list[str]) -> None:
    assert list(places(location, None)) == slugs


def test_our_own_errors_and_those_of_the_libraries_are_a_stores() -> None:
    names = [error.__name__ for error in store_errors()]
    assert names == ["StorageError", "BotoCoreError", "ClientError"]
    assert issubclass(BucketError, store_errors())
