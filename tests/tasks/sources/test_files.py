"""Files of sources: what is wrong is told with its line, all of it at once, and no secret with it."""

from pathlib import Path
from typing import Any

import pytest

from seawall.clients.auth.forms import Basic, Bearer
from seawall.clients.auth.login import Login
from seawall.clients.pagination.chained import Cursor
from seawall.clients.pagination.numbered import Offset
from seawall.clients.source import ApiSource
from seawall.tasks.sources.complaint import SourceFileError
from seawall.tasks.sources.files import Declared, declared_sources

PASSWORD = "correct-horse-battery"
VARIABLES = {"SHOP_USER": "me", "SHOP_PASSWORD": PASSWORD, "EMPTY": "", "SIZE": "250"}

SHOP = """
defaults:
  url: https://api.shop.example/v2/
  auth:
    kind: login
    login_url: https://api.shop.example/login
    username: ${SHOP_USER}
    password: ${SHOP_PASSWORD}
  headers:
    X-Api-Version: 2026-01-01
    X-Client: seawall
  pagination:
    kind: offset
    limit_param: per_page
  max_rate: 5

sources:
  - name: orders
    path: /orders
    pagination:
      total_records_path: count
  - name: Customers.EU
    path: customers?region=eu
    headers:
      X-Client: null
      X-Region: no
    pagination:
      kind: cursor
      next_path: next
  - name: status
    url: https://status.shop.example/events
    block: shop-status
    auth:
      kind: none
"""


def declared(text: str, folder: Path, name: str = "shop.yaml", **variables: str) -> list[Declared]:
    path = folder / name
    path.write_text(text)
    return declared_sources([path], VARIABLES | variables)


def sources(text: str, folder: Path, **variables: str) -> dict[str, ApiSource]:
    return {each.block: each.source for each in declared(text, folder, **variables)}


def source(text: str, folder: Path, **variables: str) -> ApiSource:
    (only,) = sources(text, folder, **variables).values()
    return only


def complaints(text: str, folder: Path) -> list[str]:
    """What is said of a file, without its path."""
    with pytest.raises(SourceFileError) as caught:
        declared(text, folder)
    assert PASSWORD not in str(caught.value)
    return [line.removeprefix(f"{folder}/shop.yaml").removeprefix(", ") for line in str(caught.value).splitlines()]


# What a file comes to


def test_endpoints_take_what_they_share_and_say_what_is_their_own(tmp_path: Path) -> None:
    found = sources(SHOP, tmp_path)
    assert list(found) == ["orders", "customers-eu", "shop-status"]
    assert [each.name for each in found.values()] == ["orders", "Customers.EU", "status"]
    assert [each.url for each in found.values()] == [
        "https://api.shop.example/v2/orders",
        "https://api.shop.example/v2/customers?region=eu",
        "https://status.shop.example/events",
    ]
    assert {each.max_rate for each in found.values()} == {5}
    orders, customers, status = found.values()
    assert isinstance(orders.auth, Login)
    assert (orders.auth.username, orders.auth.password.get_secret_value()) == ("me", PASSWORD)
    assert customers.auth == orders.auth
    assert status.auth.kind == "none"


def test_mappings_are_merged_key_by_key_and_null_takes_a_default_away(tmp_path: Path) -> None:
    found = sources(SHOP, tmp_path)
    assert found["orders"].headers == {"X-Api-Version": "2026-01-01", "X-Client": "seawall"}
    assert found["customers-eu"].headers == {"X-Api-Version": "2026-01-01", "X-Region": "no"}
    assert found["orders"].pagination == Offset(limit_param="per_page", total_records_path="count")


def test_another_kind_takes_the_place_of_the_whole_default(tmp_path: Path) -> None:
    assert sources(SHOP, tmp_path)["customers-eu"].pagination == Cursor(next_path="next")


def test_a_file_may_be_one_source(tmp_path: Path) -> None:
    only = source("name: orders\nurl: https://h/orders\nauth: {kind: bearer, token: '${SHOP_PASSWORD}'}\n", tmp_path)
    assert (only.name, only.url) == ("orders", "https://h/orders")
    assert isinstance(only.auth, Bearer)
    assert only.auth.token.get_secret_value() == PASSWORD


