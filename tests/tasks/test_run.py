"""Values that tasks are given: options, runs, and the command that resumes."""

import pickle
import shlex
from dataclasses import fields
from typing import Any

import pytest
from pydantic import ValidationError

from seawall.formats.writer import Settings
from seawall.storage.plan import DECISIVE_OPTIONS
from seawall.storage.ranges import PageRange
from seawall.tasks.options import IngestOptions
from seawall.tasks.run import Run

RUN_ID = "11111111-2222-3333-4444-555555555555"


def test_the_defaults_are_those_of_the_contract() -> None:
    options = IngestOptions()
    assert (options.page_size, options.pages, options.pages_per_part, options.parallel_parts) == (None, None, 500, 2)
    assert (options.max_in_flight, options.compression, options.max_failed_pages) == (None, "none", 0)
    assert (options.strict, options.create_bucket) == (False, False)


def test_a_range_of_pages_is_read_as_first_and_last() -> None:
    assert IngestOptions(pages="3-17").page_range == PageRange(3, 17)
    assert IngestOptions().page_range is None


@pytest.mark.parametrize("pages", ["17-3", "3", "-3", "3-", "a-b", "1-2-3", "٣-٥", "1.5-2"])
def test_a_range_that_makes_no_sense_is_refused(pages: str) -> None:
    with pytest.raises(ValidationError):
        IngestOptions(pages=pages)


@pytest.mark.parametrize(
    "limits", [{"pages_per_part": 0}, {"parallel_parts": 33}, {"max_in_flight": 65}, {"max_failed_pages": -1}]
)
def test_limits_are_limited(limits: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IngestOptions(**limits)


def test_a_resumed_run_may_change_no_option_that_shapes_files() -> None:
    shaping = {field.name for field in fields(Settings)} - {"metadata", "max_columns"}  # which shape none
    assert shaping <= set(DECISIVE_OPTIONS)
    assert set(DECISIVE_OPTIONS) <= set(IngestOptions.model_fields), "each is an option by its name"


def test_without_a_deployment_the_command_to_resume_is_a_call() -> None:
    run = Run(run_id=RUN_ID, source="customers", options=IngestOptions(strict=True))
    assert run.resume_command == (
        f"ingest(source='customers', storage='local', format='csv', options={{'strict': True}}, resume='{RUN_ID}')"
    )


def test_with_a_deployment_it_is_a_line_for_the_shell_that_quotes_what_it_must() -> None:
    run = Run(run_id=RUN_ID, source="customers", bucket="raw data", params={"q": "a'b"}, deployment="to-s3")
    words = shlex.split(run.resume_command)
    assert words[:4] == ["prefect", "deployment", "run", "ingest/to-s3"]
    assert "bucket=raw data" in words
    assert 'params={"q": "a\'b"}' in words
    assert words[-2:] == ["-p", f"resume={RUN_ID}"]


def test_a_run_travels_to_other_processes() -> None:
    run = Run(run_id=RUN_ID, source="customers")
    assert pickle.loads(pickle.dumps(run)) == run
