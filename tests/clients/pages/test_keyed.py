"""Objects in place of a list: nothing that they say is lost, and nothing else passes for records."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import MalformedPageError, TooManyRecordsError
from seawall.clients.pages.body import Body
from seawall.clients.pages.layout import Layout
from seawall.tests.values import CONTAINERS, SCALARS, TEXTS


def records(content: object, records_as: str = "list", path: str = "data") -> list[object]:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    body = Body(text, Layout(path), records_as=records_as, max_records=1000)
    return [json.loads(record) for record in body.records(path)]


ONE, TWO = {"id": 1, "n": "x"}, {"id": 2, "n": "y"}
HOLED = {"0": {"n": "x"}, "2": {"n": "y"}}


@pytest.mark.parametrize(
    "keyed",
    [
        {"1": ONE, "2": TWO},
        {"2": TWO},
        {"x": {"name": "x", "id": 1}, "y": {"name": "y", "id": 1}},
        {"7": {"userId": "7"}},
        HOLED,
        {"0": {"n": "x"}},
    ],
)
def test_an_object_of_records_is_a_list_where_that_is_beyond_doubt(keyed: dict[str, object]) -> None:
    assert records({"data": keyed}) == list(keyed.values())


def test_the_text_of_each_record_stays_byte_for_byte() -> None:
    text = b'{"data": {"1": {"id" : 1,\n "x": 1.50} , "2":{"id":2} }}'
    assert list(Body(text).records("data")) == [b'{"id" : 1,\n "x": 1.50}', b'{"id":2}']


DOUBTFUL = {
    "no record": {},
    "the key is said nowhere else": {"17": {"n": "x"}, "42": {"n": "y"}},
    "numbers that begin with 1": {"1": {"n": "x"}, "2": {"n": "y"}},
    "few positions of a long list": {"0": {"n": "x"}, "9": {"n": "y"}},
    "positions that do not ascend": {"1": {"n": "x"}, "0": {"n": "y"}},
    "one record that holds another key": {"1": ONE, "2": {"id": 3}},
    "the key in another field of each": {"1": {"id": 1}, "2": {"code": 2}},
    "a field that is not called like a key": {"5": {"count": 5}},
    "a member that is no object": {"1": ONE, "total": 1},
    "a single record": ONE,
    "an error": {"error": {"code": "error"}},
    "errors": {"errors": {"name": "errors"}, "x": {"name": "x"}},
}


@pytest.mark.parametrize("keyed", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_any_other_object_is_refused_and_the_remedy_is_said(keyed: dict[str, object]) -> None:
    with pytest.raises(MalformedPageError, match=r"no list of records at 'data'; .* set records_as to .by_id.,"):
        records({"data": keyed})


def test_at_the_top_of_a_body_records_by_their_keys_have_to_be_declared() -> None:
    with pytest.raises(MalformedPageError, match='records_as to "by_id"'):
        records({"1": ONE, "2": TWO}, path="")
    assert records({"1": ONE, "2": TWO}, "by_id", path="") == [ONE, TWO]
    assert records(HOLED, path="") == list(HOLED.values()), "no envelope has numbers for its keys"


def test_a_declared_key_that_no_record_holds_becomes_a_field_of_it() -> None:
    assert records({"data": {"17": {"n": "x"}, '4 "2': {}}}, "by_id") == [{"_key": "17", "n": "x"}, {"_key": '4 "2'}]
    assert list(Body(b'{"data":{"a": { "x": 1.50}}}', records_as="by_id").records("data")) == [
        b'{"_key":"a","x": 1.50}'
    ]
    assert records({"data": {"1": ONE, "2": {"id": 3}}}, "by_id") == [{"_key": "1", **ONE}, {"_key": "2", "id": 3}]


def test_declared_records_that_hold_their_keys_stay_as_they_are() -> None:
    assert records({"data": {"1": ONE, "2": TWO}}, "by_id") == [ONE, TWO]


def test_an_empty_object_is_an_empty_page_where_that_is_declared() -> None:
    assert records({"data": {}}, "by_id") == records({"data": []}, "by_id") == []
    for records_as in ("list", "one"):
        with pytest.raises(MalformedPageError):
            records({"data": {}}, records_as)


def test_a_list_is_taken_whatever_is_declared() -> None:
    for records_as in ("list", "by_id", "one"):
        assert records({"data": [ONE, TWO]}, records_as) == [ONE, TWO]


def test_what_is_no_object_among_declared_records_is_set_aside_later() -> None:
    assert records({"data": {"1": {"n": "x"}, "2": None}}, "by_id") == [{"_key": "1", "n": "x"}, None]


@pytest.mark.parametrize("content", [{"error": {"code": 1}}, {"message": "no", "code": 500}, {"errors": {"x": {}}}])
def test_no_envelope_of_an_error_passes_for_declared_records(content: dict[str, object]) -> None:
    with pytest.raises(MalformedPageError):
        records(content, "by_id", path="")
    with pytest.raises(MalformedPageError):
        records({"data": content}, "by_id")


def test_two_records_with_one_key_are_refused() -> None:
    with pytest.raises(MalformedPageError, match="two records of an object of records have the same key"):
        records(b'{"data":{"1":{"id":1,"a":[1,2]},"1":{"id":1}}}')


def test_a_record_that_has_a_field_of_that_name_is_refused() -> None:
    with pytest.raises(MalformedPageError, match="a field '_key' of its own"):
        records({"data": {"1": {"_key": "x"}, "2": {}}}, "by_id")


def test_a_single_record_is_a_list_of_one_where_that_is_declared() -> None:
    assert records({"data": ONE}, "one") == [ONE]
    assert records(ONE, "one", path="") == [ONE]


@pytest.mark.parametrize("content", [{"error": "no"}, {"code": 500, "message": "no"}, "x", 7, None])
def test_no_error_is_taken_for_a_single_record(content: object) -> None:
    with pytest.raises(MalformedPageError):
        records(content, "one", path="")
    with pytest.raises(MalformedPageError):
        records({"data": content}, "one")


def test_records_are_counted_before_an_object_is_made_for_each() -> None:
    with pytest.raises(TooManyRecordsError):
        records({"data": {str(number): {"id": number} for number in range(1001)}}, "by_id")
    with pytest.raises(TooManyRecordsError):
        records({"data": {"1": {str(number): number for number in range(1001)}}}, "by_id")


FIELDS = st.dictionaries(TEXTS.map("a {}".format), SCALARS | CONTAINERS, max_size=3)  # none is called like a key


@given(st.dictionaries(TEXTS.map("k {}".format), FIELDS, max_size=5))
def test_nothing_of_declared_records_is_lost(keyed: dict[str, dict[str, object]]) -> None:
    assert records({"data": keyed}, "by_id") == [{"_key": key, **value} for key, value in keyed.items()]
