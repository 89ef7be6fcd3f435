"""Structure: how a valid JSON text is built, found out piece by piece, so that no text costs more than its bytes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from seawall.clients.limits import PIECE_BYTES

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Levels = npt.NDArray[np.int32]

Text = bytes | msgspec.Raw

_STRUCTURE: Final = b'[]{}",'
_REST: Final = bytes(set(range(256)) - set(_STRUCTURE))
_STEPS: Final = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_PIECE: Final = 4 * PIECE_BYTES


def depth(text: Text) -> int:
    """The deepest level of arrays and objects."""
    return max((int(levels.max(initial=0)) for _, levels in _marks(text)), default=0)


def commas(text: Text) -> int:
    """How many commas there are, those in strings included."""
    return sum(piece.count(b",") for piece in pieces(text))


def most_members(text: Text, levels: int) -> int:
    """The most members that any list or object in the outermost `levels` of a text can have."""
    commas = np.zeros(levels + 1, np.int64)
    for marks, each in _marks(text):
        commas += np.bincount(each[marks == ord(",")].clip(0, levels + 1), minlength=levels + 2)[: levels + 1]
    return int(commas[1:].max(initial=0)) + 1


def _marks(text: Text) -> "Iterator[tuple[Bytes, Levels]]":
    """The brackets and commas outside of strings, and the level after each.

    With escapes gone, quotes alternate between the outside and the inside of strings.
    """
    quotes = level = 0
    for piece in pieces(text):
        plain = piece.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _REST)
        marks = np.frombuffer(plain, np.uint8)
        passed = quotes + np.cumsum(marks == ord('"'), dtype=np.int32)
        outside = marks[passed % 2 == 0]
        levels = level + np.cumsum(_STEPS[outside], dtype=np.int32)
        quotes, level = int(passed[-1]) if passed.size else quotes, int(levels[-1]) if levels.size else level
        yield outside, levels


def pieces(text: Text) -> Iterator[bytes]:
    """A text in pieces, none of which ends in the middle of an escaped quote or backslash."""
    whole, begin = memoryview(text), 0
    while begin < len(whole):
        piece = whole[begin : begin + _PIECE].tobytes()
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:
            piece = whole[begin : begin + _PIECE + 1].tobytes()
        begin += len(piece)
        yield piece
