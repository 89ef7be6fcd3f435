"""Nesting: counted exactly, however strings are written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import AttemptError
from seawall.clients.limits import MAX_NESTING
from seawall.clients.pages.nesting import refuse_deep
from seawall.clients.pages.records import Records
from seawall.clients.pages.structure import depth

TEXT = st.text(alphabet='[]{}"\\a,:', max_size=8)
JSON = st.recursive(
    st.none() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


def levels(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0


@given(JSON)
def test_the_depth_of_any_text_is_that_of_its_value(value: Any) -> None:
    assert depth(json.dumps(value).encode()) == levels(value)


@pytest.mark.parametrize("extra", [0, 1])
def test_only_what_is_deeper_than_the_limit_is_refused(extra: int) -> None:
    record = b"[" * (MAX_NESTING - 1 + extra) + b"]" * (MAX_NESTING - 1 + extra)
    body = b"[" + record + b',{"wide":[' + b",".join([b"{}"] * 500) + b"]}]"
    if extra:
        with pytest.raises(AttemptError, match=f"nests {MAX_NESTING + 1} levels deep, we land at most {MAX_NESTING}"):
            refuse_deep(body, Records([record]))
    else:
        refuse_deep(body, Records([record]))


def test_a_deep_record_is_found_behind_many_shallow_ones() -> None:
    records = [b'{"text": "%s"}' % (b"x" * 1_000)] * MAX_NESTING + [b"[" * MAX_NESTING + b"]" * MAX_NESTING]
    with pytest.raises(AttemptError, match="levels deep"):
        refuse_deep(b"[" + b",".join(records) + b"]", Records(records))


@given(st.lists(st.integers(1, MAX_NESTING + 2).map(lambda deep: b"[" * deep + b"]" * deep), max_size=4), TEXT)
def test_a_deep_record_is_found_wherever_it_stands_among_others(records: list[bytes], key: str) -> None:
    body = b'{"%s":[%s]}' % (json.dumps(key)[1:-1].encode(), b",".join(records))
    if depth(body) > MAX_NESTING:
        with pytest.raises(AttemptError, match="levels deep"):
            refuse_deep(body, Records(records))
    else:
        refuse_deep(body, Records(records))
