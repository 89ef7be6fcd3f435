"""Storage by name: what is no storage is refused, and a new kind is one class and one line."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pandas as pd  # type: ignore[import-untyped]
import pytest
from prefect.blocks.core import Block
from prefect.filesystems import LocalFileSystem

from seawall.clients.redact import redact
from seawall.dev.unstable_api import Server
from seawall.flows.ingest import ingest
from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest
from seawall.storage.targets.kinds import TARGETS
from seawall.storage.targets.target import Place
from seawall.tasks.context.blocks import load_target, open_store
from seawall.tasks.context.leftovers import close_leftovers
from seawall.tasks.context.logs import guarded
from seawall.tasks.dataframes import fetch_dataframe, get_dataframe, put_dataframe, read_dataset
from seawall.tasks.errors import SettingsError
from seawall.tasks.run import Run
from seawall.tasks.settle import settle
from seawall.tasks.upload_options import UploadOptions

pytestmark = pytest.mark.usefixtures("short_backoffs")

SCHEME = "attic://"
SECRET = "under-the-doormat"


class AtticError(Exception):
    """What the library of the attic raises."""


class AtticStore(LocalStore):
    """Files in a folder, with locations of their own."""

    def uri(self, key: str) -> str:
        return f"{SCHEME}{self._root.name}/{key}"


class Attic:
    """A new kind of storage: all that there is to write for it, besides its store."""

    block_type: ClassVar[type[Block] | None] = None
    store_errors: ClassVar[tuple[type[Exception], ...]] = (AtticError,)
    root_folder = "boxes"

    def __init__(self, block: None, bucket: str | None) -> None:
        self._room = bucket or "attic"
        self.secrets = [SECRET]
        self.deployment_refusal = "the stairs are too narrow"
        self.upload_refusal = "boxes have no tags"

    def open_store(self, upload: Mapping[str, Any] | None = None) -> AtticStore:
        return AtticStore(Path(self._room))

    @staticmethod
    def place(location: str, bucket: str | None) -> Place | None:
        room, _, folder = location.removeprefix(SCHEME).partition("/")
        return Place(bucket or room, folder) if location.startswith(SCHEME) else None


@pytest.fixture
def attic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line that makes a kind known."""
    monkeypatch.setitem(TARGETS, "attic", Attic)


@pytest.mark.parametrize("storage", ["nowhere", "s3-bucket", "local/disk"])
def test_an_unknown_storage_is_refused_with_those_that_there_are(storage: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_target(storage, None)
    assert str(caught.value) == (
        f"unknown storage {storage!r}; choose 'local', 's3-bucket/NAME' or 'local-file-system/NAME'"
    )


def test_upload_options_are_refused_where_nothing_knows_them(prefect_api: None, tmp_path: Path) -> None:
    LocalFileSystem(basepath=str(tmp_path / "disk")).save("disk", overwrite=True)
    for storage in ("local", "local-file-system/disk"):
        with pytest.raises(
            SettingsError, match=f"upload options with storage='{storage}': files in a folder have neither"
        ):
            load_target(storage, None, UploadOptions(Tagging="team=crm"))
    frame = pd.DataFrame({"id": [1]})
    with pytest.raises(SettingsError, match="land in a bucket"):
        put_dataframe(frame, "copy.csv", upload={"Tagging": "team=crm"})


def test_a_saved_folder_is_loaded_by_its_name(prefect_api: None, tmp_path: Path) -> None:
    LocalFileSystem(basepath=str(tmp_path / "disk")).save("disk", overwrite=True)
    store = open_store(load_target("local-file-system/disk", None))
    assert store.uri("a.csv") == str(tmp_path / "disk" / "a.csv")
    with pytest.raises(SettingsError, match=r"no local-file-system block is called 'tape'; there are: .*'disk'"):
        load_target("local-file-system/tape", None)


@pytest.mark.usefixtures("attic")
def test_a_new_kind_is_landed_in_and_read_from(serve: Callable[..., Server], save_source: Callable[..., str]) -> None:
    manifest = ingest(source=save_source(serve(total=10)), storage="attic", prefix="crm")
    assert isinstance(manifest, Manifest)
    assert manifest.location.startswith(f"{SCHEME}attic/boxes/crm/customers/")
    assert Path("attic", manifest.location.removeprefix(f"{SCHEME}attic/")).exists()

    frame = fetch_dataframe("customers", storage="attic", prefix="crm")
    assert len(frame) == len(read_dataset(manifest.location, storage="attic")) == 10
    assert put_dataframe(frame, "copy.csv", storage="attic") == f"{SCHEME}attic/boxes/copy.csv"
    assert len(get_dataframe("copy.csv", storage="attic")) == 10
    with pytest.raises(SettingsError, match="is not in storage 'local'; read it with storage='attic'"):
        read_dataset(manifest)


@pytest.mark.usefixtures("attic")
def test_a_new_kind_is_offered_and_its_secrets_and_errors_are_seen_to() -> None:
    with pytest.raises(SettingsError, match="or 'attic'"):
        load_target("nowhere", None)
    store = open_store(load_target("attic", None))
    assert SECRET not in redact(f"the key is {SECRET}")
    del store
    gc.collect()  # those of other tests, too
    close_leftovers()
    assert SECRET in redact(f"the key is {SECRET}"), "what nobody holds any more is no secret of this process"

    @guarded
    def climb() -> None:
        raise AtticError("a\nstep is\x1b missing")

    with pytest.raises(AtticError) as caught:
        climb()
    assert str(caught.value).isprintable()


@pytest.mark.usefixtures("attic")
def test_a_deployment_hears_why_it_may_not_land_there(
    serve: Callable[..., Server], save_source: Callable[..., str]
) -> None:
    run = Run(run_id=str(uuid4()), source=save_source(serve(total=10)), storage="attic")
    settle(run)
    with pytest.raises(SettingsError, match="the stairs are too narrow"):
        settle(replace(run, deployment="daily"))
