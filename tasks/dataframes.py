"""Datasets and other objects as pandas DataFrames, for notebooks and for flows that go on with what was landed.

`storage` and `bucket` are those of a run: `local`, or the slug of a block, and a bucket in place of the block's own.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from seawall.formats import frames
from seawall.formats.frames import FRAME_RECORDS
from seawall.storage import datasets, keys
from seawall.storage.disk import staging_folder
from seawall.storage.manifest import Manifest
from seawall.storage.store import ObjectStore
from seawall.storage.targets import kinds
from seawall.storage.targets.kinds import LOCAL
from seawall.tasks.context import blocks
from seawall.tasks.context.leftovers import close_leftovers
from seawall.tasks.errors import SettingsError
from seawall.tasks.upload_options import UploadOptions

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own

WHOLE: Final = 2**31 - 1  # records; more than a DataFrame in memory has


def latest(
    source: str, *, storage: str = LOCAL, bucket: str | None = None, prefix: str = "", whole: bool = True
) -> Manifest:
    """The newest published dataset of a source, by the start of its run, whatever its verdict.

    Datasets of a run that asked for some pages, or with params of its own, are passed over with a warning; with
    `whole=False` they count, too.

    Raises:
        ObjectMissingError: there is none; the message says what there is.
    """
    with _store(storage, bucket) as (store, root):
        parent = keys.joined(keys.checked_prefix(keys.joined(root, prefix)), source)
        _, manifest, passed_over = datasets.latest(store, parent, whole=whole)
    if passed_over:
        newer = passed_over[0]
        warnings.warn(
            f"{newer.location} is newer than {manifest.location}, and passed over: it holds {_narrowing(newer)} of the "
            "source; whole=False takes it",
            stacklevel=2,
        )
    return manifest


def _narrowing(manifest: Manifest) -> str:
    """What was asked for, in words."""
    pages = f"pages {manifest.scope.pages}" if manifest.scope.pages else "records"
    params = ", ".join(f"{name}={value or '***'}" for name, value in manifest.scope.params.items())
    return f"{pages} with {params}" if params else pages


def read_dataset(dataset: Manifest | str, *, storage: str = LOCAL, bucket: str | None = None) -> "pd.DataFrame":
    """A published dataset as one DataFrame; each part is verified before it is read.

    `dataset` is a manifest, the location of one, or a landing folder in the storage. A verdict other than
    `complete` is warned of.

    Raises:
        ObjectMissingError: the folder has no manifest, or a part is gone.
        CorruptObjectError: a part is not what was published.
    """
    import pandas as pd  # noqa: PLC0415  # it costs memory, so only who wants a DataFrame has it

    return pd.concat(read_frames(dataset, storage=storage, bucket=bucket), ignore_index=True)


def read_frames(
    dataset: Manifest | str,
    *,
    storage: str = LOCAL,
    bucket: str | None = None,
    records: int = FRAME_RECORDS,
) -> "Iterator[pd.DataFrame]":
    """The same as DataFrames of at most `records` each, in order, at least one; for datasets larger than memory."""
    with _landing(dataset, storage, bucket) as (store, folder):
        manifest = dataset if isinstance(dataset, Manifest) else datasets.published(store, folder)
        if manifest.verdict != "complete":
            warnings.warn(f"{manifest.location} is {manifest.verdict}: {manifest.figures}", stacklevel=2)
        columns = {column.name: column.type for column in manifest.columns}
        reader = frames.find(manifest.format)
        for path in datasets.parts(store, folder, manifest):
            yield from reader.read(path, columns, records)
        if not manifest.parts:
            yield frames.empty(manifest.format, columns)


def fetch_dataframe(
    source: str, *, storage: str = LOCAL, bucket: str | None = None, prefix: str = "", whole: bool = True
) -> "pd.DataFrame":
    """The newest published dataset of a source as one DataFrame: `latest`, then `read_dataset`."""
    manifest = latest(source, storage=storage, bucket=bucket, prefix=prefix, whole=whole)
    return read_dataset(manifest, storage=storage, bucket=bucket)


def put_dataframe(
    frame: "pd.DataFrame",
    key: str,
    *,
    storage: str = LOCAL,
    bucket: str | None = None,
    upload: Mapping[str, Any] | None = None,
) -> str:
    """Store a DataFrame in the format that the key ends in, replacing what stood there; where it is now.

    `upload` is the option of a run, such as `{"ServerSideEncryption": "aws:kms"}`.

    Raises:
        FormatError: the key does not tell a format, or a file would lose something of the frame.
        SettingsError: the key lies in a landing folder, whose objects nothing may replace.
    """
    frames.check(frame)
    writer = frames.find(frames.format_of(key, compressed=False))
    with _store(storage, bucket, upload) as (store, root), staging_folder() as staging:
        full, path = _checked(key, root), staging / "frame"
        if datasets.is_in_landing(store, full):
            raise SettingsError(f"{store.uri(full)} lies in a landing folder; choose another folder")
        writer.write(frame, path)
        store.put_file(path, full, content_type=writer.content_type)
        return store.uri(full)


def get_dataframe(key: str, *, storage: str = LOCAL, bucket: str | None = None) -> "pd.DataFrame":
    """An object as a DataFrame, in the format that its key ends in, `.gz` or `.zst` behind it or not.

    Raises:
        ObjectMissingError: there is none.
        FormatError: the key does not tell a format.
    """
    reader = frames.find(frames.format_of(key))
    with _store(storage, bucket) as (store, root), staging_folder() as staging:
        full = _checked(key, root)
        path = staging / full.rpartition("/")[2]
        store.get_file(full, path)
        return next(reader.read(path, {}, WHOLE))


def _checked(key: str, root: str) -> str:
    return keys.checked_prefix(keys.joined(root, keys.checked_prefix(key)))


@contextmanager
def _store(
    storage: str, bucket: str | None, upload: Mapping[str, Any] | None = None
) -> Iterator[tuple[ObjectStore, str]]:
    """The store of a target, and the folder that its block confines us to."""
    close_leftovers()
    options = None if upload is None else UploadOptions(**upload)
    target = blocks.load_target(storage, bucket, options)
    with closing(blocks.open_store(target, options)) as store:
        yield store, target.root_folder


@contextmanager
def _landing(dataset: Manifest | str, storage: str, bucket: str | None) -> Iterator[tuple[ObjectStore, str]]:
    """The store and the landing folder of a dataset; a location says itself which bucket or folder it is in."""
    location = dataset.location if isinstance(dataset, Manifest) else dataset
    folder = location.removesuffix(f"/{keys.MANIFEST}")
    places, slug = kinds.places(folder, bucket), storage.partition("/")[0]
    if places and slug not in places:
        choice = kinds.choice(next(iter(places)))
        raise SettingsError(f"{location} is not in storage {storage!r}; read it with storage={choice!r}")
    place = places.get(slug)
    with _store(storage, place.bucket if place else bucket) as (store, root):
        yield store, place.folder if place else _checked(folder, root)
