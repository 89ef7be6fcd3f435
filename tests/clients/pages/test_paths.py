"""Paths: each way of saying where something stands finds it, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import MalformedPageError
from seawall.clients.pages import paths
from seawall.clients.pages.body import Body
from seawall.clients.pages.layout import Layout

GRAPH = {"@odata.count": 7, "@odata.nextLink": "https://x/2", "value": [{"id": 1}], "a": {"b.c": 1, "b": {"c": 2}}}
BUNDLE = {
    "total": 3,
    "link": [{"relation": "self", "url": "https://x/1"}, {"relation": "next", "url": "https://x/2"}],
    "entry": [{"id": 1}],
}


def body(value: Any, records: str = "value", *others: str, **headers: str) -> Body:
    return Body(json.dumps(value).encode(), Layout(records, others), headers=headers)


@pytest.mark.parametrize("is_laid_out", [True, False])
def test_a_key_that_holds_dots_is_found_as_it_is_written(*, is_laid_out: bool) -> None:
    found = body(GRAPH, "value", *(["@odata.nextLink", "@odata.count"] if is_laid_out else []))
    assert (found.token("@odata.nextLink"), found.count("@odata.count")) == ("https://x/2", 7)
    assert found.count("a.b.c") == 1, "the longest key first"
    assert not found.has("@odata.deltaLink")


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/a/b.c", 1),
        ("/a/b/c", 2),
        ("/value/0/id", 1),
        ("/value/1/id", None),
        ("/value/00/id", None),
        ("/a/b.c/0", None),
    ],
)
def test_a_pointer_names_each_key_and_the_index_of_an_element(path: str, count: int | None) -> None:
    assert body(GRAPH).count(path) == count


def test_a_pointer_escapes_slashes_and_tildes() -> None:
    assert body({"a/b": {"~": 5}, "value": []}, "value", "/a~1b/~0").count("/a~1b/~0") == 5


def test_records_stand_where_a_pointer_or_a_key_with_dots_says() -> None:
    value = {"d": {"results.all": [{"id": 1}]}}
    for path in ("d.results.all", "/d/results.all"):
        assert list(body(value, path).records(path)) == [b'{"id": 1}']


def test_a_header_is_read_like_a_value() -> None:
    found = body([], "", **{"X-Total": "12", "X-Next": "c2"})
    assert (found.count("header:X-Total"), found.token("header:X-Next")) == (12, "c2")
    assert not found.has("header:X-Gone")


def test_an_expression_looks_through_the_body_without_its_records() -> None:
    found = body(BUNDLE, "entry")
    assert found.token("jmespath:link[?relation=='next'].url | [0]") == "https://x/2"
    assert found.token("jmespath:entry[0].id") is None
    assert not found.has("jmespath:link[?relation=='last'].url | [0]")
    nested = body({"d": {"results": [{"id": 1}], "more": True}}, "d.results")
    assert nested.token("jmespath:d.keys(@)[0]") == "more"


def test_an_expression_that_cannot_be_worked_out_is_an_error_of_the_page() -> None:
    with pytest.raises(MalformedPageError, match=r"jmespath:length\(total\)"):
        body(BUNDLE, "entry").count("jmespath:length(total)")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("header:X Total", "names no header"), ("header:", "names no header"), ("jmespath:a[", "is no JMESPath"),
        ("/a~2b", "~0 for a tilde"), ("a..b", "a dot too many"), (".a", "a dot too many"),
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused_with_the_way_to_write_one(path: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        paths.checked(path)


@given(st.dictionaries(st.text("a./~", min_size=1, max_size=4), st.integers(0, 9), min_size=1, max_size=4))
def test_every_key_is_found_by_its_pointer(value: dict[str, int]) -> None:
    for key, number in value.items():
        pointer = "/" + key.replace("~", "~0").replace("/", "~1")
        assert body({**value, "value": []}, "value", pointer).count(pointer) == number


def test_a_path_of_many_steps_costs_no_more_than_its_steps() -> None:
    path = ".".join("a" * 100)
    assert body({"a": {"a": 1}, "value": []}, "value", path).count(path) is None
