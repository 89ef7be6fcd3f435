"""Upload: a staged part becomes an object, verified, and then a receipt."""

from base64 import b64decode
from datetime import UTC, datetime

import numpy as np
from loguru import logger

from seawall.clients.pages.records import DIGEST_BYTES
from seawall.storage.checksums import sha256_of
from seawall.storage.keys import part_key, rejected_key
from seawall.storage.receipts import Receipt, write_receipt
from seawall.tasks.context.resources import Resources
from seawall.tasks.landing.record_keys import store_digests
from seawall.tasks.landing.staged import StagedPart
from seawall.tasks.run import Landing


def upload_part(part: StagedPart, landing: Landing, resources: Resources, *, generation: int = 1) -> Receipt:
    """Store a staged part, verified, and only then write its receipt; a later `generation` supersedes another one."""
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
        keyless=part.keyless,
        generation=generation,
        landed_at=datetime.now(UTC).isoformat(),
        rejected_records=part.rejected.records,
        rejected_key=set_aside_key,
        **part.summary.fields(),
    )
    logger.bind(pages=str(part.pages), records=receipt.records, bytes=receipt.bytes).info("part landed")
    return write_receipt(resources.store, landing.folder, receipt)


def differing_pages(receipt: Receipt, part: StagedPart) -> int:
    """How many pages of a part came differently than a receipt of its range tells."""
    before, now = (np.frombuffer(text, ">u8") for text in (b64decode(receipt.digests), bytes(part.summary.digests)))
    if part.pages != receipt.pages or before.size != now.size:
        return max(1, abs(len(receipt.pages) - len(part.pages)))
    return int((before != now).sum()) or int(_leads_on(receipt, part))


def may_supersede(receipt: Receipt, part: StagedPart, *, only_longer: bool) -> bool:
    """Whether a part can stand in place of the one that a receipt tells of.

    One with other pages, or with a gap among them, does not stand for the whole range. What follows in a chained walk
    has to follow the new part, too: it gives the token or ends with the page that it did, or leads on for the first
    time. With `only_longer` it has to hold more records.
    """
    summary = part.summary
    if part.pages != receipt.pages:
        return False
    ends_alike = bytes(summary.digests[-DIGEST_BYTES:]) == b64decode(receipt.digests)[-DIGEST_BYTES:]
    if receipt.next_token not in (None, summary.next_token) and not ends_alike:
        return False
    return not only_longer or sum(summary.lengths) > receipt.sent_records or _leads_on(receipt, part)


def _leads_on(receipt: Receipt, part: StagedPart) -> bool:
    """Whether a chained walk that had ended with a part goes on from it now."""
    return receipt.next_token is None and part.summary.next_token is not None


def _upload_rejected(part: StagedPart, landing: Landing, resources: Resources) -> str | None:
    """Store the rejected records of a part; their key, if there are any."""
    if not part.rejected.records:
        return None
    key = rejected_key(landing.folder, part.pages.first, sha256_of(part.rejected.path))
    resources.store.put_file(part.rejected.path, key, content_type="application/x-ndjson")
    part.rejected.path.unlink()
    logger.bind(pages=str(part.pages), records=part.rejected.records, key=key).warning("records set aside")
    return key
