"""Upload: a staged part becomes an object, verified, and then a receipt."""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime

from loguru import logger

from seawall.storage import receipts
from seawall.storage.keys import part_key, rejected_key
from seawall.storage.receipts import Receipt
from seawall.tasks.context.resources import Resources
from seawall.tasks.landing.record_keys import store_digests
from seawall.tasks.landing.staged import StagedPart
from seawall.tasks.run import Landing


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
