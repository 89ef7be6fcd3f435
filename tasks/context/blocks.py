"""Blocks by name: the only place that loads them. What they hold stays in this process."""

from pathlib import Path
from typing import Any, cast

from botocore.config import Config
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.filesystems import LocalFileSystem
from prefect_aws import AwsCredentials, MinIOCredentials, S3Bucket
from pydantic import SecretStr, ValidationError

from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource
from seawall.storage.local import LocalStore
from seawall.storage.s3 import CLIENT_CONFIG, S3Store
from seawall.storage.store import ObjectStore
from seawall.tasks.errors import SettingsError

LOCAL = "local"
DEFAULT_FOLDER = "data"
STORAGE_KINDS = "'local', 's3-bucket/NAME' or 'local-file-system/NAME'"


def load_source(name: str) -> ApiSource:
    """The saved source called `name`. Raises SettingsError, which lists those that there are."""
    return cast(ApiSource, _load(ApiSource, name))


def load_storage(slug: str, bucket: str | None) -> S3Bucket | LocalFileSystem:
    """The storage that `slug` names, with `bucket` in place of the block's own. Raises SettingsError."""
    if slug == LOCAL:
        return LocalFileSystem(basepath=bucket or DEFAULT_FOLDER)
    kind, _, name = slug.partition("/")
    if kind == "s3-bucket" and name:
        block = cast(S3Bucket, _load(S3Bucket, name))
        return block.model_copy(update={"bucket_name": bucket} if bucket else {})
    if kind == "local-file-system" and name:
        local = cast(LocalFileSystem, _load(LocalFileSystem, name))
        return local.model_copy(update={"basepath": bucket} if bucket else {})
    raise SettingsError(f"unknown storage {slug!r}; choose {STORAGE_KINDS}")


def open_store(block: S3Bucket | LocalFileSystem) -> ObjectStore:
    """The objects behind a storage block; its secrets are masked from now on."""
    if isinstance(block, LocalFileSystem):
        return LocalStore(Path(block.basepath or DEFAULT_FOLDER).expanduser())
    credentials = block.credentials
    SECRETS.add(*_secrets(credentials))
    client: dict[str, Any] = credentials.aws_client_parameters.get_params_override()
    client["config"] = CLIENT_CONFIG.merge(client.get("config", Config()))
    if credentials.region_name:
        client["region_name"] = credentials.region_name
    return S3Store(credentials.get_boto3_session().client("s3", **client), block.bucket_name)


def root_folder(block: S3Bucket | LocalFileSystem) -> str:
    """The folder of the bucket that the block confines us to."""
    return block.bucket_folder.strip("/") if isinstance(block, S3Bucket) else ""


def _secrets(credentials: AwsCredentials | MinIOCredentials) -> list[str]:
    if isinstance(credentials, MinIOCredentials):
        return [credentials.minio_root_password.get_secret_value()]
    secret = credentials.aws_secret_access_key or SecretStr("")
    return [secret.get_secret_value(), credentials.aws_session_token or ""]


def _load(kind: type[Block], name: str) -> Block:
    slug = kind.get_block_type_slug()
    try:
        return cast(Block, kind.load(name))
    except (RuntimeError, ValidationError) as error:  # Prefect wraps what pydantic says
        raise SettingsError(f"the {slug} block {name!r} does not hold what it should: {_told(error)}") from None
    except ValueError:
        raise SettingsError(f"no {slug} block is called {name!r}; there are: {_saved(slug)}") from None


def _told(error: Exception) -> str:
    """What is wrong with which field, never with which value: that may be a secret."""
    cause = error if isinstance(error, ValidationError) else error.__cause__ or error.__context__
    if not isinstance(cause, ValidationError):
        return str(error)
    found = cause.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)


def _saved(slug: str) -> str:
    """The names of the saved blocks of a type, for a message."""
    try:
        with get_client(sync_client=True) as client:
            saved = client.read_block_documents_by_type(slug, include_secrets=False)
    except ObjectNotFound:
        saved = []
    return ", ".join(sorted(repr(block.name) for block in saved)) or "none"
