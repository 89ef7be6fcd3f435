"""Records: a page's JSON texts in one piece, and what tells them from those of another page."""

import pytest

from seawall.clients.pages.records import DIGEST_BYTES, Records

TEXTS = [b'{"id": 1}', b'{"id":\n 2}', b"7", b'{"id": 3}']


def test_each_record_is_its_own_bytes_whatever_line_breaks_it_holds() -> None:
    records = Records(TEXTS)
    assert list(records) == TEXTS
    assert [records[at] for at in (0, 1, -1)] == [TEXTS[0], TEXTS[1], TEXTS[-1]]
    assert records[1:3] == TEXTS[1:3]
    assert (len(records), records == TEXTS, records == TEXTS[1:]) == (4, True, False)
    with pytest.raises(IndexError):
        records[4]


@pytest.mark.parametrize("mark", [b"\n", b",", b",\n", b""])
def test_records_are_joined_as_a_list_of_them_is(mark: bytes) -> None:
    assert Records(TEXTS).joined(mark) == mark.join(TEXTS)
    assert Records().joined(mark) == b""


def test_the_digest_that_receipts_keep_is_the_same_in_every_version() -> None:
    assert Records([b'{"id": 1}', b'{"id": 2}']).digest.hex() == "ef94be02cc99c49a"
    assert Records().digest == bytes(DIGEST_BYTES)


def test_the_order_of_records_is_part_of_their_digest() -> None:
    assert Records(TEXTS).digest != Records(TEXTS[::-1]).digest
