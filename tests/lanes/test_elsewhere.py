"""Seawall elsewhere: installed from its wheel, beside a user's own modules, with real servers, workers and clones."""

import importlib.util
import json
import re
import site
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from seawall.dev.customers import Customers
from seawall.dev.process import ROOT
from seawall.dev.server import PrefectServer
from seawall.dev.truth import differences
from seawall.dev.unstable_api import Faults, Server, UnstableApi
from seawall.tests.checkout import bare_repository, clone
from seawall.tests.simulator import source_of

pytestmark = pytest.mark.runs

OPERATIONS = (ROOT / "docs/operations.md").read_text()
REPOSITORY = "https://github.com/seawall-data/seawall.git"
CUSTOMERS = Customers(seed=4, total=2_500)

TASKS = "def customers_of(name: str) -> str:\n    return name\n"
STORAGE = 'FOLDER = "landed"\n'
NAMES = ("clients", "flows", "formats", "dev", "tests")  # other modules of a user that are called like our folders
SCRIPT = """
import sys

import storage
from seawall import ApiSource, ingest
from tasks import customers_of

api = sys.argv[1]
login = {"kind": "login", "login_url": f"{api}/login", "username": "demo", "password": "demo-password"}
ApiSource(name="mine", url=f"{api}/customers", auth=login).save("mine", overwrite=True)
manifest = ingest(source=customers_of("mine"), bucket=storage.FOLDER)
print(manifest.records, manifest.verdict)
"""
LOOK = """
from importlib.metadata import entry_points
from importlib.util import find_spec

spec = find_spec("seawall")
print(spec and spec.origin, [each.value for each in entry_points(group="prefect.collections", name="seawall")])
"""
DEPLOYMENTS = """
deployments:
  - name: by-module
    entrypoint: seawall.flows.ingest.ingest
    work_pool: {{name: seawall}}
    pull: []
  - name: by-path
    entrypoint: flows/ingest.py:ingest
    work_pool: {{name: seawall}}
    pull:
      - prefect.deployments.steps.set_working_directory:
          directory: {checkout}
"""


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A Prefect server in an environment with the wheel, an environment without it, and a user's folder."""

    server: PrefectServer
    api: Server
    user: Path
    installed: Path
    bare: Path
    knows_the_block: bool

    def run(self, deployment: str, python: Path, folder: Path) -> None:
        """Run a deployment by a worker of the environment of `python`, and compare what it lands with the truth."""
        with self.server.worker(self.user, python=python):
            shown = self.server.cli(
                "deployment", "run", f"ingest/{deployment}", "-p", "source=customers", "-p", f"bucket={folder}",
                "--watch", "--watch-timeout", "180", folder=self.user,
            )  # fmt: skip
        assert "Flow run finished successfully" in shown
        check_landed(folder)


def check_landed(folder: Path) -> None:
    """The only dataset below a folder equals the truth."""
    (path,) = folder.rglob("_manifest.json")
    manifest = json.loads(path.read_text())
    parts = [path.parent / part["key"].rpartition("/")[2] for part in manifest["parts"]]
    assert (manifest["verdict"], differences(parts, CUSTOMERS.records())) == ("complete", [])


def dependencies(folder: Path) -> Path:
    """A folder with links to all that is installed here, but for Seawall itself."""
    folder.mkdir()
    for path in Path(site.getsitepackages()[0]).iterdir():
        if "seawall-" not in path.name and "seawall_" not in path.name:
            (folder / path.name).symlink_to(path)
    return folder


