"""Imports run one way: flows → tasks → clients, formats, storage; and nothing of them needs dev or tests."""

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOWEST = ("clients", "formats", "storage")
ALLOWED = {
    "flows": {"flows", "tasks", *LOWEST},
    "tasks": {"tasks", *LOWEST},
    **{name: {name} for name in LOWEST},
}
OURS = {*ALLOWED, "dev", "tests"}


def _imported(source: str) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, wherever in it, with the line; a relative one begins with a dot."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, level=level):
                yield node.lineno, "." * level + (module or "")
            case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]) if _loads_modules(function):
                yield node.lineno, module


def _loads_modules(function: ast.expr) -> bool:
    return ast.unparse(function).rpartition(".")[2] in ("import_module", "__import__")


def _violations(root: Path) -> list[str]:
    """Imports against the direction, as `file:line imports module`."""
    found = []
    for package, allowed in ALLOWED.items():
        for path in sorted((root / package).rglob("*.py")):
            for line, module in _imported(path.read_text(encoding="utf-8")):
                top = module.partition(".")[0]
                if module.startswith(".") or (top in OURS and top not in allowed):
                    found.append(f"{path.relative_to(root).as_posix()}:{line} imports {module}")
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the five packages, to plant violations in."""
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
        ("clients/planted.py", "import formats", "formats"),
        ("clients/planted.py", "from storage.keys import joined", "storage.keys"),
        ("formats/planted.py", "import storage.s3 as s3", "storage.s3"),
        ("formats/planted.py", "def f():\n    from clients import page", "clients"),
        (
            "storage/planted.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import formats.csv",
            "formats.csv",
        ),
        ("storage/planted.py", "import json, tasks.run", "tasks.run"),
        ("tasks/planted.py", "from flows.ingest import ingest", "flows.ingest"),
        ("tasks/planted.py", "import dev.truth", "dev.truth"),
        ("flows/planted.py", "from tests import conftest", "tests"),
        ("flows/planted.py", "import importlib\nimportlib.import_module('dev.demo')", "dev.demo"),
        ("clients/deep/planted.py", "__import__('tasks')", "tasks"),
        ("clients/planted.py", "from ..storage import s3", "..storage"),
    ],
)
def test_a_planted_violation_is_caught(copy: Path, place: str, line: str, module: str) -> None:
    path = copy / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{line}\n")
    number = len(line.splitlines())
    assert _violations(copy) == [f"{place}:{number} imports {module}"]


def test_an_import_on_the_way_down_is_none(copy: Path) -> None:
    (copy / "flows" / "planted.py").write_text("import json\nimport tasks.run\nfrom storage import s3\n")
    (copy / "tasks" / "planted.py").write_text("from clients.api import ApiClient\nimport formatsx, devices\n")
    assert _violations(copy) == []


def test_no_flow_file_is_named_like_a_package_or_a_module_of_the_standard_library() -> None:
    """Prefect puts `flows/` first on `sys.path`, where such a file would stand in for the other."""
    packages = {path.parent.name for path in ROOT.glob("*/*.py")} | {path.stem for path in ROOT.glob("*.py")}
    files = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert packages >= OURS
    assert files & (packages | sys.stdlib_module_names) == set()
