"""The layout of a source's bodies: where records stand, and what stands beside them, read in one pass."""

import re
from collections.abc import Iterable, Mapping
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
        form: Any = list[msgspec.Raw]
        for depth, step in reversed(list(enumerate(steps))):
            form = _object(step, form, self._beside if depth == 0 else {})
        namable = not any(map(_UNNAMEABLE.search, [*steps, *self._beside]))
        self._decoder = msgspec.json.Decoder(form) if namable else None

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


def _object(key: str, form: Any, beside: Mapping[str, str]) -> Any:
    """The form of an object with `key`, and perhaps what stands beside it, whatever else is in it."""
    fields: list[Any] = [("records", form), *((field, msgspec.Raw, _NOTHING) for field in beside.values())]
    rename = {"records": key} | {field: name for name, field in beside.items()}
    return msgspec.defstruct("Object", fields, rename=rename, gc=False)
