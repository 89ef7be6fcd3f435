"""Storage blocks: which folder of a bucket they confine a run to."""

import pytest
from prefect_aws import MinIOCredentials, S3Bucket

from seawall.tasks.context.blocks import root_folder


@pytest.mark.parametrize("folder", ["landing", "landing/", "/landing/"])
def test_slashes_around_the_folder_of_a_bucket_mean_nothing(folder: str) -> None:
    credentials = MinIOCredentials(minio_root_user="me", minio_root_password="hunter2!")
    block = S3Bucket(bucket_name="raw", bucket_folder=folder, credentials=credentials)
    assert root_folder(block).strip("/") == root_folder(block) == "landing"
