"""The limits that a form checks."""

import json
import re

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate
from pydantic import TypeAdapter, ValidationError

from seawall.flows.ingest import ingest
from seawall.tasks.parameters import Params, StorageSlug

PATTERN = re.compile(str(TypeAdapter(StorageSlug).json_schema()["pattern"]))


@pytest.mark.parametrize("storage", ["local", "s3-bucket/lake-2", "local-file-system/disk"])
def test_the_form_takes_every_kind_of_storage(storage: str) -> None:
    assert PATTERN.search(storage)


@pytest.mark.parametrize(
    "storage",
    [
        "",
        "local/disk",
        "s3-bucket",
        "s3-bucket/",
        "s3-bucket/lake/raw",
        "s3-bucket/Lake",
        "localfile",
        "gcs-bucket/lake",
    ],
)
def test_the_form_refuses_what_names_no_storage(storage: str) -> None:
    assert PATTERN.search(storage) is None


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ('{"since": 1700000000}', {"since": "1700000000"}),
        ('{"share": 0.5, "active": true}', {"share": "0.5", "active": "true"}),
        ('{"since": "2026-01-01", "q": ""}', {"since": "2026-01-01", "q": ""}),
    ],
)
def test_params_of_a_run_are_what_the_command_line_makes_of_json(typed: str, sent: dict[str, str]) -> None:
    params = json.loads(typed)
    validate({"source": "orders", "params": params}, parameter_schema(ingest).model_dump())
    assert TypeAdapter(Params).validate_python(params) == sent


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (None, "leave it out"),
        (["open", "closed"], "params of the source"),
        (float("nan"), "no number that a query can have"),
        (float("-inf"), "no number that a query can have"),
    ],
)
def test_a_param_of_a_run_that_no_query_can_have_is_refused_with_the_remedy(value: object, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        TypeAdapter(Params).validate_python({"status": value})
