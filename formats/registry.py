"""The formats by name; a plug-in adds one through the entry-point group `seawall.formats`."""

from importlib.metadata import entry_points

from formats.csv import Csv
from formats.writer import Format, FormatError

GROUP = "seawall.formats"

FORMATS: dict[str, Format] = {"csv": Csv()}


def names() -> list[str]:
    """Every name that `format=` takes, ours first."""
    return [*FORMATS, *sorted({point.name for point in entry_points(group=GROUP)} - set(FORMATS))]


def find(name: str) -> Format:
    """The format called `name`.

    Raises:
        FormatError: there is none; the message lists those that there are.
    """
    if name in FORMATS:
        return FORMATS[name]
    for point in entry_points(group=GROUP, name=name):
        found: Format = point.load()()
        return found
    raise FormatError(f"unknown format {name!r}; choose one of: {', '.join(names())}")
