"""UTF-8: what Python takes for text, byte for byte, and nothing else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.clients.pages.utf8 import refuse_other_than_utf8

LEADS = (0x00, 0x61, 0x7F, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF)
TAILS = (0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF)
EDGES = [bytes([byte]) for byte in (*LEADS, *TAILS)] + [letter.encode() for letter in "aé€😀"]


def is_text(bytes_: bytes) -> bool:
    try:
        bytes_.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.lists(st.sampled_from(EDGES) | st.binary(max_size=2), max_size=12).map(b"".join) | st.binary())
@example(b"\xed\xa0\x80")  # a surrogate
@example(b"\xc0\xaf")  # an overlong form
@example(b"\xf4\x90\x80\x80")  # beyond U+10FFFF
@example("€".encode()[:2])
def test_what_is_refused_is_what_python_refuses(bytes_: bytes) -> None:
    if is_text(bytes_):
        refuse_other_than_utf8(bytes_)
    else:
        with pytest.raises(UnicodeDecodeError):
            refuse_other_than_utf8(bytes_)


@pytest.mark.parametrize("lead", range(256))
def test_every_sequence_of_two_and_three_bytes_is_judged_as_python_judges_it(lead: int) -> None:
    second, third = bytes(range(256)), (b"", b"\x7f", b"\x80", b"\xbf", b"\xc0")
    for tail in (bytes([each]) + end for each in second for end in third):
        text = bytes([lead]) + tail
        assert is_text(text) == _accepted(text), text.hex()


def _accepted(text: bytes) -> bool:
    try:
        refuse_other_than_utf8(text)
    except UnicodeDecodeError:
        return False
    return True
