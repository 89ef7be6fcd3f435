"""Staged parts: consecutive good pages in a local file, complete and not yet in the bucket."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path

from seawall.clients.errors import SourceError, WalkStoppedError
from seawall.clients.pages.page import End, Gap, Page
from seawall.clients.redact import neutral
from seawall.formats.records import RecordError
from seawall.formats.writer import ColumnsError, Format, WrittenFile
from seawall.storage.documents import Column
from seawall.storage.ranges import PageRange
from seawall.tasks.errors import IngestError, RejectedRecordsError
from seawall.tasks.landing.record_keys import KeyFile
from seawall.tasks.landing.rejected import RejectedFile
from seawall.tasks.landing.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPart:
    """A part that is complete in a local file and not yet in the bucket; the rest is as in its receipt."""

    file: WrittenFile
    columns: tuple[Column, ...]
    rejected: RejectedFile
    pages: PageRange
    summary: Summary
    keys: Path | None = None
    keyless: int = 0


def staged_parts(
    outcomes: Iterable[Page | Gap | End], format: Format, staging: Path, record_key: str | None = None
) -> Iterator[StagedPart | Gap | End | SourceError | RejectedRecordsError]:
    """Each run of good pages, in a staged file of its own; what interrupts them passes through.

    An error that ends the walk comes last, as a value, so that the good pages before it are a part, too.
    """
    for good, run in groupby(_error_last(outcomes), key=lambda outcome: isinstance(outcome, Page)):
        if good:
            yield write_part((page for page in run if isinstance(page, Page)), format, staging, record_key)
        else:
            yield from (outcome for outcome in run if not isinstance(outcome, Page))


def _error_last(
    outcomes: Iterable[Page | Gap | End],
) -> Iterator[Page | Gap | End | SourceError | RejectedRecordsError]:
    try:
        yield from outcomes
    except WalkStoppedError:  # there is no time left to land anything
        raise
    except (SourceError, RejectedRecordsError) as error:
        yield error


def write_part(pages: Iterable[Page], format: Format, staging: Path, record_key: str | None = None) -> StagedPart:
    """Write consecutive pages to one file, as they arrive, and the digests of their record keys to another."""
    summary = Summary()
    rejected = RejectedFile(staging / "rejected.jsonl")
    with format.open(staging / f"part.{format.suffix}") as writer, KeyFile(staging / "keys", record_key) as keys:
        try:
            for page in pages:
                summary.add(page)
                writer.write(page.records)
                rejected.add(page)
                keys.write(page)
            file = writer.close()
        except RecordError as error:
            raise IngestError(f"page {summary.last}, {error}; nothing of this part was landed") from error
        except ColumnsError as error:  # perhaps of an earlier page, since a writer gathers them
            number = summary.first + bisect_right(list(accumulate(summary.counts)), error.record)
            place = f"page {number}, key '{neutral(error.name)}'"
            raise IngestError(f"{place}: {error}; nothing of this part was landed") from error
    return StagedPart(
        file=file,
        columns=_columns(file, summary.first, summary.counts),
        rejected=rejected,
        pages=PageRange(summary.first, summary.last),
        summary=summary,
        keys=keys.path,
        keyless=keys.keyless,
    )


def _columns(file: WrittenFile, first: int, counts: Sequence[int]) -> tuple[Column, ...]:
    """The columns of a part, with the pages on which they came to their types."""
    ends = list(accumulate(counts))
    return tuple(
        Column(name, kind, {of: first + bisect_right(ends, record) for of, record in file.since.get(name, {}).items()})
        for name, kind in file.columns.items()
    )
