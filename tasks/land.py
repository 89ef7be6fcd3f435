"""Land: fetch the pages that no receipt covers, write them part by part, upload each, leave a receipt."""

import hashlib
import tempfile
from base64 import b64encode
from bisect import bisect_right
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate, groupby, islice
from pathlib import Path

from loguru import logger
from prefect import task
from prefect.futures import PrefectFuture, as_completed, wait

from clients.errors import SourceError, WalkStoppedError
from clients.page import End, Gap, Page
from clients.paginators import Tokens
from formats.writer import Format, RecordError, WrittenFile
from storage import manifest, receipts
from storage.documents import Column, Totals
from storage.keys import part_key, rejected_key
from storage.manifest import FailedPage
from storage.ranges import PageRange
from storage.receipts import Receipt
from tasks.authenticate import ONCE
from tasks.errors import IngestError, RejectedRecordsError
from tasks.landed import Landed
from tasks.logs import guarded
from tasks.progress import progress
from tasks.record_keys import KeyFile, store_digests
from tasks.rejected import RejectedFile, told, within_limit
from tasks.resources import Resources, resources
from tasks.run import Landing
from tasks.walk import links, merged, uncovered


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPart:
    """A part that is complete in a local file and not yet in the bucket."""

    file: WrittenFile
    columns: tuple[Column, ...]
    rejected: RejectedFile
    pages: PageRange
    received: int
    retries: Counter[str]
    totals: Totals
    told_at: float
    next: str | None
    digests: bytes
    keys: Path | None = None
    keyless: int = 0


def land(landing: Landing) -> Landed:
    """Land every range that no receipt covers, then pages that appeared since; gaps once more.

    A walk by tokens is landed part after part; there a page that fails for good ends the run, which can be resumed.
    """
    nothing = Landed(retries=Counter())
    if manifest.find(resources(landing.run).store, landing.folder) is not None:  # then what is missing stays so
        return nothing
    with progress(landing):
        if isinstance(resources(landing.run).source.pagination, Tokens):
            return nothing.and_then(*_in_parallel(landing, links(landing), at_once=1))
        landed = _land_uncovered(landing, nothing)
        again = [PageRange(gap.page, gap.page) for gap in landed.gaps]
        if not again:
            return landed
        logger.bind(pages=", ".join(map(str, again))).info("trying failed pages once more")
        healed = replace(landed, gaps=()).and_then(*_in_parallel(landing, ((pages, None) for pages in again)))
        return _land_uncovered(landing, healed)


@task(name="land", task_run_name="land {landing.run.source} pages {pages}", **ONCE)
@guarded()
def land_part(landing: Landing, pages: PageRange, token: str | None = None) -> Landed:
    """Land one range: a part for each run of pages without a gap; `token` is what asks for its first page.

    Raises:
        SourceError: the source cannot be walked any further.
        RejectedRecordsError: too many records are rejected.
        StorageError: a part could not be stored.
    """
    opened = resources(landing.run)
    landed = Landed(retries=Counter())
    fetched: Generator[Page | Gap | End, None, None]
    if isinstance(opened.source.pagination, Tokens):
        fetched = opened.client.follow(pages.first, pages.last, token)
    else:
        fetched = opened.client.pages(pages.first, pages.last, sharing=landing.run.options.parallel_parts)
    with tempfile.TemporaryDirectory(prefix="seawall-") as staging, closing(fetched):
        walked = within_limit(fetched, landing.run.options.max_rejected_records)
        for outcome in fetch_parts(walked, opened.format, Path(staging), landing.run.options.record_key):
            match outcome:
                case StagedPart():
                    upload_part(outcome, landing, opened)
                    landed = landed.and_then(Landed(rejected=outcome.rejected.records, retries=Counter()))
                case Gap():
                    gap = FailedPage(page=outcome.number, error=outcome.error)
                    landed = landed.and_then(Landed(gaps=(gap,), retries=Counter(outcome.retries)))
                case End():
                    totals = Totals(pages=outcome.totals.pages, records=outcome.totals.records)
                    end = Landed(end=outcome.number, told=(outcome.read_at, totals), retries=Counter())
                    return landed.and_then(end)
                case SourceError() | RejectedRecordsError():  # what came before it is safe by now
                    raise outcome
    return landed


def fetch_parts(
    fetched: Iterable[Page | Gap | End], format: Format, staging: Path, record_key: str | None = None
) -> Iterator[StagedPart | Gap | End | SourceError | RejectedRecordsError]:
    """Write each run of good pages to a staged file of its own; what interrupts them passes through.

    An error that ends the walk comes last, as a value, so that the good pages before it are a part, too.
    """
    for good, outcomes in groupby(_error_last(fetched), key=lambda outcome: isinstance(outcome, Page)):
        if good:
            yield write_part((page for page in outcomes if isinstance(page, Page)), format, staging, record_key)
        else:
            yield from (outcome for outcome in outcomes if not isinstance(outcome, Page))


