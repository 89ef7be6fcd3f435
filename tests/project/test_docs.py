"""The documents tell the truth: examples run, tables list what the code has."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from jsonschema import Draft7Validator

from seawall.clients import limits
from seawall.clients.auth.forms import Auth
from seawall.clients.pagination.kinds import Pagination
from seawall.clients.source import ApiSource
from seawall.dev.process import ROOT
from seawall.dev.unstable_api import Server
from seawall.flows.ingest import ingest
from seawall.tasks.options import IngestOptions
from seawall.tasks.sources.document import read
from seawall.tasks.sources.files import declared_sources
from seawall.tasks.sources.schema import file_schema
from seawall.testing import Api
from seawall.tests.simulator import source_of

README = (ROOT / "README.md").read_text()
SOURCES = (ROOT / "docs/sources.md").read_text()
DESIGN = (ROOT / "docs/design.md").read_text()


def table(text: str, head: str) -> dict[str, list[str]]:
    """The rows below a table's head, by their first cell."""
    rows = text.split(head, 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if "|" in row]
    return {row[0].strip("`"): row[1:] for row in cells if not row[0].startswith("---")}


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_the_readme_run(number: int) -> None:
    examples = re.findall(r"<!-- executed by tests/project/test_docs.py -->\n```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 2
    exec(compile(examples[number], "README.md", "exec"), {})


@pytest.mark.usefixtures("prefect_api")
def test_the_examples_for_notebooks_run_one_after_another(
    serve: Callable[..., Server], save_source: Callable[..., str]
) -> None:
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/notebooks.md").read_text(), re.DOTALL)
    assert len(examples) >= 4
    ingest(source=save_source(serve(total=2_500)), prefix="crm")
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/notebooks.md", "exec"), names)
    assert (len(names["customers"]), names["total"], names["rows"]) == (2_500, 2_500, 2_500)
    assert names["scores"].equals(names["again"])


def test_the_examples_of_the_kit_are_tests_that_pass(tmp_path: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/testing.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile("\n".join(examples), "docs/testing.md", "exec"), names)
    tests = {name: test for name, test in names.items() if name.startswith("test_")}
    assert len(tests) >= 4
    for name, test in tests.items():
        test(Api(tmp_path / name))


def test_the_readme_lists_every_parameter_and_option() -> None:
    parameters = table(README, "| parameter | meaning | default |")
    assert list(parameters) == list(ingest.parameters.properties)
    options = table(README, "| option | meaning | default |")
    assert list(options) == list(IngestOptions.model_fields)
    for name, (_, told) in options.items():
        default = IngestOptions.model_fields[name].default
        assert default is None or str(default).lower() in told, name


def test_every_command_of_the_readme_is_a_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", README + (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    assert {"demo", "test", "lint"} <= named <= targets


def test_every_limit_has_a_line_with_its_default() -> None:
    told = table(DESIGN, "| limit | default | where |")
    values: dict[str, Any] = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert set(values) <= set(told)
    fields = ApiSource.model_fields
    values |= {name: fields[name].default for name in told if name in fields}
    values |= {name: field.default for name, field in IngestOptions.model_fields.items() if name in told}
    for name, (default, where) in told.items():
        if name not in values:
            module = "seawall." + where.strip("`").removesuffix(".py").replace("/", ".")
            values[name] = getattr(importlib.import_module(module), name)
        value = values[name] if not isinstance(values[name], float) else f"{values[name]:g}"
        assert value is None or re.search(rf"(?<!\d){value}(?!\d)", default), name


def test_the_examples_of_the_sources_run() -> None:
    examples = re.findall(r"```python\n(.*?)```", SOURCES, re.DOTALL)
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/sources.md", "exec"), names)
    told = {form["kind"] for form in (*names["forms"], *names["kinds"], names["login"])}
    kinds = [arm.model_fields["kind"].default for arm in (*get_args(_union(Auth)), *get_args(_union(Pagination)))]
    assert told == set(kinds)


def test_the_examples_of_the_yaml_are_files_of_sources(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/yaml.md").read_text(), re.DOTALL)
    paths = [tmp_path / f"{number}.yaml" for number in range(len(examples))]
    for path, example in zip(paths, examples, strict=True):
        path.write_text(example)
        Draft7Validator(file_schema()).validate(read(example).plain())
    variables = dict.fromkeys(("SHOP_USER", "SHOP_PASSWORD", "HELPDESK_TOKEN", "TENANT_PIN"), "from-outside")
    declared = declared_sources(paths, variables)
    assert [each.block for each in declared] == ["orders", "customers", "countries", "tickets"]
    assert [each.source.auth.kind for each in declared] == ["login", "login", "none", "basic"]


@pytest.mark.usefixtures("prefect_api")
def test_the_example_for_several_sources_runs(serve: Callable[..., Server]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/yaml.md").read_text(), re.DOTALL)
    server = serve(total=50)
    for name in ("orders", "customers"):
        source_of(server, name=name).save(name, overwrite=True)
    names: dict[str, Any] = {}
    exec(compile(example, "docs/yaml.md", "exec"), names)
    assert [(each.source, each.verdict) for each in names["outcomes"]] == [
        ("orders", "complete"), ("customers", "complete")
    ]  # fmt: skip
    assert server.api.stats()["logins"] == 1


def _union(annotated: Any) -> Any:
    """The classes behind an annotated union."""
    inner = get_args(annotated)[0]
    return _union(inner) if get_origin(inner) is Annotated else inner


def test_the_sources_tell_every_limit_of_a_source_with_its_default() -> None:
    told = table(SOURCES, "| limit | default | why |")
    fields = ApiSource.model_fields
    bounds = {name for name in fields if name.startswith("max_") or name.endswith(("_timeout", "_deadline", "_after"))}
    assert set(told) == bounds | {"page_size"}
    for name, (default, why) in told.items():
        value = fields[name].default
        assert value is None or re.search(rf"(?<!\d){value:g}(?!\d)" if value < 10**6 else str(value), default), name
        assert why


def test_links_between_the_documents_lead_somewhere() -> None:
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
