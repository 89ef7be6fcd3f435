"""Rules: the first that holds says what an answer is."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from seawall.clients.http.exchange import Answer
from seawall.clients.pages.body import Body
from seawall.clients.pages.rules import Rule, Rules

BUSY = b'{"state": "busy", "quota": 0, "data": []}'


def first(*rules: dict[str, Any], content: bytes = BUSY) -> Any:
    answer = Answer(
        url=httpx.URL("https://x/"), status=200, headers=httpx.Headers({"X-Left": "0"}), content=content, seconds=0
    )
    return Rules([Rule(**rule) for rule in rules]).first(answer, lambda: Body(answer.content))


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"status": 200}, True), ({"status": [201, 200]}, True), ({"status": 404}, False),
        ({"path": "state"}, True), ({"path": "gone"}, False), ({"path": "gone", "present": False}, True),
        ({"path": "state", "equals": "busy"}, True), ({"path": "/state", "equals": "done"}, False),
        ({"path": "quota", "equals": 0}, True), ({"path": "quota", "equals": False}, False),
        ({"header": "X-Left", "equals": 0}, True), ({"header": "x-left"}, True), ({"header": "X-Gone"}, False),
        ({"path": "header:X-Left", "equals": "0"}, True), ({"status": 500, "path": "state"}, False),
    ],
)  # fmt: skip
def test_a_rule_holds_where_all_that_it_says_is_so(when: dict[str, Any], holds: bool) -> None:  # noqa: FBT001
    assert (first({"when": when, "then": "retry"}) is not None) is holds


def test_the_first_one_that_holds_counts() -> None:
    assert first(
        {"when": {"status": 500}, "then": "fail"},
        {"when": {"status": 200}, "then": "empty"},
        {"when": {"path": "state"}, "then": "end"},
    ) == (2, "empty")


def test_a_path_says_nothing_of_a_body_that_is_no_json() -> None:
    assert first({"when": {"path": "state", "present": False}, "then": "end"}, content=b"<html>") is None


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"when": {}, "then": "end"}, "give a status, a header or a path"),
        ({"when": {"equals": 1}, "then": "end"}, "give a status, a header or a path"),
        ({"when": {"status": 200, "equals": 1}, "then": "end"}, "name one"),
        ({"when": {"path": "a", "header": "b"}, "then": "end"}, "write two rules"),
        ({"when": {"path": "a", "equals": 1, "present": True}, "then": "end"}, "leave present out"),
        ({"when": {"status": 99}, "then": "end"}, "greater than or equal to 200"),
        ({"when": {"statuses": 200}, "then": "end"}, "did you mean 'status'?"),
        ({"when": {"status": 200}, "then": "ignore"}, "'retry', 'throttle', 'end', 'empty', 'page' or 'fail'"),
        ({"when": {"path": "jmespath:a["}, "then": "end"}, "is no JMESPath"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Rule(**rule)
    assert told in str(refused.value)
