"""The registry: formats by name, ours and those of plug-ins."""

from collections.abc import Callable
from pathlib import Path

import pytest

from formats import registry
from formats.csv import Csv
from formats.writer import FormatError


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a distribution with one entry point, as pip would leave it on disk."""

    def write(name: str, target: str) -> None:
        info = tmp_path / f"plugin_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugin-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[seawall.formats]\n{name} = {target}\n")
        monkeypatch.syspath_prepend(tmp_path)

    (tmp_path / "plugged_in_format.py").write_text("class Tsv:\n    suffix = 'tsv'\n")
    return write


def test_csv_is_known() -> None:
    assert isinstance(registry.find("csv"), Csv)
    assert registry.names()[0] == "csv"


@pytest.mark.parametrize("name", ["xlsx", "", "CSV", "csv "])
def test_an_unknown_format_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        registry.find(name)
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in registry.names())


def test_a_plug_in_adds_a_format(install: Callable[[str, str], None]) -> None:
    install("tsv", "plugged_in_format:Tsv")
    assert registry.find("tsv").suffix == "tsv"
    assert registry.names()[-1] == "tsv"


def test_a_plug_in_does_not_replace_a_format_of_ours(install: Callable[[str, str], None]) -> None:
    install("csv", "plugged_in_format:Tsv")
    assert isinstance(registry.find("csv"), Csv)
    assert registry.names().count("csv") == 1


def test_a_plug_in_that_cannot_be_imported_says_so(install: Callable[[str, str], None]) -> None:
    install("broken", "no_such_module:Format")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        registry.find("broken")


@pytest.mark.parametrize("name", registry.FORMATS)
def test_a_format_says_what_its_files_are(name: str) -> None:
    found = registry.find(name)
    assert found.suffix.isalnum()
    assert "/" in found.content_type
    assert found.reason
