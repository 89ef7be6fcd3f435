"""The README, word for word: a fresh clone, one shell, a clean HOME, and every command in order."""

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.dev.customers import Customers
from seawall.dev.process import ROOT, Process
from seawall.dev.truth import differences
from seawall.tests.checkout import bare_repository, clone
from seawall.tests.figures import Figures

pytestmark = pytest.mark.readme

README = (ROOT / "README.md").read_text()
CI = (ROOT / ".ci/run").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PROSE = re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE)
INLINE = [" ".join(code.split()) for code in re.findall(r"`((?:make|python|prefect|pip)\s[^`]+)`", PROSE)]
PORTS = sorted({int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", README)})
INSTALLERS = re.compile(r"(pip_|uv_|ssl_cert_|(https?|all|no)_proxy$)", re.IGNORECASE)  # where packages come from
SECONDS = 900.0
THE_END = "The README ran to its end."

PICTURES = {"mermaid": "a drawing", "": "how a landing folder looks"}
A_STEP_OF_CI = "a step of .ci/run"
NOT_RUN = {
    "make test": A_STEP_OF_CI,
    "make test-readme": A_STEP_OF_CI,
    "make test-runs": A_STEP_OF_CI,
    "make test-ui": A_STEP_OF_CI,
    "make image": A_STEP_OF_CI,
    "make test-peers": A_STEP_OF_CI,
    "make bench": A_STEP_OF_CI,
    "make test-faults": A_STEP_OF_CI,
    "make test-kills": A_STEP_OF_CI,
    "make test-walks": A_STEP_OF_CI,
    "make lint": A_STEP_OF_CI,
    "make bench-pace": "takes minutes; the tests of the controller walk the servers of its table",
    "make test-histories": "10,000 histories take minutes; some of them are in make test-walks",
    "make test-schedules": "2,000 schedules take minutes; some of them are in make test-walks",
    "make stack": "runs until Ctrl-C; test_operations.py starts, deploys and uses the same things",
    "python -m seawall.dev.blocks": "wants the variables of docs/operations.md; test_deployments.py sets them",
    "prefect flow-run retry": "wants the id of a run that failed; test_operations.py has one",
}


def commands(block: str) -> list[str]:
    """The commands of a shell block, without their comments."""
    lines = (line.split(" #")[0].strip() for line in block.splitlines())
    return [line for line in lines if line]


def shell_commands() -> list[str]:
    """Every command of the README's shell blocks, then those that its sentences name."""
    return [*(command for language, text in BLOCKS if language == "sh" for command in commands(text)), *INLINE]


def script() -> str:
    """What a stranger types, in order."""
    return "\n".join([*(command for command in shell_commands() if command not in NOT_RUN), f"echo {THE_END!r}", ""])


def programs() -> dict[str, str]:
    """The Python blocks by the name of the file that their first line tells."""
    return _files("python")


def _files(*languages: str) -> dict[str, str]:
    return {text.split("\n")[0].removeprefix("# "): text for language, text in BLOCKS if language in languages}


def clean_environment(home: Path) -> dict[str, str]:
    """No variable but PATH, HOME, and what tells installers where packages come from."""
    environment = {name: value for name, value in os.environ.items() if INSTALLERS.match(name)}
    if (settings := Path.home() / ".config/pip/pip.conf").exists():
        environment.setdefault("PIP_CONFIG_FILE", str(settings))
    return environment | {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}


def listening() -> list[int]:
    """Which of the README's ports somebody listens on."""
    ports = []
    for port in PORTS:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                ports.append(port)
    return ports


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-5000:]


def test_every_block_and_command_is_run_or_is_listed_with_a_reason() -> None:
    for language, text in BLOCKS:
        assert language in {"sh", "python", "yaml", *PICTURES}, text
    assert all(re.fullmatch(r"\w+\.py", name) for name in programs()), "a program tells its file in its first line"
    named = shell_commands()
    assert {f"python {name}" for name in programs()} <= set(named)
    assert set(NOT_RUN) <= set(named), "a reason for a command that the README does not name"
    for command, reason in NOT_RUN.items():
        assert reason != A_STEP_OF_CI or re.search(rf"^{command}( |$)", CI, re.MULTILINE), command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has the fresh clone in `seawall`, and the clean HOME in `home`."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "home").mkdir()
    root = clone(bare_repository(folder), folder / "seawall")
    for name, text in _files("python", "yaml").items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    (folder / "typed.sh").write_text(script())
    return folder


@pytest.fixture(scope="module")
def log(folder: Path) -> Iterator[str]:
    """What the shell showed, from the first command to the last."""
    assert not listening(), f"the README needs the ports {PORTS} of this machine"
    process = Process(
        ["bash", "-ev", str(folder / "typed.sh")],
        log=folder / "shown.log", environment=clean_environment(folder / "home"), folder=folder / "seawall",
    )  # fmt: skip
    deadline = time.monotonic() + SECONDS
    try:
        while process.running:
            assert time.monotonic() < deadline, tail(process.log)
            time.sleep(0.2)
        assert THE_END in tail(process.log).splitlines(), tail(process.log)
        while listening():
            assert time.monotonic() < deadline, "what the README starts, it stops"
            time.sleep(0.2)
        yield process.log.read_text(errors="replace")
    finally:
        process.kill()  # all that is left of its group


def manifest_below(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The only manifest below a folder, and where it lies."""
    (path,) = folder.rglob("_manifest.json")
    return path, json.loads(path.read_text())


def test_a_stranger_types_the_readme_and_it_works(folder: Path, log: str, record_property: Figures) -> None:
    assert "All 100,000 records equal the truth, field by field (DuckDB)." in log, "make demo"
    path, manifest = manifest_below(folder / "seawall/data")
    assert (manifest["verdict"], manifest["records"]) == ("complete", 100_000)
    parts = [path.parent / part["key"].rpartition("/")[2] for part in manifest["parts"]]
    assert differences(parts, Customers().records()) == []
    assert re.search(r"│\s+100000 │", log), "what DuckDB counted by the manifest"
    assert "api-source/customers: unchanged" in log, "the YAML says what the program says"


def test_the_deployments_of_the_readme_land_and_probe(folder: Path, log: str) -> None:
    _, manifest = manifest_below(folder / "home/seawall")
    assert (manifest["verdict"], manifest["records"], manifest["format"]) == ("complete", 100_000, "parquet")
    assert log.count("Flow run finished successfully") == 2
