"""What makes two records, and two pages, the same."""

import pytest

from seawall.clients.pages.identity import KEY_BYTES, Identity, Sameness, key_digests
from seawall.clients.pages.records import Records


@pytest.mark.parametrize(
    ("one", "other", "name", "same"),
    [
        (b'{"id":1}', b'{"id": 1, "x": 2}', "id", True),
        (b'{"id":1}', b'{"id":"1"}', "id", False),
        (b'{"id":"\\u0061"}', b'{"id":"a"}', "id", True),
        (b'{"a":{"b":1}}', b'{"a":{"b":1,"c":2}}', "a.b", True),
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', "a, b", True),
        (b'{"a":"1","b":"2"}', b'{"a":"12","b":""}', "a,b", False),
    ],
)
def test_keys_are_compared_as_they_read(one: bytes, other: bytes, name: str, *, same: bool) -> None:
    (first,), (second,) = key_digests([one], name), key_digests([other], name)
    assert (first == second) is same
    assert len(first) == KEY_BYTES


@pytest.mark.parametrize("record", [b"{}", b'{"id":null}', b'{"ID":1}', b"[1]", b"7"])
def test_a_record_without_the_key_has_none(record: bytes) -> None:
    assert key_digests([record], "id") == []


def of(*texts: bytes, number: int = 1, sameness: Sameness | None = None) -> Identity:
    return (sameness or Sameness()).of(number, Records(texts))


def test_pages_with_the_same_keys_are_the_same_whatever_else_changed() -> None:
    by_key = Sameness("id")
    one = of(b'{"id":1,"score":0.3}', b'{"id":2,"score":0.2}', sameness=by_key)
    other = of(b'{"id":1,"score":0.9}', b'{"id":2,"score":0.8}', sameness=by_key)
    assert one.digest == other.digest
    assert of(b'{"id":1}', b'{"id":3}', sameness=by_key).digest != one.digest


@pytest.mark.parametrize("field", ["url", "meta.url"])
def test_fields_that_are_new_in_every_answer_can_be_left_out(field: str) -> None:
    with_url = {"url": b'{"id":%d,"url":"%d"}', "meta.url": b'{"id":%d,"meta":{"url":"%d"}}'}[field]
    pages = [of(with_url % (1, stamp), with_url % (2, stamp), sameness=Sameness(None, (field,))) for stamp in (7, 8)]
    assert pages[0].digest == pages[1].digest
    assert of(with_url % (1, 7), with_url % (2, 7)).digest != of(with_url % (1, 8), with_url % (2, 8)).digest


def test_a_page_of_records_that_are_alike_is_bound_to_its_number() -> None:
    plain = [of(*[b'{"v":0}'] * 5, number=number) for number in (1, 2)]
    assert plain[0].is_plain
    assert plain[0].digest != plain[1].digest
    assert plain[0].content == plain[1].content
    varied = [of(b'{"v":0}', b'{"v":1}', number=number) for number in (1, 2)]
    assert varied[0].digest == varied[1].digest


A, B, C, D = (b'{"id":%d}' % number for number in range(4))


@pytest.mark.parametrize(
    ("before", "after", "shares"),
    [
        ((A, B), (C, D), False),
        ((A, B), (B, C), True),
        ((A, B, C), (B, C, D), True),
        ((A, A, A), (A, A, A), False),
        ((A, B), (), False),
    ],
    ids=["none", "the boundary", "more than that", "records that are alike", "an empty page"],
)
def test_neighbours_that_share_a_record_are_found_out(
    before: tuple[bytes, ...], after: tuple[bytes, ...], *, shares: bool
) -> None:
    assert of(*before).shares_with(of(*after, number=2)) is shares
