"""The options of a run: what is refused, and that those which shape the data are decisive."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from seawall.formats.writer import Settings
from seawall.storage.plan import DECISIVE_OPTIONS
from seawall.tasks.options import IngestOptions
from seawall.tasks.run import Run


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"columns": ["a", "b", "a"]}, "column 'a' is named twice"),
        ({"columns": ["_extra"]}, "column '_extra' is named twice; _extra is there by itself"),
        ({"columns": []}, "at least 1 item"),
        ({"row_group_size": 10}, "greater than or equal to 1000"),
        ({"max_columns": 0}, "greater than or equal to 1"),
        ({"max_rejected_records": -1}, "greater than or equal to 0"),
        ({"compression": "bz2"}, "'none', 'gzip' or 'zstd'"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        IngestOptions.model_validate(options)


def test_every_setting_of_a_format_is_an_option_that_a_resume_must_repeat() -> None:
    names = {field.name for field in fields(Settings)} - {"metadata", "max_columns"}  # which shape nothing
    assert names <= set(DECISIVE_OPTIONS)
    assert set(DECISIVE_OPTIONS) <= set(IngestOptions.model_fields)


def test_the_defaults_are_those_of_the_formats() -> None:
    assert Run(run_id="r", source="s").format_settings.given() == {}


def test_a_format_gets_what_was_asked_for() -> None:
    asked = {"columns": ("b", "a"), "compression": "gzip", "null_text": "NULL", "escape_formulas": True}
    settings = Run(run_id="r", source="s", options=IngestOptions.model_validate(asked)).format_settings
    assert settings.given() == asked
    assert settings.metadata == {"seawall.source": "s", "seawall.run_id": "r"}


def test_the_command_that_resumes_repeats_the_columns() -> None:
    run = Run(run_id="r", source="s", options=IngestOptions(columns=("a", "ü")))
    assert "options={'columns': ['a', 'ü']}" in run.resume_command
