"""The limits that a form checks."""

import re

import pytest
from pydantic import TypeAdapter

from seawall.tasks.parameters import StorageSlug

PATTERN = re.compile(str(TypeAdapter(StorageSlug).json_schema()["pattern"]))


@pytest.mark.parametrize("storage", ["local", "s3-bucket/lake-2", "local-file-system/disk"])
def test_the_form_takes_every_kind_of_storage(storage: str) -> None:
    assert PATTERN.search(storage)


@pytest.mark.parametrize(
    "storage",
    [
        "",
        "local/disk",
        "s3-bucket",
        "s3-bucket/",
        "s3-bucket/lake/raw",
        "s3-bucket/Lake",
        "localfile",
        "gcs-bucket/lake",
    ],
)
def test_the_form_refuses_what_names_no_storage(storage: str) -> None:
    assert PATTERN.search(storage) is None
