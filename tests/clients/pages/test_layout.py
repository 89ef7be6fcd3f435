"""Layouts: what is read in one pass is what a look at each path finds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import AttemptError, MalformedPageError
from seawall.clients.pages.body import Body
from seawall.clients.pages.layout import Layout

KEYS = st.sampled_from(["data", "items", "meta", "total", 'a"b', ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 99) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
PATHS = st.lists(KEYS.filter(bool), max_size=3).map(".".join)


def seen(body: Body, records: str, others: list[str]) -> list[Any]:
    found: list[Any] = [(body.count(path), body.has(path)) for path in others if path]
    try:
        return [*found, list(body.records(records))]
    except MalformedPageError as error:
        return [*found, str(error)]


@given(VALUES, PATHS, st.lists(PATHS, max_size=3))
def test_a_body_shows_the_same_whether_or_not_it_is_laid_out_as_expected(
    value: Any, records: str, others: list[str]
) -> None:
    content = json.dumps(value).encode()
    assert seen(Body(content, Layout(records, others)), records, others) == seen(Body(content), records, others)


@pytest.mark.parametrize("content", [b'{"data":[1', b'{"data":[1]} x', b'{"data":[1],"meta":tru}', b'{"data":[1],}'])
def test_a_body_is_read_to_its_end_by_its_layout_too(content: bytes) -> None:
    assert Layout("data", ["meta.total"]).read(content) is None
    with pytest.raises(AttemptError, match="the body is not JSON"):
        Body(content, Layout("data", ["meta.total"]))


def test_of_a_key_that_repeats_the_last_value_counts() -> None:
    content = b'{"data":[1],"total":1,"data":[2,3],"total":2}'
    for body in (Body(content), Body(content, Layout("data", ["total"]))):
        assert (list(body.records("data")), body.count("total")) == ([b"2", b"3"], 2)
