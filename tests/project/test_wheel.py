"""The wheel: the package `seawall`, all of its folders, and nothing else."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from seawall.dev.process import ROOT

INSIDE = ("flows", "tasks", "clients", "formats", "storage", "testing")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel puts into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [str(Path(sys.executable).with_name("uv")), "build", "--wheel", "--no-build-isolation", "--quiet"]
    build += ["--python", sys.executable, "--out-dir", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _folders(root: Path) -> set[str]:
    """The folders that hold modules, as names of packages."""
    inside = [path.parent for each in INSIDE for path in (root / each).rglob("*.py")]
    return {"seawall", *(".".join(("seawall", *path.relative_to(root).parts)) for path in inside)}


def test_every_folder_with_modules_is_in_the_wheel() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert set(named) == _folders(ROOT)


def test_a_wheel_holds_the_package_its_types_and_its_licence(site: Path) -> None:
    assert _folders(site / "seawall") == _folders(ROOT)
    assert {path.name for path in site.iterdir() if path.suffix != ".dist-info"} == {"seawall"}
    assert {path.name for path in (site / "seawall").iterdir()} == {"__init__.py", "__main__.py", "py.typed", *INSIDE}
    (about,) = site.glob("*.dist-info")
    assert (about / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert "seawall = seawall.clients.source" in (about / "entry_points.txt").read_text()


def test_the_flow_runs_from_the_wheel_beside_files_named_like_our_folders(site: Path, tmp_path: Path) -> None:
    for name in INSIDE:
        (tmp_path / f"{name}.py").write_text(f"raise AssertionError('{name} of the user')\n")
    code = "import seawall.flows.ingest as f; print(f.__file__, f.ingest.name)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(site)},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == [str(site / "seawall/flows/ingest.py"), "ingest"]


def test_the_public_face_is_whole_and_costs_next_to_nothing() -> None:
    code = "import sys, seawall; quick = {'prefect', 'pandas', 'httpx', 'pyarrow'} & set(sys.modules); print(quick); "
    code += "print([name for name in seawall.__all__ if getattr(seawall, name).__name__ is None])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["set()", "[]"]
