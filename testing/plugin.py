"""The plugin: where Seawall is installed, pytest knows the fixture `seawall_api`.

Every pytest session of that environment loads this module, so it imports next to nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from seawall.testing.api import Api


@pytest.fixture
def seawall_api(tmp_path: Path) -> "Api":
    """An API of canned answers for one test, whose sources land in its temporary folder."""
    from seawall.testing import Api  # noqa: PLC0415  # not before a test wants it

    return Api(tmp_path)
