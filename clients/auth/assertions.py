"""Assertions: what a private key signs, in place of a password (RFC 7523)."""

import time
import warnings
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from seawall.clients.http.certificates import tidy_pem

ASSERTION_LIFE: Final = 150.0  # seconds; Salesforce takes at most three minutes
ASSERTION_SKEW: Final = 30.0  # seconds that the clock of a server may be behind ours


class Assertion:
    """A signed JWT with these claims, made anew by each call, for it lives for ASSERTION_LIFE seconds."""

    def __init__(self, claims: Mapping[str, Any], private_key: str, key_id: str | None = None) -> None:
        self._claims = claims
        self._private_key = private_key
        self._headers = {"kid": key_id} if key_id else None

    def __repr__(self) -> str:
        return f"Assertion(iss={self._claims.get('iss')!r})"

    def __call__(self) -> str:
        """The text of one."""
        now = time.time()
        times = {"iat": int(now - ASSERTION_SKEW), "exp": int(now + ASSERTION_LIFE)}
        claims = {**self._claims, **times, "jti": uuid4().hex}
        return jwt.encode(claims, self._private_key, algorithm=_algorithm(self._private_key), headers=self._headers)


def signing_key(text: str) -> str:
    """A private key as PEM text; raises ValueError, which never shows it, where it is none that can sign."""
    pem = tidy_pem(text)
    try:
        _algorithm(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(
            "no private key to sign with: it takes one of RSA with 2,048 bits or more, or of EC on the curve P-256, as "
            "PEM text with -----BEGIN PRIVATE KEY-----, without a passphrase"
        ) from None
    return pem


def _algorithm(pem: str) -> str:
    """How a key signs (RFC 7518 §3.1). Raises ValueError or TypeError where it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keys that are refused below
        key = load_pem_private_key(pem.encode(), password=None)
    if isinstance(key, RSAPrivateKey) and key.key_size >= 2048:
        return "RS256"
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return "ES256"
    raise ValueError("another kind of key")
