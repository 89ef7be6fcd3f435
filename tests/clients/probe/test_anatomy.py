"""What a body shows of itself."""

import json

import httpx
import pytest

from seawall.clients.errors import MalformedPageError
from seawall.clients.limits import ANATOMY_LEVELS
from seawall.clients.probe.anatomy import Anatomy, anatomy


def shown(body: object) -> Anatomy:
    return anatomy(json.dumps(body).encode())


def test_lists_counts_and_texts_are_found_by_their_paths() -> None:
    found = shown({"meta": {"total": 7, "pages": "3", "next": "?a=1"}, "result": {"items": [{"a": 1}, {"a": 2}]}})
    assert found.lists == {"result.items": 2}
    assert found.counts == {"meta.total": 7, "meta.pages": 3}
    assert found.texts == {"meta.pages": "3", "meta.next": "?a=1"}


def test_a_body_that_is_a_list_is_the_list() -> None:
    assert shown([{"a": 1}]).records_path == ""


def test_of_several_lists_the_longest_is_taken_for_the_records_and_of_equal_ones_the_least_deep() -> None:
    assert shown({"facets": [{}], "x": {"rows": [{}, {}]}}).records_path == "x.rows"
    assert shown({"x": {"rows": [{}, {}]}, "rows": [{}, {}]}).records_path == "rows"
    assert shown({"ids": [1, 2, 3], "empty": [], "mixed": [{}, 1]}).records_path is None


def test_nothing_is_told_of_keys_that_no_path_can_name_nor_of_what_counts_nothing() -> None:
    body = {".b": [{}], "": 1, "x y": 2, "<script>": 3, "n": -1, "f": 1.5, "header:n": 4, "long": 10**30, "no": None}
    assert shown(body) == Anatomy()


def test_flags_are_found_and_so_are_keys_that_hold_dots() -> None:
    found = shown({"meta": {"has_more": True, "last": False}, "@odata.nextLink": "/x?y=1"})
    assert found.flags == {"meta.has_more": True, "meta.last": False}
    assert found.texts == {"@odata.nextLink": "/x?y=1"}


def test_headers_that_tell_of_totals_are_counts_by_their_names() -> None:
    headers = {"X-WP-TotalPages": "25", "X-Total": "x", "Content-Range": "items 0-9/35", "X-Request-Id": "7"}
    found = anatomy(b"[]", httpx.Headers(headers))
    assert found.counts == {"header:X-WP-TotalPages": 25, "header:Content-Range": 35}


def test_depth_is_bounded() -> None:
    body: object = 1
    for level in range(ANATOMY_LEVELS, 0, -1):
        body = {f"k{level}": body, f"deep{level}": {"": 0}}
    assert list(shown(body).counts) == [".".join(f"k{level}" for level in range(1, ANATOMY_LEVELS + 1))]
    assert shown({"k0": body}) == Anatomy()


@pytest.mark.parametrize("content", [b"", b"<html>", b"[" * 100_000])
def test_what_is_not_json_is_an_error(content: bytes) -> None:
    with pytest.raises(MalformedPageError, match="the body is not JSON"):
        anatomy(content)
