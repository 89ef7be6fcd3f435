"""Places where cases land, seen past the project's own code: which objects there are, and what is unfinished."""

from pathlib import Path
from typing import Any, Protocol


class Place(Protocol):
    """The objects of one case."""

    def names(self) -> list[str]:
        """All keys."""

    def get(self, key: str) -> bytes:
        """An object."""

    def uploads(self) -> list[str]:
        """The keys of unfinished uploads."""


class Bucket:
    """What stands below a prefix of a bucket."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    def names(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._prefix}/")
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def get(self, key: str) -> bytes:
        return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def uploads(self) -> list[str]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket)
        uploads = [upload["Key"] for page in pages for upload in page.get("Uploads", [])]
        return [key for key in uploads if key.startswith(f"{self._prefix}/")]


class Folder:
    """What stands in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        return [path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file()]

    def get(self, key: str) -> bytes:
        return (self._root / key).read_bytes()

    def uploads(self) -> list[str]:
        return []
