"""What makes two records, and two pages, the same."""

import json
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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
        (rb'{"a":"x\u0000\"y","b":"z"}', rb'{"a":"x","b":"y\u0000\"z"}', "a,b", False),
        (rb'{"a":"x\u0000","b":"z"}', rb'{"b":"z","a":"x\u0000"}', "a,b", True),
        (b'{"a":1,"b":1}', b'{"a":1.0,"b":1}', "a,b", False),
        (b'{"a":1,"b":1}', b'{"a":"1","b":1}', "a,b", False),
        (b'{"a":1 ,"b":[ 1 ]\n}', b'{"a":1,"b":[ 1 ]}', "a,b", True),
    ],
)
def test_keys_are_compared_as_they_read(one: bytes, other: bytes, name: str, *, same: bool) -> None:
    (first,), (second,) = key_digests([one], name), key_digests([other], name)
    assert (first == second) is same
    assert len(first) == KEY_BYTES


PIECES = st.lists(st.sampled_from(["\0", "\1", '"', "x", ",", "\\", "1", "{"]), max_size=4).map("".join)
FIELDS = st.one_of(PIECES, st.integers(-2, 2), st.booleans(), st.lists(PIECES, max_size=2))


@given(keys=st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=2, max_size=2), escaped=st.booleans())
@example(keys=[('x\0"y', "z", 1), ("x", 'y\0"z', 1)], escaped=False)
@example(keys=[("\0", "\1", "x"), ("\0\1", "", "x")], escaped=True)
@settings(max_examples=300)
def test_keys_of_several_fields_are_the_same_only_where_every_field_is(keys: list[Any], *, escaped: bool) -> None:
    names = ("a", "b", "c")
    records = [json.dumps(dict(zip(names, key, strict=True)), ensure_ascii=escaped).encode() for key in keys]
    one, other = key_digests(records, "a,b,c")
    assert (one == other) is (json.dumps(keys[0]) == json.dumps(keys[1]))


def test_digests_are_those_that_earlier_runs_left_beside_their_receipts() -> None:
    records = [b'{"a":"x","b":7}', rb'{"a":"\u0000","b":7}']
    assert key_digests(records, "a") == [blake2b(text, digest_size=16).digest() for text in (b'"x', b'"\0')]
    assert key_digests(records[:1], "a,b") == [blake2b(b'"x\x007', digest_size=16).digest()]


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
