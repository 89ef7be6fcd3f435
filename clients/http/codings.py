"""Content codings: bodies decompressed piece by piece, so that a decompression bomb is caught in constant memory."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from seawall.clients.errors import AttemptError, BodyTooLargeError, MalformedPageError
from seawall.clients.limits import MAX_CODINGS, PIECE_BYTES
from seawall.clients.redact import neutral

_GZIP: Final = 16 + zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


def decoded(pieces: Iterable[bytes], coding: str, *, max_bytes: int) -> Iterator[bytes]:
    """The body whose coded bytes are `pieces`, in pieces of at most 64 KiB (RFC 9110 §8.4).

    Raises:
        BodyTooLargeError: a layer yields more than `max_bytes`.
        MalformedPageError: a coding that we did not ask for, or too many layers of it.
        AttemptError: the body is cut, or not what its header says.
    """
    layers = [name for each in coding.lower().split(",") if (name := each.strip()) not in ("", "identity")]
    if len(layers) > MAX_CODINGS or not set(layers) <= set(_CODINGS):
        raise MalformedPageError(f"the body comes in a coding that we did not ask for: {neutral(coding)}")
    pieces = _counted(pieces, max_bytes)
    for name in reversed(layers):  # the header lists them in the order in which they were applied
        pieces = _counted(_CODINGS[name](pieces), max_bytes)
    return iter(pieces)


def _counted(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > max_bytes:
            raise BodyTooLargeError(f"is larger than {max_bytes:,} bytes")
        yield piece


def _gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One or more gzip members (RFC 1952 §2.2)."""
    member = None
    for piece in pieces:
        left = piece
        while left:
            member = member or zlib.decompressobj(_GZIP)
            yield from _inflated(member, left)
            left = member.unused_data
            member = None if member.eof else member
    _refuse_cut(member)


def _deflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A zlib stream, or the bare deflate stream that some servers send in its place (RFC 9110 §8.4.1.2)."""
    stream = None
    for piece in filter(None, pieces):
        if stream is None:
            is_zlib = piece[0] & 0x0F == zlib.DEFLATED  # RFC 1950 §2.2; no encoder begins a bare stream like that
            stream = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else _RAW)
        yield from _inflated(stream, piece)
        if stream.unused_data:
            raise AttemptError("bytes follow the end of the compressed body", cause="truncated")
    _refuse_cut(stream)


def _inflated(stream: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece = stream.decompress(data, PIECE_BYTES)
            data = stream.unconsumed_tail
            if piece:
                yield piece
            if stream.eof or (len(piece) < PIECE_BYTES and not data):  # after a full piece there may be more
                return
    except zlib.error as error:
        raise AttemptError(f"the body is not compressed as its header says: {error}", cause="truncated") from None


def _refuse_cut(stream: "zlib._Decompress | None") -> None:
    if stream is not None and not stream.eof:
        raise AttemptError("the compressed body is cut short", cause="truncated")


_CODINGS: Final[dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
}
