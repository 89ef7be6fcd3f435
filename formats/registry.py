"""The formats by name; a plug-in adds one through the entry-point group `seawall.formats`."""

from importlib.metadata import entry_points
from typing import Final

import pyarrow as pa

from seawall.formats.csv import Csv
from seawall.formats.json import Json
from seawall.formats.jsonl import JsonLines
from seawall.formats.parquet import Parquet
from seawall.formats.writer import Format, FormatError, FormatKind, Settings

GROUP: Final = "seawall.formats"

FORMATS: Final[dict[str, FormatKind]] = {"csv": Csv, "jsonl": JsonLines, "json": Json, "parquet": Parquet}


def names() -> list[str]:
    """Every name that `format=` takes, ours first."""
    return [*FORMATS, *sorted({point.name for point in entry_points(group=GROUP)} - set(FORMATS))]


def find(name: str) -> FormatKind:
    """The format called `name`.

    Raises:
        FormatError: there is none; the message lists the choices.
    """
    if name in FORMATS:
        return FORMATS[name]
    for point in entry_points(group=GROUP, name=name):
        kind: FormatKind = point.load()
        return kind
    raise FormatError(f"unknown format {name!r}; choose one of: {', '.join(names())}")


def build(name: str, settings: Settings) -> Format:
    """The format called `name` with the settings of a run.

    Raises:
        FormatError: there is no such format, or it does not take one of the settings; the message lists what it takes.
    """
    kind = find(name)
    if settings.compression not in kind.compressions:
        raise FormatError(
            f"format {name!r} takes no compression {settings.compression!r}; "
            f"choose one of: {', '.join(kind.compressions)}"
        )
    for option in settings.given():
        if option not in kind.takes and option != "compression":
            takes = ", ".join(sorted(kind.takes)) or "none"
            raise FormatError(f"format {name!r} does not take {option!r}; options that it takes: {takes}")
    pa.array([0])  # with its first list Arrow imports pandas: half a second that no page should wait for
    return kind(settings)
