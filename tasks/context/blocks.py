"""Blocks by name: the only place that loads them. What they hold stays in this process."""

from collections.abc import Mapping
from typing import Any, cast

from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource
from seawall.storage.store import ObjectStore
from seawall.storage.targets import kinds
from seawall.storage.targets.target import Target
from seawall.tasks.context.leftovers import close_after
from seawall.tasks.errors import SettingsError
from seawall.tasks.upload_options import UploadOptions


def load_source(name: str) -> ApiSource:
    """The saved source called `name`. Raises SettingsError, which lists those that there are."""
    return cast(ApiSource, _load(ApiSource, name))


def find_source(name: str) -> ApiSource | None:
    """The saved source called `name`, if there is one. Raises SettingsError where it does not hold what it should."""
    with get_client(sync_client=True) as client:
        try:
            client.read_block_document_by_name(name, ApiSource.get_block_type_slug(), include_secrets=False)
        except ObjectNotFound:
            return None
    return load_source(name)


def update_source(name: str, fields: Mapping[str, Any]) -> None:
    """Save these fields of the source called `name`; what else its block holds stays as it is by now.

    Raises:
        SettingsError: there is no such block, or the fields do not fit the rest of it.
    """
    try:
        ApiSource(**dict(load_source(name)) | dict(fields))
    except ValidationError as error:
        raise SettingsError(f"the source {name!r} cannot hold what was found: {_refusal(error)}") from None
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name(name, ApiSource.get_block_type_slug(), include_secrets=True)
        client.update_block_document(document.id, BlockDocumentUpdate(data=dict(fields)))


def load_secret(name: str) -> str:
    """The text that a Secret block of Prefect holds. Raises SettingsError, which never shows it."""
    value = cast("Secret[str]", _load(Secret, name)).get()
    if not isinstance(value, str) or not value:
        raise SettingsError(f"the secret block {name!r} holds no text")
    return value


def load_target(storage: str, bucket: str | None, upload: UploadOptions | None = None) -> Target:
    """The target that `storage` names, with `bucket` in place of the block's own.

    Raises:
        SettingsError: there is no such storage, or no such block, or what it stores knows nothing of `upload`.
    """
    kind = kinds.find(storage)
    if kind is None:
        *others, last = map(repr, kinds.choices())
        raise SettingsError(f"unknown storage {storage!r}; choose {', '.join(others)} or {last}")
    name = storage.partition("/")[2]
    target = kind(_load(kind.block_type, name) if kind.block_type else None, bucket)
    if upload is not None and target.upload_refusal is not None:
        raise SettingsError(f"upload options with storage={storage!r}: {target.upload_refusal}")
    return target


def open_store(target: Target, upload: UploadOptions | None = None) -> ObjectStore:
    """The objects of a target, each written with `upload`; its secrets are masked as long as anybody holds them."""
    secrets = target.secrets
    SECRETS.add(*secrets)
    store = target.open_store(upload.arguments if upload else None)
    close_after(store, SECRETS.discard, *secrets)
    return store


def _load(kind: type[Block], name: str) -> Block:
    slug = kind.get_block_type_slug()
    try:
        return cast(Block, kind.load(name))
    except (RuntimeError, ValidationError) as error:  # Prefect wraps what pydantic says
        raise SettingsError(f"the {slug} block {name!r} does not hold what it should: {_refusal(error)}") from None
    except ValueError:
        raise SettingsError(f"no {slug} block is called {name!r}; there are: {_names(slug)}") from None


def _refusal(error: Exception) -> str:
    """What is wrong with which field, never with which value: that may be a secret."""
    cause = error if isinstance(error, ValidationError) else error.__cause__ or error.__context__
    if not isinstance(cause, ValidationError):
        return str(error)
    details = cause.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in details)


def _names(slug: str) -> str:
    """The names of the saved blocks of a type, for a message."""
    try:
        with get_client(sync_client=True) as client:
            documents = client.read_block_documents_by_type(slug, include_secrets=False)
    except ObjectNotFound:
        documents = []
    return ", ".join(sorted(repr(block.name) for block in documents)) or "none"