def test_a_folder_is_all_yaml_files_in_it(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "notes.txt"):
        (tmp_path / name).write_text(f"name: {name[0]}\nurl: https://h/{name[0]}\n")
    assert [each.block for each in declared_sources([tmp_path, tmp_path / "b.yaml"], {})] == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"), ("on", "on"), ("0123", "0123"), ("1.10", "1.10"), ("1e3", "1e3"), ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"), ("12:30:45", "12:30:45"), ("+49", "+49"), ("0x1F", "0x1F"), (".5", ".5"),
        ("7", 7), ("-1", -1), ("2.5", 2.5), ("true", True), ("False", False), ('"7"', "7"), ("'true'", "true"),
        ("=", "="), ("१२", "१२"), ("9" * 101, "9" * 101), ("[1, no]", (1, "no")),
    ],
)  # fmt: skip
def test_values_go_out_as_they_are_written(tmp_path: Path, written: str, value: Any) -> None:
    assert source(f"name: a\nurl: https://h/a\nparams:\n  x: {written}\n", tmp_path).params == {"x": value}


def test_names_are_text_however_they_look(tmp_path: Path) -> None:
    params = source("name: a\nurl: https://h/a\nparams:\n  on: 1\n  5: 2\n  null: 3\n", tmp_path).params
    assert params == {"on": 1, "5": 2, "null": 3}


def test_numbers_and_switches_of_a_form_may_be_written_in_any_usual_way(tmp_path: Path) -> None:
    text = "name: a\nurl: https://h/a\nmax_rate: 2.50\npage_size: ${SIZE}\npagination:\n  kind: offset\n"
    only = source(f"{text}  short_page_ends: yes\n", tmp_path)
    assert (only.max_rate, only.page_size) == (2.5, 250)
    assert isinstance(only.pagination, Offset)
    assert only.pagination.short_page_ends


def test_references_stand_anywhere_in_a_text_and_can_be_escaped(tmp_path: Path) -> None:
    text = "name: a\nurl: https://h/a\nsecret_headers:\n  A: Token ${SHOP_PASSWORD}\nparams:\n  b: $${SHOP_USER}\n"
    only = source(text, tmp_path)
    assert only.secret_headers["A"].get_secret_value() == f"Token {PASSWORD}"
    assert only.params == {"b": "${SHOP_USER}"}


def test_a_value_from_the_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    text = "name: a\nurl: https://h/a\nparams: {x: '${X}'}\n"
    assert source(text, tmp_path, X="${SHOP_PASSWORD}: [no]").params == {"x": "${SHOP_PASSWORD}: [no]"}


def test_aliases_stand_for_what_they_name(tmp_path: Path) -> None:
    text = "defaults: {url: https://h}\nsources:\n"
    text += "- {name: a, path: a, pagination: &by {kind: cursor, next_path: next}}\n"
    text += "- {name: b, path: b, pagination: *by}\n"
    first, second = sources(text, tmp_path).values()
    assert first.pagination == second.pagination == Cursor(next_path="next")


def test_a_key_in_place_of_a_username_leaves_the_password_open(tmp_path: Path) -> None:
    text = "name: a\nurl: https://h/a\nauth: {kind: basic, username: '${SHOP_PASSWORD}', password: x}\n"
    only = source(text, tmp_path)
    assert isinstance(only.auth, Basic)
    assert only.auth.has_key_for_username


# Ten typical mistakes

HEAD = "name: orders\nurl: https://h/orders\n"

