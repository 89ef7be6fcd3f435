"""The registry: formats by name, ours and those of plug-ins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seawall.formats import registry
from seawall.formats.csv import Csv
from seawall.formats.writer import FormatError, Settings


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a distribution with one entry point, as pip would leave it on disk."""

    def write(name: str, target: str) -> None:
        info = tmp_path / f"plugin_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugin-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[seawall.formats]\n{name} = {target}\n")
        monkeypatch.syspath_prepend(tmp_path)

    (tmp_path / "plugged_in_format.py").write_text(
        "class Tsv:\n    takes, compressions, suffix = (), ('none',), 'tsv'\n    def __init__(self, settings): pass\n"
    )
    return write


def test_ours_are_known_csv_first() -> None:
    assert registry.find("csv") is Csv
    assert registry.names()[:4] == ["csv", "jsonl", "json", "parquet"]


@pytest.mark.parametrize("name", ["xlsx", "", "CSV", "csv "])
def test_an_unknown_format_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        registry.find(name)
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in registry.names())


def test_a_plug_in_adds_a_format(install: Callable[[str, str], None]) -> None:
    install("tsv", "plugged_in_format:Tsv")
    assert registry.build("tsv", Settings()).suffix == "tsv"
    assert registry.names()[-1] == "tsv"


def test_a_plug_in_does_not_replace_a_format_of_ours(install: Callable[[str, str], None]) -> None:
    install("csv", "plugged_in_format:Tsv")
    assert registry.find("csv") is Csv
    assert registry.names().count("csv") == 1


def test_a_plug_in_that_cannot_be_imported_says_so(install: Callable[[str, str], None]) -> None:
    install("broken", "no_such_module:Format")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        registry.find("broken")


@pytest.mark.parametrize("name", registry.FORMATS)
def test_a_format_says_what_its_files_are(name: str) -> None:
    found = registry.build(name, Settings())
    assert found.suffix.isalnum()
    assert "/" in found.content_type
    assert registry.find(name).reason


@pytest.mark.parametrize("name", ["csv", "jsonl", "json"])
@pytest.mark.parametrize(
    ("compression", "suffix", "content_type"),
    [("gzip", ".gz", "application/gzip"), ("zstd", ".zst", "application/zstd")],
)
def test_a_compressed_object_says_so_in_suffix_and_type(
    name: str, compression: str, suffix: str, content_type: str
) -> None:
    found = registry.build(name, Settings(compression=compression))
    assert (found.suffix, found.content_type) == (f"{name}{suffix}", content_type)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("parquet", {"compression": "gzip"}, "takes no compression 'gzip'; choose one of: none"),
        ("csv", {"compression": "lzma"}, "takes no compression 'lzma'; choose one of: none, gzip, zstd"),
        ("jsonl", {"columns": ("id",)}, "does not take 'columns'; options that it takes: none"),
        ("parquet", {"null_text": "NULL"}, "does not take 'null_text'; options that it takes: columns, max_columns, "),
        ("json", {"escape_formulas": True}, "does not take 'escape_formulas'"),
        ("csv", {"row_group_size": 5}, "does not take 'row_group_size'"),
    ],
)
def test_what_a_format_does_not_take_is_refused_with_the_choices(
    name: str, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(FormatError, match=f"format '{name}' {told}"):
        registry.build(name, Settings(**settings))
