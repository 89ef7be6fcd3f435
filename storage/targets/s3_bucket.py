"""`s3-bucket/NAME`: a bucket in S3 or in a server that speaks its protocol, by a block of prefect-aws."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from prefect.blocks.core import Block
from prefect_aws import MinIOCredentials, S3Bucket

from seawall.storage.s3 import CLIENT_CONFIG, ONE_ATTEMPT, S3Store
from seawall.storage.targets.target import Place

SCHEME: Final = "s3://"


class SavedBucket:
    """The bucket of an S3Bucket block, or another one with the block's credentials."""

    block_type: ClassVar[type[Block] | None] = S3Bucket
    store_errors: ClassVar[tuple[type[Exception], ...]] = (BotoCoreError, ClientError)
    deployment_refusal = None
    upload_refusal = None

    def __init__(self, block: S3Bucket, bucket: str | None) -> None:
        self._credentials = block.credentials
        self._bucket = bucket or block.bucket_name
        self.root_folder = block.bucket_folder.strip("/")

    @property
    def secrets(self) -> list[str]:
        """The password or secret key of the block, and its session token; empty where it has none."""
        credentials = self._credentials
        if isinstance(credentials, MinIOCredentials):
            return [credentials.minio_root_password.get_secret_value()]
        key = credentials.aws_secret_access_key
        return [key.get_secret_value() if key else "", credentials.aws_session_token or ""]

    def open_store(self, upload: Mapping[str, Any] | None = None) -> S3Store:
        """The objects of the bucket, through a boto3 client of its own."""
        credentials = self._credentials
        settings: dict[str, Any] = credentials.aws_client_parameters.get_params_override()
        settings["config"] = CLIENT_CONFIG.merge(settings.get("config", Config())).merge(ONE_ATTEMPT)
        if credentials.region_name:
            settings["region_name"] = credentials.region_name
        return S3Store(credentials.get_boto3_session().client("s3", **settings), self._bucket, upload=upload)

    @staticmethod
    def place(location: str, bucket: str | None) -> Place | None:
        """An `s3://` location; `bucket` counts where a reader names one, so that a copy can be read."""
        if not location.startswith(SCHEME):
            return None
        name, _, folder = location.removeprefix(SCHEME).partition("/")
        return Place(bucket or name, folder)
