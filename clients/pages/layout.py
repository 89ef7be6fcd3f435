"""The layout of a source's bodies: where records stand, and what stands beside them, read in one pass."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from seawall.clients.pages import paths

_UNNAMEABLE: Final = re.compile(r'[\x00-\x1f"\\]')  # msgspec takes these in no name of a field
_NOTHING: Final = msgspec.Raw(b"")


class Layout:
    """A list of records at one path (`""` is the body itself), and what stands beside it at the top.

    The members of the body that `other_paths` may begin with, `beside`, are read as well.
    """

    def __init__(self, records_path: str, other_paths: Iterable[str] = ()) -> None:
        self.records_path = records_path
        steps = paths.steps(records_path)
        self.depth = len(steps)
        self._fields = _fields(steps[0], other_paths) if steps else {}
        self.beside = frozenset(self._fields)
        nameable = not any(map(_UNNAMEABLE.search, [*steps, *self._fields]))
        self._decoder = msgspec.json.Decoder(_type_at(steps, self._fields)) if nameable else None

    def read(self, body: bytes) -> tuple[list[msgspec.Raw], dict[str, msgspec.Raw]] | None:
        """The records of a body and the members beside them at its top; None where it is not laid out like that."""
        try:
            top: Any = self._decoder.decode(body) if self._decoder else None
        except (msgspec.DecodeError, RecursionError):
            return None
        if top is None:
            return None
        records = top
        for _ in range(self.depth):
            records = records.records
        beside = {name: value for name, field in self._fields.items() if (value := getattr(top, field))}
        return records, beside


def _fields(first_step: str, others: Iterable[str]) -> dict[str, str]:
    """A Struct's field for each member of a body that these paths begin with, but the one that holds the records."""
    names = {key for path in others if paths.in_body(path) for key in paths.beginnings(path)} - {first_step}
    return {name: f"beside{number}" for number, name in enumerate(sorted(names))}


def _type_at(steps: Sequence[str], fields: Mapping[str, str]) -> Any:
    """The type of a value with a list of records at its steps, and perhaps members beside the first of them."""
    if not steps:
        return list[msgspec.Raw]
    members: list[Any] = [("records", _type_at(steps[1:], {}))]
    members += [(field, msgspec.Raw, _NOTHING) for field in fields.values()]
    rename = {"records": steps[0]} | {field: name for name, field in fields.items()}
    return msgspec.defstruct("Object", members, rename=rename, gc=False)
