"""The block `ApiSource`: what it refuses, what it hides, and that Prefect's server keeps it as it is."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from seawall.clients.auth.forms import NoAuth
from seawall.clients.auth.login import Login
from seawall.clients.source import ApiSource
from seawall.tests.certificates import self_signed
from seawall.tests.keys import pem, rsa_key

PASSWORD = "correct-horse-battery"
LOGIN = {"kind": "login", "login_url": "https://h/login", "username": "me", "password": PASSWORD}


def source(**changes: Any) -> ApiSource:
    return ApiSource(**{"name": "customers", "url": "https://h/customers"} | changes)


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        source(**changes)
    return str(caught.value)


def test_a_name_and_a_url_are_enough() -> None:
    plain = source()
    assert isinstance(plain.auth, NoAuth)
    assert (plain.pagination.kind, plain.records_path, plain.page_size) == ("page_number", "data", 1000)
    assert (plain.max_attempts, plain.max_retry_after, plain.give_up_after) == (12, 300, 50)


def test_the_kind_of_auth_decides_which_form_it_is() -> None:
    assert isinstance(source(auth=LOGIN).auth, Login)
    assert isinstance(source(auth={"kind": "none"}).auth, NoAuth)


@pytest.mark.parametrize(
    "auth", [{"kind": "magic"}, {}, {"kind": "login"}, LOGIN | {"typo": 1}, {"kind": "none", "key": "x"}]
)
def test_auth_of_no_known_shape_is_refused(auth: dict[str, object]) -> None:
    assert "auth" in refusal(auth=auth)


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "-x", "a b", "naïve", "a" * 101, "a\n", "_plan"])
def test_a_name_that_is_no_safe_folder_is_refused(name: str) -> None:
    assert "name" in refusal(name=name)


@pytest.mark.parametrize(
    "wrong",
    [{"page_size": 0}, {"max_attempts": 0}, {"max_attempts": 101}, {"read_timeout": 0}, {"page_deadline": -1},
     {"max_rate": 0}, {"give_up_after": 0}, {"max_page_bytes": 10}, {"max_retry_after": float("inf")},
     {"connect_timeout": float("nan")}, {"max_hours": 8761}, {"page_size": 1_000_001}, {"read_timeout": 86_401}],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    assert next(iter(wrong)) in refusal(**wrong)


# Secrets


SECRETS: list[dict[str, Any]] = [
    {"auth": LOGIN | {"login_url": "https://h/login"}},
    {"secret_headers": {"X-Tenant": PASSWORD}},
    {"secret_params": {"pin": PASSWORD}},
    {"headers": {"X-Api-Key": PASSWORD}},
    {"params": {"api_key": PASSWORD}},
]


@pytest.mark.parametrize("secret", SECRETS, ids=["auth", "secret headers", "secret params", "headers", "params"])
def test_secrets_over_plain_http_are_refused_unless_they_stay_on_this_machine(secret: dict[str, Any]) -> None:
    told = refusal(url="http://api.example.com/items?trace=hidden", **secret)
    assert "http://api.example.com/items: secrets are only sent over https://, or to this machine" in told
    assert source(url="http://api.example.com/items", allow_http=True, **secret)
    assert "hidden" not in told
    assert PASSWORD not in told
    assert source(url="http://127.0.0.1:8000/items", **secret)


@pytest.mark.parametrize("where", ["login_url", "refresh_url"])
def test_a_login_over_plain_http_is_refused(where: str) -> None:
    assert "http://elsewhere.example/token: secrets are only sent" in refusal(
        auth=LOGIN | {where: "http://elsewhere.example/token"}
    )


def test_a_source_without_secrets_may_be_read_over_plain_http() -> None:
    assert source(url="http://api.example.com/items").url == "http://api.example.com/items"


OPEN: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"url": "http://inside/items?trace=hidden"}, []),
    ({"url": "http://inside/items?trace=hidden", "auth": LOGIN}, ["http://inside/items"]),
    ({"auth": LOGIN | {"login_url": "http://desk/login"}}, ["http://desk/login"]),
    ({"auth": LOGIN, "allowed_origins": ["http://eu.inside"]}, ["http://eu.inside"]),
    ({"auth": LOGIN, "proxy": "http://proxy:3128"}, []),
    ({"auth": LOGIN, "proxy": "https://me:hunter2@proxy:3128"}, []),
    ({"auth": LOGIN, "proxy": "http://me:hunter2@proxy:3128"}, ["http://proxy:3128"]),
    ({"auth": LOGIN, "url": "http://localhost/items"}, []),
    ({"auth": LOGIN, "url": "http://localhost/items", "proxy": "http://proxy:3128"}, ["http://localhost/items"]),
    ({"auth": LOGIN, "url": "http://localhost/items", "proxy": "http://127.0.0.1:3128"}, []),
]


@pytest.mark.parametrize(("fields", "urls"), OPEN)
def test_what_goes_in_the_open_is_refused_unless_it_is_permitted_and_then_named(
    fields: dict[str, Any], urls: list[str]
) -> None:
    assert source(**fields, allow_http=True).open_urls() == urls
    if urls:
        told = refusal(**fields)
        assert f"{urls[0]}: secrets are only sent over https://, or to this machine; allow_http permits it" in told
        assert "hidden" not in told
        assert "hunter2" not in told
    else:
        assert source(**fields)


@pytest.mark.parametrize("proxy", ["hunter2", "socks5://me:hunter2@h:1", "http://me:hunter2@", "http://h/hunter2"])
def test_what_is_no_proxy_is_refused_unseen(proxy: str) -> None:
    assert "hunter2" not in refusal(proxy=proxy)


def test_a_proxy_and_a_certificate_that_are_left_empty_are_none() -> None:
    empty = source(proxy="", client_certificate="")
    assert (empty.proxy, empty.client_certificate, empty.secrets()) == (None, None, [])
    assert empty.connection() == {"ca_certificates": "", "client_certificate": "", "proxy": ""}


@pytest.mark.parametrize("url", ["https://me:hunter2@h/x", "https://h:hunter2/x", "ftp://hunter2/x", "hunter2"])
def test_a_refused_url_is_not_shown(url: str) -> None:
    assert "hunter2" not in refusal(url=url)


@pytest.mark.parametrize(
    "wrong", [{"auth": LOGIN | {"typo": "x"}}, {"auth": LOGIN | {"login_url": "?"}},
              {"headers": {"X": {"y": PASSWORD}}}, {"params": PASSWORD}, {"auth": LOGIN, "page_size": 0}]
)  # fmt: skip
def test_a_refusal_never_shows_what_was_filled_in(wrong: dict[str, Any]) -> None:
    assert PASSWORD not in refusal(**wrong)


def full() -> ApiSource:
    return source(
        auth=LOGIN,
        params={"state": "complete"},
        headers={"X-Tenant": "a"},
        secret_params={"api_key": "param-secret"},
        secret_headers={"X-Api-Key": "header-secret"},
        pagination={"page_param": "p", "first_page": 0},
        records_path="result.rows",
        max_rate=2.5,
    )


def test_secrets_are_masked_in_whatever_is_printed() -> None:
    shown = f"{full()!r} {full()} {full().model_dump()} {full().model_dump_json()}"
    for secret in (PASSWORD, "param-secret", "header-secret"):
        assert secret not in shown


def test_every_secret_is_named_for_redaction() -> None:
    assert sorted(full().secrets()) == sorted([PASSWORD, "param-secret", "header-secret"])
    assert source().secrets() == []
    given = source(
        headers={"Accept-Language": "de", "User-Agent": "seawall for customers"},
        params={"city": "New customers", "state": "complete"},
        secret_headers={"X-Auth": "Bearer sk-live-123456"},
        secret_params={"pin": "1234"},
    )
    assert given.secrets() == ["1234", "Bearer sk-live-123456", "sk-live-123456"]


def test_what_is_a_credential_by_its_name_is_kept_with_the_secrets() -> None:
    given = source(
        params={"apikey": "k-123456789", "sort_key": "created_at", "page_token": "", "key": "name"},
        headers={"Authorization": "Bearer sk-live-123456", "X-Version": "2026-01-01"},
    )
    assert sorted(given.params) == ["key", "page_token", "sort_key"]
    assert given.headers == {"X-Version": "2026-01-01"}
    assert given.secrets() == ["k-123456789", "Bearer sk-live-123456", "sk-live-123456"]
    assert source(url="https://h/x?api_key=k-123456789&state=complete").secrets() == ["k-123456789"]


def test_plain_values_go_out_as_json_writes_them_and_lists_are_repeated() -> None:
    given = source(params={"active": True, "limit": 7, "ids": [1, 2], "q": "x"}, headers={"X-Scope": ["a", "b"]})
    assert given.query() == {"active": "true", "limit": "7", "ids": ("1", "2"), "q": "x"}
    assert given.header_items() == [("X-Scope", "a"), ("X-Scope", "b")]


def test_a_name_that_is_both_plain_and_secret_is_refused() -> None:
    assert "'pin' is named twice" in refusal(params={"pin": "1"}, secret_params={"pin": "1234"})


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [({"record_path": "x"}, "'records_path'"), ({"max_ratee": 5}, "'max_rate'"), ({"zzz": 1}, "choose from: name, url"),
     ({"pagination": {"kind": "cursor", "next_pth": "x"}}, "'next_path'"),
     ({"auth": LOGIN | {"usrname": "x"}}, "'username'"), ({"proxi": "x"}, "'proxy'"),
     ({"auth": {"kind": "jwt_bearer", "isuer": "x"}}, "'issuer'"),
     ({"auth": {"kind": "aws_sigv4", "region_name": "x"}}, "'region'"),
     ({"auth": {"kind": "session", "login_ulr": "x"}}, "'login_url'"),
     ({"auth": {"kind": "oauth2", "refresh_tokn": "x"}}, "'refresh_token'")],
)  # fmt: skip
def test_an_unknown_field_is_refused_with_the_nearest_name(wrong: dict[str, Any], nearest: str) -> None:
    assert nearest in refusal(**wrong)


def test_a_key_in_place_of_a_username_is_a_secret_and_so_is_what_a_header_has_of_both() -> None:
    basic = {"kind": "basic", "username": "sk_live_4eC39HqLyjWDarjt", "password": ""}
    key, header = source(auth=basic).secrets()
    assert (key, base64.b64decode(header)) == ("sk_live_4eC39HqLyjWDarjt", b"sk_live_4eC39HqLyjWDarjt:")
    assert "sk_live" not in str(source(auth=basic).model_dump())
    usual = source(auth=basic | {"username": "admin", "password": PASSWORD})
    assert usual.secrets() == [PASSWORD, base64.b64encode(f"admin:{PASSWORD}".encode()).decode()]


# Prefect


def test_a_saved_source_loads_unchanged_and_the_server_shows_no_secret(prefect_api: None) -> None:
    document = full().save("customers-saved", overwrite=True)
    loaded = ApiSource.load("customers-saved")
    assert isinstance(loaded, ApiSource)
    assert loaded.secrets() == full().secrets()
    assert {name: getattr(loaded, name) for name in ApiSource.model_fields} == {
        name: getattr(full(), name) for name in ApiSource.model_fields
    }
    assert fingerprint(loaded) == fingerprint()
    answer = httpx.get(f"{PREFECT_API_URL.value()}/block_documents/{document}", trust_env=False)
    assert answer.status_code == 200
    assert "result.rows" in answer.text
    for secret in (PASSWORD, "param-secret", "header-secret"):
        assert secret not in answer.text


WAYS_IN: list[dict[str, Any]] = [
    {"kind": "jwt_bearer", "token_url": "https://h/token", "issuer": "me", "private_key": pem(rsa_key())},
    {"kind": "session", "login_url": "https://h/login", "username": "me", "password": PASSWORD},
    {"kind": "aws_sigv4", "service": "es", "region": "eu", "access_key_id": "AKID", "secret_access_key": "k3y-of-aws",
     "session_token": "t0ken-of-aws"},
    {"kind": "oauth2", "token_url": "https://h/token", "client_id": "me", "grant": "refresh_token",
     "client_secret": "s3cret-of-me", "refresh_token": "again-and-again", "access_token": "access-for-now"},
]  # fmt: skip


@pytest.mark.parametrize("auth", WAYS_IN, ids=[each["kind"] for each in WAYS_IN])
def test_the_server_shows_no_secret_of_any_kind_and_a_run_gets_all_of_them(
    auth: dict[str, Any], prefect_api: None, tmp_path: Path
) -> None:
    given = source(
        auth=auth,
        proxy="https://me:pr0xy-password@proxy:3128",
        client_certificate=self_signed(tmp_path).read_text(),
    )
    document = given.save("way-in", overwrite=True)
    answer = httpx.get(f"{PREFECT_API_URL.value()}/block_documents/{document}", trust_env=False)
    assert auth["kind"] in answer.text
    for secret in given.secrets():
        assert secret not in answer.text
        assert json.dumps(secret)[1:-1] not in answer.text
    assert "pr0xy-password" not in answer.text
    loaded = ApiSource.load("way-in")
    assert isinstance(loaded, ApiSource)
    assert (loaded.auth, loaded.secrets(), loaded.connection()) == (given.auth, given.secrets(), given.connection())
    assert not any(secret in f"{given!r} {given.model_dump_json()}" for secret in given.secrets())


# Fingerprint


def fingerprint(of: ApiSource | None = None, **changes: Any) -> str:
    how: dict[str, Any] = {"page_size": 1000, "params": {}, "salt": "run"} | changes
    return (of or full()).fingerprint(**how)


def test_a_fingerprint_is_stable_and_short() -> None:
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 32


@pytest.mark.parametrize(
    "change",
    [{"url": "https://h/other"}, {"pagination": {"page_param": "q"}}, {"records_path": "rows"},
     {"params": {"state": "other"}}, {"params": {}}, {"secret_params": {}}, {"secret_params": {"key": "param-secret"}},
     {"headers": {"X-Tenant": "b"}}, {"headers": {}}, {"secret_headers": {}}, {"auth": LOGIN | {"username": "you"}},
     {"auth": LOGIN | {"login_fields": {"tenant": "b"}}}, {"auth": LOGIN | {"refresh_fields": {"tenant": "b"}}},
     {"auth": {"kind": "none"}}],
)  # fmt: skip
def test_what_decides_on_records_and_their_order_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert fingerprint(full().model_copy(update=_typed(change))) != fingerprint()


@pytest.mark.parametrize("change", [{"page_size": 10}, {"params": {"since": "2024"}}, {"salt": "another run"}])
def test_what_the_run_asks_for_changes_the_fingerprint_too(change: dict[str, Any]) -> None:
    assert fingerprint(**change) != fingerprint()


@pytest.mark.parametrize(
    "change",
    [{"auth": LOGIN | {"password": "new-password"}}, {"secret_headers": {"X-Api-Key": "new-secret"}},
     {"secret_params": {"api_key": "new-secret"}}, {"max_attempts": 1},
     {"read_timeout": 5}, {"max_rate": None}, {"name": "renamed"}],
)  # fmt: skip
def test_credentials_and_limits_may_change_between_a_run_and_its_resumption(change: dict[str, Any]) -> None:
    assert fingerprint(full().model_copy(update=_typed(change))) == fingerprint()


def test_a_param_of_the_run_stands_in_for_the_same_param_of_the_source() -> None:
    assert fingerprint(params={"state": "x"}) == fingerprint(source(**_as_full(params={})), params={"state": "x"})


def _as_full(**changes: Any) -> dict[str, Any]:
    return {
        "pagination": {"page_param": "p", "first_page": 0},
        "records_path": "result.rows",
        "auth": LOGIN,
        "headers": {"X-Tenant": "a"},
        "secret_params": {"api_key": "param-secret"},
        "secret_headers": {"X-Api-Key": "header-secret"},
        **changes,
    }


def _typed(change: dict[str, Any]) -> dict[str, Any]:
    """The changed fields as the form reads them."""
    return {name: getattr(source(**change), name) for name in change}


@pytest.mark.parametrize(
    "headers", [{"X-Key": "a\r\nb"}, {"X-Key": "schlüssel"}, {"X Key": "a"}, {"": "a"}, {"X-Key": "schl "}]
)
def test_a_header_that_no_request_can_carry_is_refused_unseen(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="no request can carry the header") as caught:
        ApiSource(name="items", url="https://api.example.com/items", headers=headers)
    assert "schl" not in str(caught.value)


def test_a_form_that_leaves_the_kind_out_is_understood_where_only_one_kind_fits() -> None:
    without_kind = {name: value for name, value in LOGIN.items() if name != "kind"}
    assert isinstance(source(auth=without_kind).auth, Login)


def test_the_form_offers_each_kind_as_a_choice_that_cannot_be_mistyped() -> None:
    schema = ApiSource.model_json_schema()
    assert "oneOf" not in json.dumps(schema), "the classic UI draws a bare editor for it"
    for choice in schema["properties"]["auth"]["anyOf"]:
        kind = schema["definitions"][choice["$ref"].rpartition("/")[2]]
        assert kind["properties"]["kind"]["enum"] == [kind["properties"]["kind"]["default"]]
        assert "kind" in kind["required"]
    assert str(ApiSource.get_code_example()).startswith("Save a source once")
    assert str(ApiSource.get_description()).startswith("One endpoint of a paginated HTTP API")


def test_what_bodies_are_decides_about_the_records() -> None:
    kinds = [{}, {"decode": "jsonl"}, {"decode": "csv"}, {"decode": "csv", "csv_delimiter": ";"}]
    prints = {fingerprint(source(**kind, records_path="")) for kind in [*kinds, {"records_as": "by_id"}]}
    assert len(prints) == 5
    assert fingerprint(source(decode="json", records_as="list", csv_delimiter=",")) == fingerprint(source())


@pytest.mark.parametrize("decode", ["jsonl", "csv"])
def test_a_body_of_lines_or_rows_is_the_list_itself(decode: str) -> None:
    assert source(decode=decode).records_path == ""
    assert source(decode="json").records_path == "data"
    for change in ({"records_path": "data"}, {"records_as": "one"}):
        with pytest.raises(ValidationError, match=f'decode is "{decode}", so a body is the list of records itself'):
            source(decode=decode, **change)


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n"])
def test_what_stands_between_cells_is_one_character_that_means_nothing_else(delimiter: str) -> None:
    with pytest.raises(ValidationError, match="csv_delimiter"):
        source(csv_delimiter=delimiter)


def test_a_source_asks_for_what_its_bodies_are_unless_it_says_what_to_ask_for() -> None:
    assert source().header_items() == [], "the client asks for JSON"
    assert source(decode="csv").header_items() == [("Accept", "text/csv")]
    assert source(decode="jsonl").header_items()[0][1].startswith("application/x-ndjson,")
    for name in ("headers", "secret_headers"):
        assert source(decode="csv", **{name: {"accept": "text/plain"}}).header_items() == [("accept", "text/plain")]


def test_what_a_body_holds_below_the_name_of_a_credential_is_masked_like_any_secret() -> None:
    body = {"auth": [{"api_key": "key-in-a-body"}], "q": "a plain text", "token": "short"}
    source = ApiSource(name="x", url="https://x", method="POST", body=body)
    assert source.secrets() == ["key-in-a-body"]


def test_a_run_whose_links_got_their_params_back_is_not_resumed_without_them() -> None:
    def print_of(**fields: Any) -> str:
        source = ApiSource(name="x", url="https://x", **fields)
        return source.fingerprint(page_size=10, params={}, salt="run")

    links = {"pagination": {"kind": "next_url"}}
    assert print_of(**links, params={"status": "open"}) != print_of(
        **links, params={"status": "open"}, keep_params=True
    )
    assert print_of(**links) == print_of(**links, keep_params=True), "no params, no difference"
    assert print_of(params={"a": "b"}) == print_of(params={"a": "b"}, keep_params=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"rules": [{"when": {"status": 400}, "then": "end"}]}, {"missing_records": "empty"},
        {"pagination": {"kind": "page_number", "end_statuses": [400]}}, {"ready_deadline": 9},
    ],
)  # fmt: skip
def test_what_an_answer_means_may_change_between_a_run_and_its_resumption(fields: dict[str, Any]) -> None:
    plain, changed = ApiSource(name="x", url="https://x"), ApiSource(name="x", url="https://x", **fields)
    asked: dict[str, Any] = {"page_size": 10, "params": {}, "salt": "run"}
    assert plain.fingerprint(**asked) == changed.fingerprint(**asked)


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "POST"}, {"method": "POST", "body": {"q": 1}}, {"url": "https://x/{page}"},
        {"pagination": {"kind": "page_number", "more_path": "more"}}, {"pagination": {"kind": "keyset"}},
    ],
)  # fmt: skip
def test_how_a_source_is_asked_is_part_of_what_was_planned(fields: dict[str, Any]) -> None:
    plain, changed = ApiSource(name="x", url="https://x"), ApiSource(**{"name": "x", "url": "https://x"} | fields)
    asked: dict[str, Any] = {"page_size": 10, "params": {}, "salt": "run"}
    assert plain.fingerprint(**asked) != changed.fingerprint(**asked)
