"""Apply: blocks come to be as files declare them, once, and nothing is saved where anything is wrong."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.blocks.system import Secret

from seawall.__main__ import main
from seawall.clients.auth.login import Login
from seawall.tasks.context.blocks import find_source, load_source

pytestmark = pytest.mark.usefixtures("prefect_api")

FILE = """
defaults:
  url: https://api.shop.example
  auth:
    kind: login
    login_url: https://api.shop.example/login
    username: me
    password: ${SHOP_PASSWORD}
sources:
  - {name: PREFIX-orders, path: /orders}
  - {name: PREFIX-items, path: /items, headers: {X-Region: eu}}
"""


@pytest.fixture
def prefix() -> str:
    return f"shop-{uuid4().hex[:8]}"


@pytest.fixture
def file(tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_PASSWORD", "first-password")
    path = tmp_path / "shop.yaml"
    path.write_text(FILE.replace("PREFIX", prefix))
    return path


def applied(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The exit code of `apply`, and what it prints."""
    code = main(["apply", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


def test_blocks_are_created_then_left_alone_and_then_changed_where_the_file_is(
    file: Path, prefix: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, items = f"api-source/{prefix}-orders", f"api-source/{prefix}-items"
    assert applied(capsys, file) == (0, f"{orders}: created\n{items}: created\n")
    assert applied(capsys, file) == (0, f"{orders}: unchanged\n{items}: unchanged\n")
    monkeypatch.setenv("SHOP_PASSWORD", "second-password")
    file.write_text(file.read_text().replace("X-Region: eu}", "X-Region: us}, pagination: {size_param: per_page}"))
    told = f"{orders}: changed: auth.password\n{items}: changed: auth.password, pagination.size_param, headers\n"
    assert applied(capsys, "--check", file) == (0, told)
    assert applied(capsys, file) == (0, told)
    assert applied(capsys, file) == (0, f"{orders}: unchanged\n{items}: unchanged\n")
    saved = load_source(f"{prefix}-items")
    assert isinstance(saved.auth, Login)
    assert (saved.auth.password.get_secret_value(), saved.headers) == ("second-password", {"X-Region": "us"})


def test_a_kind_that_changes_is_told_by_the_name_of_its_field(
    file: Path, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    applied(capsys, file)
    file.write_text(file.read_text().replace("path: /orders", "path: /orders, pagination: {kind: offset}"))
    assert f"{prefix}-orders: changed: pagination\n" in applied(capsys, file)[1]


def test_nothing_is_saved_where_anything_is_wrong(file: Path, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text() + "  - {name: more, path: /more, recordpath: x}\n")
    line = len(file.read_text().splitlines())
    assert applied(capsys, file) == (
        1,
        f"{file}, line {line}: unknown field 'recordpath' in source 'more'; did you mean 'records_path'?\n"
        "1 mistake, so nothing was saved\n",
    )
    assert find_source(f"{prefix}-orders") is None


def test_a_check_saves_nothing(file: Path, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"{prefix}-orders: created" in applied(capsys, file, "--check")[1]
    assert find_source(f"{prefix}-orders") is None


def test_a_secret_may_stand_in_a_block_of_prefect(file: Path, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    Secret(value="kept-in-prefect").save(f"{prefix}-password")
    file.write_text(file.read_text().replace("${SHOP_PASSWORD}", f"${{secret:{prefix}-password}}"))
    assert applied(capsys, file)[0] == 0
    saved = load_source(f"{prefix}-orders")
    assert isinstance(saved.auth, Login)
    assert saved.auth.password.get_secret_value() == "kept-in-prefect"


def test_a_secret_block_that_is_not_there_is_a_mistake(
    file: Path, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text().replace("${SHOP_PASSWORD}", f"${{secret:{prefix}-none}}"))
    code, told = applied(capsys, file)
    assert code == 1
    assert f"{file}, line 8: no secret block is called '{prefix}-none'; there are: " in told
    assert told.count("line 8") == 1


def test_what_was_saved_and_is_no_source_any_more_is_replaced(
    file: Path, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    applied(capsys, file)
    broken = load_source(f"{prefix}-orders")
    broken.page_size = 0  # nothing checks what is set later
    broken.save(f"{prefix}-orders", overwrite=True)
    told = f"{prefix}-orders: changed: what was saved is no valid source\n"
    assert told in applied(capsys, file)[1]
    assert load_source(f"{prefix}-orders").page_size == 1000


def test_the_command_is_there_and_says_what_it_takes() -> None:
    done = subprocess.run([sys.executable, "-m", "seawall", "apply"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage: python -m seawall apply [-h] [--check] FILE [FILE ...]" in done.stderr
