"""Certificates: those of authorities, by which servers are checked, and our own, by which a server knows us."""

import contextlib
import os
import re
import ssl
import threading
from typing import Final

PEM_CHARACTERS: Final = 49_152  # of a certificate, its authorities and its key

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
_LINE: Final = 64  # characters (RFC 7468 §2)


def tidy_pem(text: str) -> str:
    """PEM text in the lines that it should have (RFC 7468 §2): a form of one line takes them away."""
    return "".join(
        f"-----BEGIN {label}-----\n{_lines(body)}-----END {label}-----\n" for label, body in _BLOCK.findall(text)
    )


def client_certificate(text: str) -> str:
    """A certificate and its key as PEM text; raises ValueError, which never shows it, where they are none."""
    pem = tidy_pem(text)
    if len(pem) > PEM_CHARACTERS:
        raise ValueError(f"PEM text of a certificate and its key has at most {PEM_CHARACTERS:,} characters")
    try:
        _load(ssl.create_default_context(), pem)
    except (ssl.SSLError, ValueError, OSError):
        raise ValueError(
            "no certificate with its key in PEM form: it takes -----BEGIN CERTIFICATE-----, the authorities between, "
            "and -----BEGIN PRIVATE KEY-----, which belongs to the first of them and has no passphrase"
        ) from None
    return pem


def add_client_certificate(context: ssl.SSLContext, text: str) -> None:
    """Let connections of a context show this certificate to servers that ask for one."""
    _load(context, tidy_pem(text))


def _load(context: ssl.SSLContext, pem: str) -> None:
    """Load a certificate and its key; Python wants paths, and no disk may ever hold the key: so through pipes."""
    certificate, key = _piped(pem), _piped(pem)
    try:
        context.load_cert_chain(f"/dev/fd/{certificate}", f"/dev/fd/{key}", password=lambda: "")
    finally:
        os.close(certificate)
        os.close(key)


def _piped(text: str) -> int:
    """A file descriptor from which a text can be read once; a thread writes it, as a pipe may take little at once."""
    reader, writer = os.pipe()
    threading.Thread(target=_write, args=(writer, text), daemon=True, name="certificate").start()
    return reader


def _write(writer: int, text: str) -> None:
    with contextlib.suppress(OSError), os.fdopen(writer, "w", encoding="ascii", errors="replace") as pipe:
        pipe.write(text)  # nobody reads what follows a mistake


def _lines(body: str) -> str:
    base64 = "".join(body.replace("\\n", "").replace("\\r", "").split())
    return "".join(f"{base64[begin : begin + _LINE]}\n" for begin in range(0, len(base64), _LINE))
