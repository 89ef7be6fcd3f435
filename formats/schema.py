"""Columns and their types: what the values of a column have in common, as JSON text shows it.

A schema is a dict of column name to type, in the order of first appearance. The types:

null            nothing but null so far
boolean
integer         of at most 2**53, which a double holds, too (RFC 8259 §6)
long            an integer of 64 bits
big-integer     an integer of any length
number          equal to the shortest decimal that names its double, such as 0.1
decimal         a number that no double and no 64 bits hold
object, array
string          text, and whatever has no other type in common
"""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, Overflow, Underflow
from typing import Final

Schema = dict[str, str]

EXACT_DIGITS: Final = 15  # a decimal of this length survives being a double (IEEE 754, C's DBL_DIG)
EXACT_INTEGERS: Final = range(-(2**53), 2**53 + 1)  # a double holds each of them
INT64: Final = range(-(2**63), 2**63)

_LONG_DIGITS: Final = 19
_DECIMALS: Final = Context(prec=1_000_000, Emax=10**17, Emin=-(10**17), traps=[Inexact, Overflow, Underflow])

BY_FIRST_BYTE: Final = {
    ord('"'): "string",
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord("n"): "null",
    ord("{"): "object",
    ord("["): "array",
}
_FRACTION: Final = frozenset(b".eE")
_INTEGERS: Final = ("integer", "long", "big-integer")  # each holds those before it
_NUMBERS: Final = frozenset((*_INTEGERS, "number", "decimal"))


def type_of(value: bytes) -> str:
    """The type of one JSON value, from its text (RFC 8259 §3)."""
    return BY_FIRST_BYTE.get(value[0]) or number_type(value)


def integer_type(value: int) -> str:
    """The narrowest type of an integer."""
    return "integer" if value in EXACT_INTEGERS else "long" if value in INT64 else "big-integer"


def widest(*types: str) -> str:
    """The narrowest type that holds all values of `types`; text in the last resort."""
    kinds = set(types) - {"null"}
    if len(kinds) < 2:
        return kinds.pop() if kinds else "null"
    if kinds.issubset(_INTEGERS):
        return max(kinds, key=_INTEGERS.index)
    if kinds == {"integer", "number"}:
        return "number"
    return "decimal" if kinds <= _NUMBERS else "string"


def union(schemas: Iterable[Schema]) -> Schema:
    """One schema that holds them all; columns come in the order of their first appearance."""
    whole: Schema = {}
    for schema in schemas:
        for name, kind in schema.items():
            whole[name] = widest(whole.get(name, "null"), kind)
    return whole


def number_type(value: bytes) -> str:
    """The type of a number, from its text."""
    if _FRACTION.isdisjoint(value):
        return "big-integer" if len(value) > _LONG_DIGITS + 1 else integer_type(int(value))
    return "number" if _is_exact(value.decode()) else "decimal"


def _is_exact(text: str) -> bool:
    """Whether the double of a JSON number has the number's own value as its shortest decimal."""
    double = float(text)
    if repr(double) == text:
        return True
    try:
        return double - double == 0 and _DECIMALS.create_decimal(text) == Decimal(repr(double))
    except ArithmeticError:  # it has more digits, or a larger exponent, than decimals are compared with
        return False
