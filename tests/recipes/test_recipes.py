"""Every recipe of the document lands all that its vendor has, whatever happens to its second request."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from seawall.dev.process import ROOT
from seawall.tasks.sources.files import declared_sources
from seawall.testing import Api, status
from seawall.testing.landed import Landed
from seawall.tests.recipes import (  # noqa: F401  # they enter the registry
    customers,
    exports,
    operations,
    people,
    research,
    shops,
    standards,
    suites,
    work,
)
from seawall.tests.recipes.stage import VENDORS, secret

DOCUMENT: Final = (ROOT / "docs/recipes.md").read_text()
KEY: Final = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What stands below a heading: a sentence, and a source as YAML."""

    sentence: str
    yaml: str

    @property
    def verdict(self) -> str:
        """The verdict that the sentence tells, where it is another one than usual."""
        told = re.search(r"verdict is `(\w+)`", self.sentence)
        return told[1] if told else "complete"

    def landed(self, api: Api, folder: Path) -> Landed:
        """What lands from the vendor, as `apply` reads the source and a run lands it."""
        path = folder / "source.yaml"
        path.write_text(self.yaml)
        names = re.findall(r"\$\{(\w+)\}", self.yaml)
        variables = {name: KEY.decode() if name.endswith("PRIVATE_KEY") else secret(name) for name in names}
        (declared,) = declared_sources([path], variables)
        return api.land(declared.source)


def recipes() -> dict[str, Recipe]:
    """The recipes by their headings."""
    found: dict[str, Recipe] = {}
    for section in re.split(r"^### ", DOCUMENT, flags=re.MULTILINE)[1:]:
        match = re.fullmatch(r"(.+)\n\n((?:.+\n)+)\n```yaml\n(.*?)```\n+(?:## .*)?", section, re.DOTALL)
        assert match, f"no heading, sentence and YAML: {section}"
        assert match[1] not in found
        found[match[1]] = Recipe(sentence=match[2], yaml=match[3])
    return found


RECIPES: Final = recipes()


def test_every_recipe_has_a_vendor_and_every_vendor_a_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert RECIPES.keys() == VENDORS.keys()
    for told in (DOCUMENT, *((ROOT / name).read_text() for name in ("README.md", "docs/sources.md", "CHANGELOG.md"))):
        assert f"{len(RECIPES)} APIs" in told
    with capsys.disabled():
        print(f"\n{len(RECIPES)} recipes")


def test_the_table_leads_to_recipes() -> None:
    anchors = {re.sub(r"[^a-z0-9 -]", "", name.lower()).replace(" ", "-") for name in RECIPES}
    linked = re.findall(r"\]\(#([^)]+)\)", DOCUMENT)
    assert len(linked) > 30
    assert set(linked) <= anchors


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_read_in_a_minute_and_names_its_source(name: str) -> None:
    recipe = RECIPES[name]
    assert re.search(r"\]\(https://[^)]+\)", recipe.sentence)
    assert len(recipe.sentence.split()) < 80
    assert 4 <= len(recipe.yaml.splitlines()) <= 24


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_lands_every_record_once(name: str, tmp_path: Path) -> None:
    api = Api(tmp_path)
    VENDORS[name].open(api, glitches=[])
    landed = RECIPES[name].landed(api, tmp_path)
    assert (landed.verdict, landed.records) == (RECIPES[name].verdict, VENDORS[name].records)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_a_glitch_and_a_wish_to_slow_down(name: str, tmp_path: Path) -> None:
    api = Api(tmp_path)
    glitches: list[httpx.Response] = [status(503), status(429, retry_after=30)]
    VENDORS[name].open(api, glitches=glitches)
    landed = RECIPES[name].landed(api, tmp_path)
    assert (landed.verdict, landed.records) == (RECIPES[name].verdict, VENDORS[name].records)
    assert (glitches, landed.waited >= 30) == ([], True)
