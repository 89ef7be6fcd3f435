"""Imports run one way: flows → tasks → clients, formats, storage; none of them needs dev or tests, no test another."""

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.dev.process import ROOT

LOWEST = ("clients", "formats", "storage")
ALLOWED = {
    "testing": {"testing", "tasks", *LOWEST},
    "flows": {"flows", "tasks", *LOWEST},
    "tasks": {"tasks", *LOWEST},
    **{name: {name} for name in LOWEST},
}
OURS = {*ALLOWED, "dev", "tests"}
BARE = OURS | {"seawall"}  # a folder without its package's name, or the face, which imports all of it


def _imported(source: str) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, wherever in it, with the line; a relative one begins with a dot."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module="seawall", names=names, level=0):
                yield from ((node.lineno, f"seawall.{alias.name}") for alias in names)
            case ast.ImportFrom(module=module, level=level):
                yield node.lineno, "." * level + (module or "")
            case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]) if _loads_modules(function):
                yield node.lineno, module


def _imported_names(source: str) -> Iterator[tuple[int, str]]:
    """Every module that a file imports and every name that it takes from one, dotted, with the line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (f"{node.module}." if node.module else "")
            yield from ((node.lineno, module + alias.name) for alias in node.names)
    yield from _imported(source)


def _loads_modules(function: ast.expr) -> bool:
    return ast.unparse(function).rpartition(".")[2] in ("import_module", "__import__")


def _violations(root: Path) -> list[str]:
    """Imports against the direction, as `file:line imports module`."""
    found = []
    for package, allowed in ALLOWED.items():
        for path in sorted((root / package).rglob("*.py")):
            for line, module in _imported(path.read_text(encoding="utf-8")):
                if module.startswith(".") or not _is_allowed(module, allowed):
                    found.append(f"{path.relative_to(root).as_posix()}:{line} imports {module}")
    return found


def _imports_of_tests(root: Path) -> list[str]:
    """Imports of a test module or a conftest within `tests/`, as `file:line imports name`."""
    return sorted(
        f"{path.relative_to(root).as_posix()}:{line} imports {name}"
        for path in (root / "tests").rglob("*.py")
        for line, name in _imported_names(path.read_text(encoding="utf-8"))
        if any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    )


def _is_allowed(module: str, allowed: set[str]) -> bool:
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] in allowed if first == "seawall" else first not in BARE


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages, to plant violations in."""
    for package in ALLOWED:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_imports_run_one_way() -> None:
    assert _violations(ROOT) == []


@pytest.mark.parametrize("package", ALLOWED)
def test_no_package_is_empty(package: str) -> None:
    assert len(list((ROOT / package).glob("*.py"))) > 1


@pytest.mark.parametrize(
    ("place", "line", "module"),
    [
        ("clients/planted.py", "import seawall.formats", "seawall.formats"),
        ("clients/planted.py", "from seawall.storage.keys import joined", "seawall.storage.keys"),
        ("formats/planted.py", "import seawall.storage.s3 as s3", "seawall.storage.s3"),
        ("formats/planted.py", "def f():\n    from seawall.clients import page", "seawall.clients"),
        (
            "storage/planted.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import seawall.formats.csv",
            "seawall.formats.csv",
        ),
        ("storage/planted.py", "import json, seawall.tasks.run", "seawall.tasks.run"),
        ("tasks/planted.py", "from seawall.flows.ingest import ingest", "seawall.flows.ingest"),
        ("tasks/planted.py", "import seawall.dev.truth", "seawall.dev.truth"),
        ("flows/planted.py", "from seawall import tests", "seawall.tests"),
        ("flows/planted.py", "import importlib\nimportlib.import_module('seawall.dev.demo')", "seawall.dev.demo"),
        ("clients/deep/planted.py", "__import__('seawall.tasks')", "seawall.tasks"),
        ("clients/planted.py", "from ..storage import s3", "..storage"),
        ("clients/planted.py", "from storage import s3", "storage"),
        ("tasks/planted.py", "from seawall.testing import Api", "seawall.testing"),
        ("tasks/planted.py", "from seawall import ingest", "seawall.ingest"),
        ("tasks/planted.py", "import seawall", "seawall"),
    ],
)
def test_a_planted_violation_is_caught(copy: Path, place: str, line: str, module: str) -> None:
    path = copy / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{line}\n")
    number = len(line.splitlines())
    assert _violations(copy) == [f"{place}:{number} imports {module}"]


def test_an_import_on_the_way_down_is_none(copy: Path) -> None:
    (copy / "flows" / "planted.py").write_text("import json\nimport seawall.tasks.run\nfrom seawall import storage\n")
    (copy / "tasks" / "planted.py").write_text("from seawall.clients.api import ApiClient\nimport formatsx, devices\n")
    assert _violations(copy) == []


def test_what_tests_share_stands_in_modules_that_hold_no_tests() -> None:
    """A test that another one imports cannot be moved alone; pytest itself loads each conftest."""
    assert _imports_of_tests(ROOT) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from seawall.tests.formats.test_csv import TEXTS", "seawall.tests.formats.test_csv.TEXTS"),
        ("from seawall.tests.formats import test_csv as values", "seawall.tests.formats.test_csv"),
        ("import seawall.tests.formats.test_csv", "seawall.tests.formats.test_csv"),
        ("from seawall.tests.conftest import serve", "seawall.tests.conftest.serve"),
        ("from seawall.tests import conftest", "seawall.tests.conftest"),
        ("def f():\n    from . import conftest", ".conftest"),
        ("from .test_csv import TEXTS", ".test_csv.TEXTS"),
        ("import importlib\nimportlib.import_module('seawall.tests.conftest')", "seawall.tests.conftest"),
    ],
)
@pytest.mark.parametrize("place", ["tests/formats/test_planted.py", "tests/planted.py", "tests/conftest.py"])
def test_a_planted_import_of_a_test_is_caught(tmp_path: Path, place: str, line: str, name: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(f"from seawall.tests.values import TEXTS\n{line}\n")
    assert f"{place}:{len(line.splitlines()) + 1} imports {name}" in _imports_of_tests(tmp_path)


def test_no_flow_file_is_named_like_a_package_or_a_module_of_the_standard_library() -> None:
    """Prefect puts `flows/` first on `sys.path`, where such a file would stand in for the other."""
    packages = {path.parent.name for path in ROOT.glob("*/*.py")} | {path.stem for path in ROOT.glob("*.py")}
    files = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert packages >= OURS
    assert files & (packages | sys.stdlib_module_names) == set()
