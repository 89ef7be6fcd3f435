"""Structure: counted exactly, however texts are cut into pieces."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import TooManyRecordsError
from seawall.clients.pages import structure
from seawall.clients.pages.body import Body
from seawall.clients.pages.layout import Layout
from seawall.clients.pages.structure import depth, most_members, pieces

TEXT = st.text(alphabet='[]{}"\\a,:', max_size=8)
JSON = st.recursive(
    st.none() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


def levels(value: Any) -> list[int]:
    """The commas at each level of a value, from the outermost one on."""
    if not isinstance(value, dict | list):
        return []
    inner = [levels(each) for each in (value.values() if isinstance(value, dict) else value)]
    deepest = max(map(len, inner), default=0)
    return [max(len(value) - 1, 0), *(sum(each[at] for each in inner if at < len(each)) for at in range(deepest))]


@given(JSON, st.integers(1, 9), st.integers(1, 3))
def test_depth_and_members_are_those_of_the_value_however_small_the_pieces(
    value: Any, size: int, outermost: int
) -> None:
    text = json.dumps(value).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "_PIECE", size)
        assert b"".join(pieces(text)) == text
        assert depth(text) == len(levels(value))
        assert most_members(text, outermost) == max(levels(value)[:outermost], default=0) + 1


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b'{"data":[%s]}', "data"),
        (b'{"included":[1,2,3,4],"data":[%s]}', "data"),
        (b"[%s]", ""),
        (b'{"a":{"b":[%s]}}', "a.b"),
        (b'{"data":["\\ud800",%s]}', "data"),
    ],
)
def test_a_list_of_records_has_as_many_as_are_allowed_and_no_more(content: bytes, path: str) -> None:
    extra = content.count(b"ud800")
    for layout in (None, Layout(path, ["total"])):
        fits = content % b",".join([b'{"a":1,"b":[1,2,3,4,5,6,7]}'] * (10 - extra))
        assert len(Body(fits, layout, max_records=10).records(path)) == 10
        bomb = content % b",".join([b"0"] * (11 - extra))
        with pytest.raises(TooManyRecordsError, match="holds 11 records or keys in one list or object, more than 10"):
            Body(bomb, layout, max_records=10).records(path)


@pytest.mark.parametrize("content", [b"{%s}", b'{"data":{%s}}', b'{"data":{"items":{%s}}}'])
def test_no_object_that_is_looked_into_has_more_keys_than_records_are_allowed(content: bytes) -> None:
    keys = b",".join(b'"k%d":0' % number for number in range(11))
    with pytest.raises(TooManyRecordsError, match="holds 11 records or keys"):
        Body(content % keys, Layout("data.items"), max_records=10).records("data.items.it")


def test_a_body_that_is_cut_is_that_however_many_records_it_has() -> None:
    for layout in (None, Layout("data")):
        with pytest.raises(Exception, match="the body is not JSON") as caught:
            Body(b'{"data":[' + b"0," * 50, layout, max_records=10)
        assert not isinstance(caught.value, TooManyRecordsError)
