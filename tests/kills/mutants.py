"""Defects that are planted in a process: each breaks the order of writes that a kill relies on."""

import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest, read_manifests, write_manifest
from seawall.storage.receipts import Receipt
from seawall.storage.s3 import S3Store
from seawall.storage.store import ObjectStore
from seawall.tasks import publish as publishing
from seawall.tasks.landing import upload
from seawall.tasks.publishing import sweep as sweeping


class _Held:
    """Files that a store says it has, and has not yet."""

    def __init__(self, patch: pytest.MonkeyPatch, is_held: Callable[[str], bool]) -> None:
        self._files: dict[str, tuple[Path, Callable[[], None]]] = {}
        for kind in (S3Store, LocalStore):
            self._patch(patch, kind, kind.put_file, kind.head, is_held)

    def _patch(
        self, patch: pytest.MonkeyPatch, kind: type, put: Any, head: Any, is_held: Callable[[str], bool]
    ) -> None:
        def put_file(store: ObjectStore, path: Path, key: str, *, content_type: str) -> None:
            if is_held(key):
                copy = Path(shutil.copy(path, f"held-{uuid.uuid4().hex}"))
                self._files[key] = (copy, lambda: put(store, copy, key, content_type=content_type))
            else:
                put(store, path, key, content_type=content_type)

        def size_of(store: ObjectStore, key: str) -> int:
            return self._files[key][0].stat().st_size if key in self._files else int(head(store, key))

        patch.setattr(kind, "put_file", put_file)
        patch.setattr(kind, "head", size_of)

    def let_go(self, *keys: str) -> None:
        """Store some of them, or all."""
        for key in keys or list(self._files):
            if key in self._files:
                copy, put = self._files.pop(key)
                put()
                copy.unlink(missing_ok=True)


def _receipt_before_its_object(patch: pytest.MonkeyPatch) -> None:
    _document_first(patch, upload, "write_receipt", while_publishing=False)


def _manifest_before_widened_copies(patch: pytest.MonkeyPatch) -> None:
    _document_first(patch, publishing, "write_manifest", while_publishing=True)


def _document_first(patch: pytest.MonkeyPatch, module: Any, name: str, *, while_publishing: bool) -> None:
    """Let a document be written first, and then the data that it tells of."""
    is_publishing, gather, write = threading.Event(), publishing._manifest, getattr(module, name)
    held = _Held(patch, lambda key: "/_" not in key and is_publishing.is_set() == while_publishing)

    def manifest(*args: Any) -> Manifest:
        is_publishing.set()
        return gather(*args)

    def document_first(*args: Any) -> Any:
        document = write(*args)
        held.let_go(*(each.key for each in args if isinstance(each, Receipt)))
        return document

    patch.setattr(publishing, "_manifest", manifest)
    patch.setattr(module, name, document_first)


def _sweep_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    write, read = write_manifest, read_manifests

    def swept_first(store: ObjectStore, folder: str, manifest: Manifest) -> None:
        with pytest.MonkeyPatch.context() as early:
            early.setattr(sweeping, "read_manifests", lambda *args: [*read(*args), manifest])
            sweeping.sweep(store, folder)
        write(store, folder, manifest)

    patch.setattr(publishing, "write_manifest", swept_first)


MUTANTS: Final[dict[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "a receipt before its object": _receipt_before_its_object,
    "a manifest before widened copies": _manifest_before_widened_copies,
    "a sweep before the commit": _sweep_before_the_commit,
}