def environment(folder: Path, packages: Path) -> Path:
    """The Python of a new environment that has these packages, and nothing in editable form."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "dependencies.pth").write_text(f"{packages}\n")  # a .pth file in there is not read in turn
    return folder / "bin/python"


def install_the_wheel(python: Path, folder: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    build = [uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(folder)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(wheel)], check=True)


def home_of_the_package(python: Path, folder: Path) -> str:
    """Where an environment finds `seawall`, and what it knows of its metadata."""
    code = "import importlib.util as u, importlib.metadata as m; found = u.find_spec('seawall'); "
    code += (
        "print(found and found.origin, [e.value for e in m.entry_points(group='prefect.collections', name='seawall')])"
    )
    done = subprocess.run([str(python), "-c", code], cwd=folder, env={}, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def users_folder(folder: Path) -> Path:
    folder.mkdir()
    (folder / "tasks.py").write_text(TASKS)
    (folder / "storage.py").write_text(STORAGE)
    (folder / "script.py").write_text(SCRIPT)
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"raise AssertionError('{name} of the user')\n")
    return folder


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """One for all tests of this module: a new server takes half a minute to migrate its database."""
    folder = tmp_path_factory.mktemp("elsewhere")
    packages = dependencies(folder / "packages")
    installed, bare = environment(folder / "installed", packages), environment(folder / "bare", packages)
    install_the_wheel(installed, folder)
    server = PrefectServer(folder, python=installed)
    with Server(UnstableApi(CUSTOMERS, Faults(http_500=0.1))) as api, server:
        block_type = httpx.get(f"{server.ui}/api/block_types/slug/api-source", timeout=30)
        with temporary_settings({PREFECT_API_URL: f"{server.ui}/api"}):
            source_of(api).save("customers")
        user = users_folder(folder / "user")
        server.cli("work-pool", "create", "seawall", "--type", "process", folder=user)
        yield Elsewhere(
            server=server, api=api, user=user, installed=installed, bare=bare, knows_the_block=block_type.is_success
        )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_repository(tmp_path_factory.mktemp("repository"))


def test_the_environments_hold_the_wheel_or_nothing_of_ours(elsewhere: Elsewhere) -> None:
    package = elsewhere.installed.parent.parent / "lib"
    assert home_of_the_package(elsewhere.bare, elsewhere.user) == "None []"
    shown = home_of_the_package(elsewhere.installed, elsewhere.user)
    assert shown.startswith(str(package))
    assert shown.endswith("seawall/__init__.py ['seawall.clients.source']")
    here = importlib.util.find_spec("seawall")
    assert here is not None
    assert here.origin == str(ROOT / "__init__.py")


def test_a_script_beside_a_users_own_tasks_and_storage_lands_data(elsewhere: Elsewhere) -> None:
    done = subprocess.run(
        [str(elsewhere.installed), "script.py", elsewhere.api.url],
        cwd=elsewhere.user, env=elsewhere.server.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.endswith("2500 complete\n"), done.stdout + done.stderr
    check_landed(elsewhere.user / "landed")


def test_the_block_is_known_to_a_bare_server_and_to_the_register_command(elsewhere: Elsewhere) -> None:
    assert elsewhere.knows_the_block, "by the entry point prefect.collections, before anything was registered or saved"
    shown = elsewhere.server.cli("block", "register", "-m", "seawall", folder=elsewhere.user)
    assert "API Source" in shown
    assert "Successfully registered 1 block" in shown


def test_workers_run_the_flow_as_a_module_and_as_a_file_of_a_checkout(
    elsewhere: Elsewhere, repository: Path, tmp_path: Path
) -> None:
    checkout = clone(repository, tmp_path / "checkout")
    (tmp_path / "prefect.yaml").write_text(DEPLOYMENTS.format(checkout=checkout))
    assert "PYTHONPATH" not in elsewhere.server.environment
    elsewhere.server.cli("deploy", "--all", "--prefect-file", str(tmp_path / "prefect.yaml"), folder=checkout)
    elsewhere.run("by-module", elsewhere.installed, tmp_path / "module")
    elsewhere.run("by-path", elsewhere.installed, tmp_path / "path")


def test_a_deployment_that_clones_and_installs_runs_where_nothing_of_ours_is_installed(
    elsewhere: Elsewhere, repository: Path, tmp_path: Path
) -> None:
    (text,) = re.findall(
        r"<!-- deployed and run by tests/lanes/test_elsewhere.py -->\n```yaml\n(.*?)```", OPERATIONS, re.DOTALL
    )
    assert REPOSITORY in text
    (tmp_path / "prefect.yaml").write_text(text.replace(REPOSITORY, repository.as_uri()))
    elsewhere.server.cli("deploy", "--all", "--prefect-file", str(tmp_path / "prefect.yaml"), folder=elsewhere.user)
    elsewhere.run("from-git", elsewhere.bare, tmp_path / "git")
    assert str(elsewhere.bare.parent.parent) in home_of_the_package(elsewhere.bare, elsewhere.user), "it is now"
