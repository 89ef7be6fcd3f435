"""JWT bearer: what is signed, with which keys, and that it is signed anew for each attempt."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from seawall.clients.api import ApiClient
from seawall.clients.auth.oauth import JwtBearer
from seawall.clients.redact import redact
from seawall.clients.source import ApiSource
from seawall.tests.keys import Key, ec_key, pem, rsa_key
from seawall.tests.wireserver import Route, WireServer, as_json, in_turn, whole

TOKEN = as_json({"access_token": "access", "expires_in": 60})


def form(url: str = "https://h/token", key: Key | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "jwt_bearer",
        "token_url": url,
        "issuer": "robot@example.com",
        "private_key": pem(key or rsa_key()),
    } | changes


def sent(server: WireServer) -> list[dict[str, str]]:
    """The forms that came in."""
    return [{name: text for name, (text,) in parse_qs(each.body.decode()).items()} for each in server.requests]


@pytest.mark.parametrize(("key", "algorithm"), [(rsa_key(), "RS256"), (ec_key(), "ES256")], ids=["RSA", "EC"])
def test_an_assertion_says_who_asks_and_lives_for_minutes(
    key: Key, algorithm: str, served: Callable[[Route], WireServer]
) -> None:
    server = served(in_turn(TOKEN))
    auth = form(f"{server.url}/token", key, subject="ceo@example.com", scope="read", key_id="k1")
    with ApiClient(ApiSource(name="items", url=server.url, auth=auth)) as client:
        client.authenticate()
    (fields,) = sent(server)
    assert fields["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert fields["scope"] == "read"
    assert jwt.get_unverified_header(fields["assertion"]) == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    claims = jwt.decode(
        fields["assertion"],
        key.public_key(),
        algorithms=[algorithm],
        audience=f"{server.url}/token",
        issuer="robot@example.com",
        options={"require": ["exp", "iat", "jti"]},
    )
    assert (claims["sub"], claims["scope"]) == ("ceo@example.com", "read")
    assert claims["exp"] - claims["iat"] == 180


def test_each_attempt_is_signed_anew(served: Callable[[Route], WireServer], short_backoffs: None) -> None:
    server = served(in_turn(whole(b"", 503), TOKEN))
    auth = form(f"{server.url}/token", audience="https://audience")
    with ApiClient(ApiSource(name="items", url=server.url, auth=auth)) as client:
        client.authenticate()
        assertions = [each["assertion"] for each in sent(server)]
        assert redact(" ".join(assertions)) == "*** ***"
    ids = [
        jwt.decode(each, rsa_key().public_key(), algorithms=["RS256"], audience="https://audience")["jti"]
        for each in assertions
    ]
    assert len(set(ids)) == 2


def test_a_key_may_come_in_one_line_as_forms_and_json_have_it() -> None:
    key = pem(rsa_key())
    for text in (key, key.replace("\n", ""), key.replace("\n", "\\n"), f"  {key.replace(chr(10), ' ')} "):
        auth = JwtBearer(**form(private_key=text))
        assert auth.private_key.get_secret_value() == key
        assert auth.secrets() == [key]


@pytest.mark.parametrize(
    "key",
    ["", "hunter2", pem(rsa_key())[:500], pem(rsa_key(1024)), pem(rsa_key(), b"hunter2"),
     pem(ec.generate_private_key(ec.SECP384R1()))],
    ids=["empty", "no PEM", "cut", "short", "locked", "another curve"],
)  # fmt: skip
def test_a_key_that_cannot_sign_is_refused_when_the_block_is_saved(key: str) -> None:
    with pytest.raises(ValidationError, match="no private key to sign with: it takes one of RSA") as caught:
        ApiSource(name="items", url="https://h/items", auth=form(private_key=key))
    assert "hunter2" not in str(caught.value)
    assert not key[30:60] or key[30:60] not in str(caught.value)


def test_who_asks_is_part_of_what_a_run_was_planned_for_and_the_key_is_not() -> None:
    assert JwtBearer(**form()).choices() == JwtBearer(**form(key=ec_key(), key_id="k2")).choices()
    assert JwtBearer(**form()).choices() != JwtBearer(**form(subject="ceo@example.com")).choices()