MISTAKES = {
    "a field is misspelt": (
        f"{HEAD}recordspath: items\n",
        "line 3: unknown field 'recordspath' in source 'orders'; did you mean 'records_path'?",
    ),
    "a field of the pagination is misspelt": (
        f"{HEAD}pagination:\n  kind: cursor\n  next_pth: next\n  next_path: next\n",
        "line 5: unknown field 'next_pth' in pagination of source 'orders'; did you mean 'next_path'?",
    ),
    "a kind is misspelt": (
        f"{HEAD}auth:\n  kind: bearrer\n",
        "line 4: unknown kind 'bearrer' in auth of source 'orders'; did you mean 'bearer'?",
    ),
    "a password stands in the file": (
        f"{HEAD}auth:\n  kind: basic\n  username: me\n  password: {PASSWORD}\n",
        "line 6: auth.password of source 'orders' is a secret in the clear; write ${NAME} and set NAME in the "
        "environment of `apply`, or ${secret:NAME} for a Secret block of Prefect",
    ),
    "a variable is not set": (
        f"{HEAD}auth:\n  kind: bearer\n  token: ${{SHOP_TOKEN}}\n",
        "line 5: the variable SHOP_TOKEN is not set, in source 'orders'",
    ),
    "a field stands there twice": (
        f"{HEAD}params:\n  a: 1\nparams:\n  b: 2\n",
        "line 5: 'params' stands here twice; first on line 3",
    ),
    "a tab indents": (
        f"{HEAD}params:\n\ta: 1\n",
        "line 4: this is no YAML: found character '\\t' that cannot start any token",
    ),
    "a field is missing": (
        f"{HEAD}auth:\n  kind: login\n  username: me\n  password: ${{SHOP_PASSWORD}}\n",
        "line 3: auth of source 'orders' needs the field 'login_url'",
    ),
    "a number is out of its bounds": (
        f"{HEAD}page_size: 0\n",
        "line 3: page_size of source 'orders' should be greater than or equal to 1",
    ),
    "a path has nothing to begin with": (
        "defaults:\n  max_rate: 5\nsources:\n- name: orders\n  path: /orders\n",
        "line 5: the `path` of source 'orders' needs a `url` under `defaults` to begin with",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_typical_mistake_is_told_with_its_line_and_the_remedy(tmp_path: Path, mistake: str) -> None:
    text, told = MISTAKES[mistake]
    assert complaints(text, tmp_path) == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: it is empty"),
        ("- a\n", "line 1: a file of sources is a mapping: one source, or `defaults` and `sources`"),
        ("a: 1\n---\nb: 2\n", "line 2: this is no YAML: but found another document"),
        ("x: !!python/name:os.system ''\n", "line 1: the tag '!!python/name:os.system' is not read here"),
        ("x: &a [*a]\n", "line 1: an alias leads back to what it stands in, or there are too many of them"),
        ("x:\n  <<: {a: 1}\n", "line 2: `<<` is not read here; what sources share stands under `defaults`"),
        ("? [a]\n: 1\n", "line 1: the name of a field has to be text"),
        (f"{HEAD}auth: {{kind: bearer, token: ${{A}}}}\n",
         "line 3: this is no YAML: expected ',' or '}', but got '{'; inside of { } or [ ], put ${…} in quotes"),
        ("source: []\nsources:\n- name: a\n  url: https://h/a\n",
         "line 1: unknown field 'source' beside `sources`; did you mean 'sources'?"),
        ("defaults: {}\nsources: []\n", "line 2: `sources` has to be a list of endpoints, each with a `name`"),
        ("defaults: {}\n", "line 1: `sources` has to be a list of endpoints, each with a `name`"),
        ("defaults: [1]\nsources:\n- name: a\n  url: https://h/a\n",
         "line 1: `defaults` has to be a mapping of fields that sources share"),
        ("defaults:\n  name: a\nsources:\n- name: a\n  url: https://h/a\n",
         "line 2: 'name' cannot be shared by sources: it belongs to each of them"),
        ("sources:\n- orders\n", "line 2: each of `sources` has to be a mapping with a `name`"),
        ("sources:\n- url: https://h/a\n", "line 2: source number 1 needs the field 'name'"),
        ("name: a\n", "line 1: source 'a' needs the field 'url', or a `path` below the `url` of the defaults"),
        ("sources:\n- name: a\n  url: https://h/a\n  path: /b\n",
         "line 4: source 'a' has a `path` and a `url`; one of them is enough"),
        ("defaults: {url: https://h}\nsources:\n- name: a\n  path: 7\n",
         "line 4: the `path` of source 'a' has to be text, such as /orders; put it in quotes"),
        (f"{HEAD}block: My Block\n", "line 3: the name of a `block` is made of a-z, 0-9 and dashes"),
        (f"{HEAD}auth:\n  username: me\n", "line 3: auth of source 'orders' needs the field 'kind'"),
        (f"{HEAD}records_path: true\n", "line 3: records_path of source 'orders' has to be text; put it in quotes"),
        (f"{HEAD}headers:\n  A: {{b: 1}}\n",
         "line 4: headers.A of source 'orders' has to be a valid string or boolean or integer or number or list"),
        (f"{HEAD}headers:\n  A B: c\n",
         "line 1: source 'orders': no request can carry the header 'A B': it has to be ASCII in one line, without "
         "outer blanks"),
        (f"{HEAD}params: {{x: '${{EMPTY}}'}}\n", "line 3: the variable EMPTY is empty, in source 'orders'"),
        (f"{HEAD}params: {{x: '${{SHOP_USER'}}\n",
         "line 3: `${` begins no reference; write ${NAME}, ${secret:NAME}, or $${ for the signs themselves, "
         "in source 'orders'"),
        ("name: a\nurl: https://me:hunter2@h/x\n",
         "line 2: url of source 'a': must not hold a username or password; fill in 'auth' instead"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_sources_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert complaints(text, tmp_path) == [told]


@pytest.mark.parametrize(
    ("field", "line"),
    [
        (f"headers:\n  Authorization: Bearer {PASSWORD}\n", "line 4: headers.Authorization"),
        (f"params:\n  api_key: {PASSWORD}\n", "line 4: params.api_key"),
        (f"secret_params:\n  pin: {PASSWORD}\n", "line 4: secret_params.pin"),
        ("secret_headers:\n  X-Pin: 1234\n", "line 4: secret_headers.X-Pin"),
        (f"auth:\n  kind: api_key\n  key: {PASSWORD}\n", "line 5: auth.key"),
        (f"auth:\n  kind: basic\n  username: {PASSWORD}\n  password: x\n", "line 5: auth.username"),
        ("auth:\n  kind: login\n  login_url: https://h\n  username: 7\n  password: 7\n", "line 7: auth.password"),
        (f"url: https://h/x?token={PASSWORD}\n", "line 3: url"),
    ],
)
def test_a_secret_in_the_clear_is_refused_wherever_it_stands(tmp_path: Path, field: str, line: str) -> None:
    head = "name: orders\n\n" if field.startswith("url") else HEAD
    assert [each.partition(" of source")[0] for each in complaints(head + field, tmp_path)][-1] == line


def test_a_username_in_the_clear_is_none(tmp_path: Path) -> None:
    basic = "auth: {kind: basic, username: me, password: '${SHOP_PASSWORD}'}\n"
    assert isinstance(source(HEAD + basic, tmp_path).auth, Basic)
    told = complaints(f"{HEAD}{basic}page_size: 0\n", tmp_path)
    assert told == ["line 4: page_size of source 'orders' should be greater than or equal to 1"]


def test_everything_that_is_wrong_in_all_files_is_told_at_once_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("name: orders\nurl: https://h/a\npage_size: x\nrecordpath: y\n")
    (tmp_path / "a.yaml").write_text("name: orders\nurl: https://h/a\n")
    (tmp_path / "c.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(SourceFileError) as caught:
        declared_sources([tmp_path, tmp_path / "none.yaml"], {})
    assert [(Path(each.file).name, each.line) for each in caught.value.complaints] == [
        ("b.yaml", 1), ("b.yaml", 3), ("b.yaml", 4), ("c.yaml", 1), ("none.yaml", 0)
    ]  # fmt: skip
    assert "would be the block 'orders', as the source in" in str(caught.value.complaints[0])
    assert str(caught.value.complaints[-1]).endswith("none.yaml: it cannot be read: No such file or directory")


def test_what_is_wrong_with_the_defaults_is_told_once(tmp_path: Path) -> None:
    text = "defaults:\n  url: https://h\n  pagesize: 5\nsources:\n- {name: a, path: a}\n- {name: b, path: b}\n"
    assert complaints(text, tmp_path) == ["line 3: unknown field 'pagesize' in the defaults; did you mean 'page_size'?"]


def test_a_value_that_came_from_the_environment_is_in_no_message(tmp_path: Path) -> None:
    told = complaints(f"{HEAD}auth:\n  kind: ${{SHOP_PASSWORD}}\n", tmp_path)
    assert told[0].startswith("line 4: unknown kind '***' in auth")


def test_a_folder_without_files_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SourceFileError, match=r"the folder holds no \.yaml file"):
        declared_sources([tmp_path], {})
