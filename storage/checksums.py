"""SHA-256 of a file: in hexadecimal as our documents have it, in base64 as S3 has it."""

import base64
import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def s3_checksum_of(path: Path, chunk_bytes: int) -> str:
    """SHA-256 of a file as S3 tells it, in base64; of one that was uploaded in chunks, the composite of theirs.

    Amazon S3 User Guide, "Checking object integrity": the checksum of the parts' checksums.
    """
    if path.stat().st_size < chunk_bytes:
        return base64.b64encode(bytes.fromhex(sha256_of(path))).decode()
    composite = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(chunk_bytes):
            composite.update(hashlib.sha256(chunk).digest())
    return base64.b64encode(composite.digest()).decode()
