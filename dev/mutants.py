"""The tests tested: small random changes of clients/, one at a time in a scratch copy; which test notices each.

`python -m seawall.dev.mutants --seed 20 --count 20` prints, for each change, the first test that
fails, or that it survived.
A survivor is a change that means nothing, or a test that is missing.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from seawall.dev.process import ROOT

PATIENCE: Final = 300.0  # seconds for the tests of one change; what takes longer hangs, and is noticed by that
_COPIED: Final = ("clients", "tasks", "flows", "formats", "storage", "testing", "dev", "tests", "docs")
_COPIED_FILES: Final = (
    "pyproject.toml", "README.md", "CONTRIBUTING.md", "Makefile", "prefect.yaml", "__init__.py", "py.typed"
)  # fmt: skip
_LANES: Final = "not (runs or ui or peers or schedules or histories or kills)"
_SLOW: Final = ("test_api", "test_auth", "test_faults", "test_walks", "test_probe")  # after all others
_OTHER: Final[dict[type, type]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Add, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_TESTS: Final = {  # whose tests stand in a file of another name
    "numbered": "test_paginators", "chained": "test_paginators", "kinds": "test_paginators",
    "forms": "test_auth", "tokens": "test_auth", "desk": "test_auth", "exchange": "test_api", "scout": "test_probe",
}  # fmt: skip


_KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "comparison": lambda node: isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER,
    "operator": lambda node: isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in _OTHER,
    "without not": lambda node: isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not),
    "other truth": lambda node: isinstance(node, ast.Constant) and isinstance(node.value, bool),
    "number + 1": lambda node: isinstance(node, ast.Constant) and type(node.value) in (int, float),
    "without call": lambda node: isinstance(node, ast.Expr) and isinstance(node.value, ast.Call),
    "without raise": lambda node: isinstance(node, ast.Raise),
    "min, max": lambda node: isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("min", "max"),
}


def change(node: Any, kind: str) -> None:
    """Make the change."""
    match kind:
        case "comparison":
            node.ops[0] = _OTHER[type(node.ops[0])]()
        case "operator":
            node.op = _OTHER[type(node.op)]()
        case "without not":
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case "other truth":
            node.value = not node.value
        case "number + 1":
            node.value += 1
        case "without call":
            node.value = ast.Constant(None)
        case "without raise":
            node.__class__ = ast.Pass
        case "min, max":
            node.func.id = {"min": "max", "max": "min"}[node.func.id]


def changeable(text: str) -> tuple[ast.AST, list[tuple[Any, str]]]:
    """The tree of a module, and every node of it that can be changed, with how."""
    tree = ast.parse(text)
    return tree, [(node, kind) for node in ast.walk(tree) for kind, is_of in _KINDS.items() if is_of(node)]


def mutants(seed: int, count: int) -> Iterator[tuple[Path, int, str, str]]:
    """Changes drawn at random from all: the file, the line, what was changed, the new text of the file."""
    files = sorted((ROOT / "clients").rglob("*.py"))
    every = [(path, at) for path in files for at in range(len(changeable(path.read_text())[1]))]
    print(f"{count} of {len(every)} changes, seed {seed}", flush=True)
    for path, at in random.Random(seed).sample(every, count):
        tree, nodes = changeable(path.read_text())
        node, kind = nodes[at]
        change(node, kind)
        yield path.relative_to(ROOT), node.lineno, kind, ast.unparse(tree)


def noticed(folder: Path, changed: str) -> str:
    """The first test that fails in a copy of the project whose module `changed` is not what it was."""
    near = _TESTS.get(changed, f"test_{changed}")
    files = [path for path in sorted((folder / "tests").rglob("test_*.py")) if _concerns_clients(path)]
    files.sort(key=lambda path: (path.stem != near, _SLOW.index(path.stem) + 1 if path.stem in _SLOW else 0))
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-m", _LANES]
    command += map(str, files)
    environment = os.environ | {"PYTHONPATH": str(folder.parent)}  # where `seawall` is the copy
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "SURVIVED" if done.returncode == 0 else (failed or ["does not even begin"])[0].partition(" - ")[0]


def _concerns_clients(path: Path) -> bool:
    return path.stem in _SLOW or "clients" in path.parts


def main() -> None:
    """Make the changes, and print what each of them met."""
    parser = argparse.ArgumentParser(prog="python -m seawall.dev.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--count", type=int, default=20)
    asked: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "seawall")
        folder.mkdir()
        for each in _COPIED:
            shutil.copytree(ROOT / each, folder / each)
        for each in _COPIED_FILES:
            shutil.copy(ROOT / each, folder / each)
        for path, line, kind, text in mutants(asked.seed, asked.count):
            began = time.monotonic()
            (folder / path).write_text(text)
            met = noticed(folder, path.stem)
            shutil.copy(ROOT / path, folder / path)
            shown = (ROOT / path).read_text().splitlines()[line - 1].strip()
            print(f"{path}:{line}  {kind}  {shown}\n    {met}  ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
