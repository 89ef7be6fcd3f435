"""Content codings: the same bytes however they are packed and cut into pieces."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import AttemptError, MalformedPageError
from seawall.clients.http.codings import decoded
from seawall.clients.limits import PIECE_BYTES


def unpacked(packed: bytes, coding: str, step: int = 10**9) -> bytes:
    pieces = [packed[at : at + step] for at in range(0, len(packed), step)]
    return b"".join(decoded(pieces, coding, max_bytes=2**60))


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50))
def test_members_are_read_one_after_the_other_wherever_the_pieces_are_cut(members: list[bytes], step: int) -> None:
    assert unpacked(b"".join(map(gzip.compress, members)), "gzip", step) == b"".join(members)


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 16 * PIECE_BYTES])
@pytest.mark.parametrize("copies", [1, 3])
def test_a_member_may_end_where_a_piece_does(length: int, copies: int) -> None:
    body = b"x" * length
    assert unpacked(gzip.compress(body) * copies, "gzip") == body * copies
    assert unpacked(zlib.compress(body), "deflate", 5) == body


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_stream_that_is_cut_anywhere_is_never_taken_for_whole(body: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(body)
    end = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(AttemptError):
        unpacked(packed[:end], "gzip", 7)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip, gzip", "compress", "gzip;q=1", "gzip gzip"])
def test_a_coding_that_we_did_not_ask_for_is_no_page(coding: str) -> None:
    with pytest.raises(MalformedPageError, match="in a coding that we did not ask for"):
        unpacked(b"", coding)


@pytest.mark.parametrize("coding", ["", "identity", "Identity, ", ","])
def test_no_coding_leaves_the_body_as_it_is(coding: str) -> None:
    assert unpacked(b"body", coding, 1) == b"body"
