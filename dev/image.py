"""Run the commands of the Dockerfile in a clean folder and environment, for machines without a Docker engine.

COPY copies, RUN runs with a Python of its own and none of this environment's variables, ENV and WORKDIR do what
they do in an image. What this cannot show is the base image itself.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from seawall.dev.process import ROOT


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile, in order, each with its arguments."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, arguments = line.partition(" ")
            yield name, arguments.strip()


def build(dockerfile: Path, root: Path) -> None:
    """Do what the Dockerfile says below `root`. Raises CalledProcessError where a command fails."""
    subprocess.run([sys.executable, "-m", "venv", str(root / "usr")], check=True)
    environment = {"PATH": f"{root / 'usr/bin'}:/usr/local/bin:/usr/bin:/bin", "HOME": str(root)}
    environment |= {name: os.environ[name] for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE") if name in os.environ}
    folder = root
    for name, arguments in instructions(dockerfile.read_text()):
        print(f"{name} {arguments}", flush=True)
        match name:
            case "FROM":
                pass
            case "ENV":
                environment |= dict(pair.split("=", 1) for pair in shlex.split(arguments))
            case "WORKDIR":
                folder = root / arguments.lstrip("/")
                folder.mkdir(parents=True, exist_ok=True)
            case "COPY":
                *sources, target = shlex.split(arguments)
                for source in sources:
                    _copy(ROOT / source, folder / target, into=target.endswith("/"))
            case "RUN":
                subprocess.run(["/bin/sh", "-ec", arguments], cwd=folder, env=environment, check=True)
            case _:
                raise ValueError(f"{dockerfile}: {name} is not known here; teach it to dev/image.py")


def _copy(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target / source.name if into else target)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="seawall-image-") as folder:
        build(ROOT / "Dockerfile", Path(folder))
