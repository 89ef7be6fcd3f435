"""The layout of a source's bodies: where records stand, and what stands beside them, read in one pass."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

_UNNAMEABLE: Final = re.compile(r'[\x00-\x1f"\\]')  # msgspec takes these in no name of a field
_NOTHING: Final = msgspec.Raw(b"")


class Layout:
    """A list of records at one dotted path (`""` is the body itself), and what stands beside it at the top.

    `others` are paths, too; what their first steps lead to is kept.
    """

    def __init__(self, records: str, others: Iterable[str] = ()) -> None:
        self.records = records
        steps = records.split(".") if records else []
        beside = {path.partition(".")[0] for path in others if path}
        self._beside = {name: f"beside{number}" for number, name in enumerate(sorted(beside - set(steps[:1]))) if steps}
        self._depth = len(steps)
        named = not any(map(_UNNAMEABLE.search, [*steps, *self._beside]))
        self._decoder = msgspec.json.Decoder(_form(steps, self._beside)) if named else None

    def read(self, body: bytes) -> tuple[list[msgspec.Raw], dict[str, msgspec.Raw]] | None:
        """The records of a body and the members beside them at its top; None where it is not laid out like that."""
        try:
            top: Any = self._decoder.decode(body) if self._decoder else None
        except (msgspec.DecodeError, RecursionError):
            return None
        found = top
        for _ in range(self._depth if top else 0):
            found = found.records
        beside = {name: value for name, field in self._beside.items() if (value := getattr(top, field, None))}
        return None if found is None else (found, beside)


def _form(steps: Sequence[str], beside: Mapping[str, str]) -> Any:
    """The form of a value with a list of records at its steps, and perhaps members beside the first of them."""
    if not steps:
        return list[msgspec.Raw]
    fields: list[Any] = [("records", _form(steps[1:], {}))]
    fields += [(field, msgspec.Raw, _NOTHING) for field in beside.values()]
    rename = {"records": steps[0]} | {field: name for name, field in beside.items()}
    return msgspec.defstruct("Object", fields, rename=rename, gc=False)
