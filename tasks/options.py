"""What a person can set for one run, besides source and storage."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from seawall.clients.limits import MAX_IN_FLIGHT
from seawall.formats.columns import EXTRA
from seawall.formats.writer import MAX_COLUMNS, ROW_GROUP_RECORDS
from seawall.storage.ranges import PageRange
from seawall.tasks.upload_options import UploadOptions

MAX_PARALLEL_PARTS = 32


class IngestOptions(BaseModel):
    """Options of one ingest run; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Records to ask for in a page; empty: the source's own."
    )
    pages: Annotated[str, Field(pattern=r"^[0-9]{1,9}-[0-9]{1,9}$")] | None = Field(
        None, description="Only these pages, such as 1-500; empty: all of them."
    )
    pages_per_part: int = Field(500, ge=1, le=100_000, description="Pages that make one object.")
    parallel_parts: int = Field(2, ge=1, le=MAX_PARALLEL_PARTS, description="Parts that are landed at once.")
    max_in_flight: Annotated[int, Field(ge=1, le=MAX_IN_FLIGHT)] | None = Field(
        None,
        description=f"Most requests on the wire at once, over all parts of a process; empty: up to {MAX_IN_FLIGHT}.",
    )
    compression: Literal["none", "gzip", "zstd"] = Field("none", description="Compression of the objects.")
    columns: tuple[str, ...] | None = Field(
        None, min_length=1, description=f"Columns in this order, other keys in {EXTRA}; empty: as they appear."
    )
    max_columns: int = Field(
        MAX_COLUMNS, ge=1, le=100_000, description="More columns than this are an error; pinned ones are not counted."
    )
    null_text: str = Field("", description="What a CSV cell shows for null and for a missing key.")
    escape_formulas: bool = Field(default=False, description="Put ' before CSV cells that a spreadsheet would run.")
    row_group_size: int = Field(
        ROW_GROUP_RECORDS, ge=1_000, le=10_000_000, description="Records in a row group of a Parquet file."
    )
    record_key: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        None,
        description="Field that no two records share, dotted; several with commas. Empty: the source's own.",
    )
    passes: int = Field(
        1, ge=1, le=2, description="Walks over the source; 2: walk again until two walks agree, at most three."
    )
    max_failed_pages: int = Field(0, ge=0, description="Publish with up to this many pages missing, and say so.")
    max_rejected_records: int = Field(0, ge=0, description="Set aside up to this many records that no format can hold.")
    strict: bool = Field(default=False, description="Publish only what is complete.")
    upload: UploadOptions | None = Field(
        None, description="Encryption, storage class, access and tags of every object, in a bucket."
    )
    create_bucket: bool = Field(default=False, description="Create the bucket if it is missing.")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        unknown = sorted(set(values) - set(cls.model_fields)) if isinstance(values, dict) else []
        if unknown:
            raise ValueError(f"unknown option {unknown[0]!r}; choose from: {', '.join(cls.model_fields)}")
        return values

    @field_validator("pages")
    @classmethod
    def _in_order(cls, pages: str | None) -> str | None:
        if pages and int(pages.split("-")[0]) > int(pages.split("-")[1]):
            raise ValueError(f"pages {pages!r} ends before it begins; write it as FIRST-LAST, such as 1-500")
        return pages

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: tuple[str, ...] | None) -> tuple[str, ...] | None:
        names = (*(columns or ()), EXTRA)
        again = next((name for name in names if names.count(name) > 1), None)
        if again is not None:
            raise ValueError(f"column {again!r} is named twice; {EXTRA} is there by itself, for all other keys")
        return columns

    @property
    def page_range(self) -> PageRange | None:
        """The pages that were asked for, if not all."""
        if not self.pages:
            return None
        first, last = map(int, re.findall(r"\d+", self.pages))
        return PageRange(first, last)
