"""Readings: tokens stand where a path says, in the body or in a header."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from seawall.clients.auth.login import Login
from seawall.clients.auth.readings import found
from seawall.clients.auth.tokens import TokenAuth
from seawall.clients.errors import AuthenticationError
from seawall.clients.http.exchange import Answer

BODY = b'{"data": {"access.token": "dotted", "token": "plain", "list": [{"x": "first"}]}, "a/b": "slash", "n": null}'


def answer(content: bytes = BODY, **headers: Any) -> Answer:
    url = httpx.URL("https://h/login")
    return Answer(url=url, status=200, headers=httpx.Headers(headers), content=content, seconds=0)


@pytest.mark.parametrize(
    ("path", "value"),
    [("data.token", "plain"), ("data.access.token", "dotted"), ("/data/access.token", "dotted"), ("/a~1b", "slash"),
     ("data.list.0.x", "first"), ("/data/list/0/x", "first"), ("header:X-Subject-Token", "in-header"),
     ("jmespath:data.list[?x=='first'].x | [0]", "first"), ('jmespath:data."access.token"', "dotted"),
     ("data.missing", None), ("/data/list/1/x", None), ("data.token.deeper", None), ("n", None), ("n.x", None),
     ("header:X-Other", None), ("jmespath:data.nothing", None), ("jmespath:length(n)", None), ("data.list.-1", None)],
)  # fmt: skip
def test_a_path_leads_to_what_stands_there(path: str, value: str | None) -> None:
    assert found(answer(BODY, **{"X-Subject-Token": "in-header"}), path) == value


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_holds_nothing_and_a_header_does(content: bytes) -> None:
    assert found(answer(content), "data.token") is None
    assert found(answer(content), "jmespath:data.token") is None
    assert found(answer(content, **{"X-Subject-Token": "t"}), "header:X-Subject-Token") == "t"


def login(**paths: Any) -> Login:
    return Login(login_url="https://h/login", username="me", password=SecretStr("correct-horse"), **paths)


def test_a_token_in_a_header_takes_no_body_at_all() -> None:
    auth = TokenAuth(
        login(access_token_path="header:X-Subject-Token", expires_in_path="header:X-Life"),
        send=lambda request: answer(b"", **{"X-Subject-Token": "gAAAA", "X-Life": "3600"}),
        clock=lambda: 0.0,
    )
    assert (auth.token().access, auth.token().stale_at) == ("gAAAA", 3570.0)


def test_a_token_that_is_not_where_the_path_leads_is_named_by_the_path() -> None:
    auth = TokenAuth(login(access_token_path="header:X-Subject-Token"), send=lambda request: answer())
    with pytest.raises(AuthenticationError, match="answers no header:X-Subject-Token that a header can carry"):
        auth.token()


@pytest.mark.parametrize("path", ["", "a..b", "header:", "jmespath:[", "/~2"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        login(access_token_path=path)
