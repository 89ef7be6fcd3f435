"""Save example blocks from the environment: a source, a bucket on AWS, a bucket on MinIO.

Running it again brings the blocks up to date. A block whose variables are not all set is left out, and
said so. Values are read from the environment so that no secret stands on a command line.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, MinIOCredentials, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from seawall.clients.source import ApiSource

SOURCE: Final = ("SEAWALL_API_URL", "SEAWALL_LOGIN_URL", "SEAWALL_USERNAME", "SEAWALL_PASSWORD")
AWS: Final = ("SEAWALL_S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
MINIO: Final = ("SEAWALL_MINIO_URL", "SEAWALL_MINIO_BUCKET", "SEAWALL_MINIO_USER", "SEAWALL_MINIO_PASSWORD")


def source(values: Mapping[str, str]) -> ApiSource:
    """The source `customers`; `SEAWALL_REFRESH_URL` is optional."""
    url, login_url, username, password = (values[name] for name in SOURCE)
    login: dict[str, Any] = {"kind": "login", "login_url": login_url, "username": username, "password": password}
    if refresh_url := values.get("SEAWALL_REFRESH_URL"):
        login["refresh_url"] = refresh_url
    return ApiSource(name="customers", url=url, auth=login)


def aws(values: Mapping[str, str]) -> S3Bucket:
    """The bucket `lake`; `AWS_REGION` and `AWS_ENDPOINT_URL` are optional."""
    bucket, key, secret = (values[name] for name in AWS)
    credentials = AwsCredentials(
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name=values.get("AWS_REGION"),
        aws_client_parameters=AwsClientParameters(endpoint_url=values.get("AWS_ENDPOINT_URL")),
    )
    return S3Bucket(bucket_name=bucket, credentials=credentials)


def minio(values: Mapping[str, str]) -> S3Bucket:
    """The bucket `minio`."""
    url, bucket, user, password = (values[name] for name in MINIO)
    credentials = MinIOCredentials(
        minio_root_user=user,
        minio_root_password=password,
        aws_client_parameters=AwsClientParameters(endpoint_url=url),
    )
    return S3Bucket(bucket_name=bucket, credentials=credentials)


BLOCKS: Final[dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, str]], Block]]]] = {
    "customers": (SOURCE, source),
    "lake": (AWS, aws),
    "minio": (MINIO, minio),
}


def save(values: Mapping[str, str]) -> list[str]:
    """Save every block whose variables are set; the names of those saved."""
    saved = []
    for name, (variables, build) in BLOCKS.items():
        missing = [variable for variable in variables if not values.get(variable)]
        if missing:
            print(f"{name}: left out, set {', '.join(missing)}")
            continue
        block = build(values)
        block.save(name, overwrite=True)
        print(f"{block.get_block_type_slug()}/{name}: saved")
        saved.append(name)
    return saved


if __name__ == "__main__":
    sys.exit(0 if save(os.environ) else 1)
