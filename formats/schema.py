"""Columns and their types: what the values of a column have in common, as JSON sees it.

A schema is a dict of column name to type, in the order of first appearance. The types are `null`,
`boolean`, `integer`, `number`, `string`, `object`, `array`.
"""

from collections.abc import Iterable
from typing import Final

Schema = dict[str, str]

_BY_FIRST_BYTE: Final = {
    ord('"'): "string",
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord("n"): "null",
    ord("{"): "object",
    ord("["): "array",
}
_FRACTION: Final = frozenset(b".eE")


def type_of(value: bytes) -> str:
    """The type of one JSON value, from its text (RFC 8259 §3)."""
    named = _BY_FIRST_BYTE.get(value[0])
    if named is None:
        return "integer" if _FRACTION.isdisjoint(value) else "number"
    return named


def widest(*types: str) -> str:
    """The narrowest type that holds all values of `types`; text in the last resort."""
    found = set(types) - {"null"}
    if found == {"integer", "number"}:
        return "number"
    return "null" if not found else found.pop() if len(found) == 1 else "string"


def union(schemas: Iterable[Schema]) -> Schema:
    """One schema that holds them all; columns come in the order of their first appearance."""
    whole: Schema = {}
    for schema in schemas:
        for name, kind in schema.items():
            whole[name] = widest(whole.get(name, "null"), kind)
    return whole
