"""The working tree as a repository of its own, to clone from."""

import shutil
import subprocess
from pathlib import Path

from seawall.dev.process import ROOT

_AUTHOR = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")


def bare_repository(folder: Path) -> Path:
    """A bare repository in `folder` whose branch `main` holds what is tracked here, or would be, as it stands now."""
    tree = folder / "tree"
    listing = _git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():  # a file that was removed is tracked until the next commit
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    _git(tree, "init", "--quiet", "--initial-branch", "main")
    _git(tree, "add", "--all")
    _git(tree, *_AUTHOR, "commit", "--quiet", "--message", "The working tree")
    _git(folder, "clone", "--quiet", "--bare", str(tree), "seawall.git")
    return folder / "seawall.git"


def clone(repository: Path, folder: Path) -> Path:
    """A fresh clone of a repository in `folder`, which is new."""
    _git(repository, "clone", "--quiet", str(repository), str(folder))
    return folder


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout
