"""Apply: the blocks of declared sources are created or changed, and those that are as declared stay as they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from seawall.clients.source import ApiSource
from seawall.tasks.context import blocks
from seawall.tasks.errors import SettingsError
from seawall.tasks.sources.files import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of a block; `fields` are the names of those that change, never their values."""

    block: str
    kind: Literal["created", "changed", "unchanged"]
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{ApiSource.get_block_type_slug()}/{self.block}: {self.kind}{fields}"


def apply(declared: Sequence[Declared], *, saving: bool = True) -> Iterator[Change]:
    """Save each source that is not saved as it is declared; without `saving`, only tell what would change."""
    for each in declared:
        change = _change(each)
        if saving and change.kind != "unchanged":
            each.source.save(each.block, overwrite=True)
        yield change


def _change(declared: Declared) -> Change:
    try:
        saved = blocks.find_source(declared.block)
    except SettingsError:
        return Change(block=declared.block, kind="changed", fields=("what was saved is no valid source",))
    if saved is None:
        return Change(block=declared.block, kind="created")
    fields = tuple(_differing(saved, declared.source))
    return Change(block=declared.block, kind="changed" if fields else "unchanged", fields=fields)


def _differing(before: BaseModel, after: BaseModel, inside: str = "") -> Iterator[str]:
    """The names of fields whose values differ, dotted where a form of the same kind holds them."""
    for name in type(after).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(new, BaseModel) and type(old) is type(new):
            yield from _differing(old, new, f"{inside}{name}.")
        elif old != new:
            yield f"{inside}{name}"
