"""The JSON Schema: the copy in the docs is current, and editors find by it what `apply` finds."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from seawall.dev.process import ROOT
from seawall.tasks.sources.document import read
from seawall.tasks.sources.schema import file_schema, schema_text

VALIDATOR = Draft7Validator(file_schema())
HEAD = "name: orders\nurl: https://h/orders\n"


def is_valid(text: str) -> bool:
    valid: bool = VALIDATOR.is_valid(read(text).plain())
    return valid


def test_the_copy_in_the_docs_is_current() -> None:
    copy = (ROOT / "docs/sources.schema.json").read_text(encoding="utf-8")
    assert copy == schema_text(), "write it anew: python -m seawall schema > docs/sources.schema.json"


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(file_schema())


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        f"{HEAD}auth: {{kind: bearer, token: 'Bearer ${{TOKEN}}'}}\n",
        f"{HEAD}auth: {{kind: basic, username: me, password: '${{P}}'}}\nmax_rate: null\nblock: my-orders\n",
        f"{HEAD}pagination: {{kind: cursor, next_path: next}}\nparams: {{a: [1, x], b: true}}\n",
        "defaults: {url: 'https://h', auth: {kind: login, username: me}}\nsources:\n- {name: a, path: /a}\n",
    ],
)
def test_what_is_right_is_valid(text: str) -> None:
    assert is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "url: https://h/orders\n",
        f"{HEAD}recordspath: items\n",
        f"{HEAD}pagination: {{kind: cursor, next_pth: next}}\n",
        f"{HEAD}auth: {{kind: bearrer}}\n",
        f"{HEAD}auth: {{kind: bearer, token: in-the-clear}}\n",
        f"{HEAD}secret_headers: {{X: in-the-clear}}\n",
        f"{HEAD}page_size: 0\n",
        f"{HEAD}block: My Block\n",
        "defaults: {name: a}\nsources:\n- {name: a, path: /a}\n",
        "defaults: {}\n",
        "sources: []\n",
        "sources:\n- {path: /a}\n",
        "sources:\n- {name: a}\nsource: 1\n",
    ],
)
def test_what_is_wrong_is_not(text: str) -> None:
    assert not is_valid(text)


def test_every_field_is_told_with_what_it_is_for() -> None:
    fields: dict[str, Any] = json.loads(Path(ROOT / "docs/sources.schema.json").read_text())["definitions"]["Source"]
    assert [name for name, field in fields["properties"].items() if not field.get("description")] == []
