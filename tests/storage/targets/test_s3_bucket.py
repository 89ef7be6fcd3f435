"""An S3Bucket block as a target: its folder, its secrets, another bucket in place of its own."""

from typing import Any

import pytest
from prefect_aws import AwsCredentials, MinIOCredentials, S3Bucket

from seawall.storage.targets.s3_bucket import SavedBucket
from seawall.storage.targets.target import Place

MINIO = MinIOCredentials(minio_root_user="me", minio_root_password="hunter2!")


def target(bucket: str | None = None, **fields: Any) -> SavedBucket:
    return SavedBucket(S3Bucket(**{"bucket_name": "raw", "credentials": MINIO} | fields), bucket)


@pytest.mark.parametrize("folder", ["landing", "landing/", "/landing/"])
def test_slashes_around_the_folder_of_a_bucket_mean_nothing(folder: str) -> None:
    assert target(bucket_folder=folder).root_folder == "landing"


def test_a_bucket_without_a_folder_confines_to_nothing() -> None:
    assert target().root_folder == ""


@pytest.mark.parametrize(
    ("credentials", "secrets"),
    [
        (MINIO, ["hunter2!"]),
        (AwsCredentials(aws_access_key_id="id", aws_secret_access_key="secret-key"), ["secret-key", ""]),
        (
            AwsCredentials(aws_secret_access_key="secret-key", aws_session_token="session-token"),
            ["secret-key", "session-token"],
        ),
        (AwsCredentials(), ["", ""]),
    ],
)
def test_whatever_lets_somebody_in_is_a_secret(credentials: Any, secrets: list[str]) -> None:
    assert target(credentials=credentials).secrets == secrets


@pytest.mark.parametrize(("bucket", "name"), [(None, "raw"), ("other", "other")])
def test_the_store_is_the_blocks_bucket_or_another_one_with_its_credentials(bucket: str | None, name: str) -> None:
    store = target(bucket).open_store()
    assert store.uri("run/part.csv") == f"s3://{name}/run/part.csv"
    store.close()


def test_a_deployment_may_land_in_a_bucket() -> None:
    assert target().deployment_refusal is None


@pytest.mark.parametrize(
    ("location", "bucket", "place"),
    [
        ("s3://raw/crm/customers/run", None, Place("raw", "crm/customers/run")),
        ("s3://raw/customers/run", "copy", Place("copy", "customers/run")),
        ("s3://raw", None, Place("raw", "")),
        ("/raw/customers/run", None, None),
        ("customers/run", None, None),
    ],
)
def test_a_location_names_its_bucket_unless_the_reader_does(
    location: str, bucket: str | None, place: Place | None
) -> None:
    assert SavedBucket.place(location, bucket) == place
