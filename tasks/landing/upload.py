"""Upload: a staged part becomes an object, verified, and then a receipt."""

from base64 import b64encode
from datetime import UTC, datetime

from loguru import logger

from seawall.storage.checksums import sha256_of
from seawall.storage.keys import part_key, rejected_key
from seawall.storage.receipts import Receipt, write_receipt
from seawall.tasks.context.resources import Resources
from seawall.tasks.landing.record_keys import store_digests
from seawall.tasks.landing.staged import StagedPart
from seawall.tasks.run import Landing


def upload_part(part: StagedPart, landing: Landing, resources: Resources) -> Receipt:
    """Store a staged part, verified, and only then write its receipt."""
    key = part_key(landing.folder, part.pages.first, part.file.sha256, resources.format.suffix)
    resources.store.put_file(part.file.path, key, content_type=resources.format.content_type)
    part.file.path.unlink()
    set_aside_key = _upload_rejected(part, landing, resources)
    if part.keys is not None:
        store_digests(resources.store, landing.folder, part.pages.first, part.file.sha256, part.keys)
    receipt = Receipt(
        first=part.pages.first,
        last=part.pages.last,
        records=part.file.records,
        bytes=part.file.bytes,
        sha256=part.file.sha256,
        columns=part.columns,
        key=key,
        body_bytes=part.body_bytes,
        retries=dict(part.retries),
        totals=part.notice.totals,
        totals_at=part.notice.at,
        next_token=part.next_token,
        digests=b64encode(part.digests).decode(),
        keyless=part.keyless,
        landed_at=datetime.now(UTC).isoformat(),
        rejected_records=part.rejected.records,
        rejected_key=set_aside_key,
    )
    logger.bind(pages=str(part.pages), records=receipt.records, bytes=receipt.bytes).info("part landed")
    return write_receipt(resources.store, landing.folder, receipt)


def _upload_rejected(part: StagedPart, landing: Landing, resources: Resources) -> str | None:
    """Store the rejected records of a part; their key, if there are any."""
    if not part.rejected.records:
        return None
    key = rejected_key(landing.folder, part.pages.first, sha256_of(part.rejected.path))
    resources.store.put_file(part.rejected.path, key, content_type="application/x-ndjson")
    part.rejected.path.unlink()
    logger.bind(pages=str(part.pages), records=part.rejected.records, key=key).warning("records set aside")
    return key
