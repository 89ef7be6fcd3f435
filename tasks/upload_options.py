"""What every object of a run is stored with, under the names that boto3 gives it; storage in S3 alone knows it."""

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

from pydantic import Field, field_validator, model_validator

from seawall.clients.form import Form

MAX_TAGS: Final = 10  # of an object; Amazon S3 User Guide, "Categorizing your objects using tags"
MAX_TAG_NAME: Final = 128  # characters
MAX_TAG_VALUE: Final = 256  # characters

_ARCHIVES: Final = ("GLACIER", "DEEP_ARCHIVE")
_METADATA_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


class UploadOptions(Form):
    """Encryption, storage class, access and tags of every object that a run writes."""

    ServerSideEncryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        None, description="How the store encrypts objects; empty: by the bucket's default."
    )
    SSEKMSKeyId: Annotated[str, Field(pattern=r"^[!-~]{1,2048}$")] | None = Field(
        None, description="Id or ARN of the KMS key; empty: the account's own for S3."
    )
    BucketKeyEnabled: bool | None = Field(None, description="Use an S3 Bucket Key, which asks KMS less often.")
    StorageClass: Annotated[str, Field(pattern=r"^[A-Z0-9_-]{1,64}$")] | None = Field(
        None, description="Such as STANDARD_IA or INTELLIGENT_TIERING; an archive cannot be read back."
    )
    ACL: (
        Literal[
            "private",
            "public-read",
            "authenticated-read",
            "aws-exec-read",
            "bucket-owner-read",
            "bucket-owner-full-control",
        ]
        | None
    ) = Field(None, description="Who may read; where the bucket belongs to another account: its owner.")
    Tagging: str | None = Field(None, description="Tags as name=value&name=value, URL-encoded.")
    Metadata: dict[str, str] | None = Field(None, description="Texts that are kept with each object; no secrets.")

    @field_validator("StorageClass")
    @classmethod
    def _readable(cls, name: str | None) -> str | None:
        if name in _ARCHIVES:
            raise ValueError(
                f"objects in {name!r} cannot be read at once, and a run reads what it wrote; take GLACIER_IR, or let a "
                "lifecycle rule of the bucket move them later"
            )
        return name

    @field_validator("Tagging")
    @classmethod
    def _tags(cls, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            tags = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise ValueError(f"{text!r} are no tags; write name=value, several with & between them") from None
        names = [name for name, _ in tags]
        too_long = [name for name, value in tags if len(name) > MAX_TAG_NAME or len(value) > MAX_TAG_VALUE]
        if again := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"the tag {again!r} is named twice")
        if "" in names or too_long or len(tags) > MAX_TAGS:
            raise ValueError(
                f"an object has at most {MAX_TAGS} tags, with names of 1 to {MAX_TAG_NAME} characters and values of at "
                f"most {MAX_TAG_VALUE}; these are {len(tags)}, of which these are too long: {too_long}"
            )
        return text

    @field_validator("Metadata")
    @classmethod
    def _sendable(cls, texts: dict[str, str] | None) -> dict[str, str] | None:
        for name, text in (texts or {}).items():
            if not _METADATA_NAME.fullmatch(name) or not (text.isascii() and text.isprintable()):
                raise ValueError(
                    f"no header can carry the metadata {name!r}: letters, digits, - and _ in its name, ASCII in one "
                    "line as its text"
                )
        return texts

    @model_validator(mode="after")
    def _key_of_kms(self) -> "UploadOptions":
        encryption = self.ServerSideEncryption or ""
        for name in ("SSEKMSKeyId", "BucketKeyEnabled"):
            if getattr(self, name) is not None and not encryption.startswith("aws:kms"):
                raise ValueError(f"{name} goes with ServerSideEncryption 'aws:kms' or 'aws:kms:dsse'")
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        """What boto3 is given with each write."""
        return self.model_dump(exclude_none=True)