def _error_last(fetched: Iterable[Page | Gap | End]) -> Iterator[Page | Gap | End | SourceError | RejectedRecordsError]:
    try:
        yield from fetched
    except WalkStoppedError:  # there is no time left to land anything
        raise
    except (SourceError, RejectedRecordsError) as error:
        yield error


def write_part(pages: Iterable[Page], format: Format, staging: Path, record_key: str | None = None) -> StagedPart:
    """Write consecutive pages to one file, as they arrive, and the digests of their record keys to another."""
    last = received = 0
    counts: list[int] = []  # records of each page
    retries: Counter[str] = Counter()
    totals, told_at, token, digests = Totals(), 0.0, None, bytearray()
    rejected = RejectedFile(staging / "rejected.jsonl")
    with format.open(staging / f"part.{format.suffix}") as writer, KeyFile(staging / "keys", record_key) as keys:
        for page in pages:
            try:
                writer.write(page.records)
            except RecordError as error:
                raise IngestError(f"page {page.number}, {error}; nothing of this part was landed") from error
            rejected.add(page)
            keys.write(page.records)
            counts.append(len(page.records))
            last = page.number
            received += page.size
            retries.update(page.retries)
            totals = merged(totals, page.totals) if page.read_at > told_at else merged(page.totals, totals)
            told_at = max(told_at, page.read_at)
            token = page.token
            digests += page.records.digest
        file = writer.close()
    pages_held = PageRange(last - len(counts) + 1, last)
    return StagedPart(
        file=file,
        columns=_columns(file, pages_held.first, counts),
        rejected=rejected,
        pages=pages_held,
        received=received,
        retries=retries,
        totals=totals,
        told_at=told_at,
        next=token,
        digests=bytes(digests),
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


def upload_part(part: StagedPart, landing: Landing, opened: Resources) -> Receipt:
    """Store a staged part, verified, and only then write its receipt."""
    key = part_key(landing.folder, part.pages.first, part.file.sha256, opened.format.suffix)
    opened.store.put_file(part.file.path, key, content_type=opened.format.content_type)
    part.file.path.unlink()
    aside = _upload_rejected(part, landing, opened)
    if part.keys is not None:
        store_digests(opened.store, landing.folder, part.pages.first, part.file.sha256, part.keys)
    receipt = Receipt(
        first=part.pages.first,
        last=part.pages.last,
        records=part.file.records,
        bytes=part.file.bytes,
        sha256=part.file.sha256,
        columns=part.columns,
        key=key,
        received=part.received,
        retries=dict(part.retries),
        totals=part.totals,
        told_at=part.told_at,
        next=part.next,
        digests=b64encode(part.digests).decode(),
        keyless=part.keyless,
        landed=datetime.now(UTC).isoformat(),
        rejected=part.rejected.records,
        rejected_key=aside,
    )
    logger.bind(pages=str(part.pages), records=receipt.records, bytes=receipt.bytes).info("part landed")
    return receipts.write(opened.store, landing.folder, receipt)


def _upload_rejected(part: StagedPart, landing: Landing, opened: Resources) -> str | None:
    """Store the rejected records of a part; their key, if there are any."""
    if not part.rejected.records:
        return None
    with part.rejected.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    key = rejected_key(landing.folder, part.pages.first, sha256)
    opened.store.put_file(part.rejected.path, key, content_type="application/x-ndjson")
    part.rejected.path.unlink()
    logger.bind(pages=str(part.pages), records=part.rejected.records, key=key).warning("records set aside")
    return key


def _land_uncovered(landing: Landing, landed: Landed) -> Landed:
    while ranges := uncovered(landing, landed):
        landed = landed.and_then(*_in_parallel(landing, ((pages, None) for pages in ranges)))
    return landed


def _in_parallel(
    landing: Landing, parts: Iterable[tuple[PageRange, str | None]], *, at_once: int | None = None
) -> Iterator[Landed]:
    """Land ranges in tasks, `parallel_parts` at a time; the first error stops the rest.

    Raises:
        RejectedRecordsError: parts hold too many together, though none of them does alone.
    """
    waiting = iter(parts)
    running: list[PrefectFuture[Landed]] = []
    rejected, limit = 0, landing.run.options.max_rejected_records
    try:
        while True:
            for pages, token in islice(waiting, (at_once or landing.run.options.parallel_parts) - len(running)):
                running.append(land_part.submit(landing, pages, token))
            if not running:
                return
            done = next(as_completed(running))
            running.remove(done)
            landed = done.result()
            rejected += landed.rejected
            if rejected > limit:
                raise RejectedRecordsError(told(rejected, limit))
            yield landed
    except BaseException:
        resources(landing.run).client.stop()
        wait(running)
        raise
