"""JSON values of every kind, for hypothesis to draw."""

from hypothesis import strategies as st

from seawall.tests.equality import Value

AWKWARD_TEXTS = [
    '"',
    '""',
    ",",
    ";",
    "\t",
    " ",
    "\r",
    "\n",
    "\r\n",
    "\0",
    "\u2028",
    "\u0085",
    "\ufeff",
    "\\",
    "'",
    "#",
    "é",
    "🌊",
]
CHARACTERS = st.characters(exclude_categories=["Cs"])  # UTF-8 cannot carry surrogates
TEXTS = st.text(CHARACTERS, max_size=8) | st.lists(st.sampled_from(AWKWARD_TEXTS), max_size=5).map("".join)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
CONTAINERS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
).filter(lambda value: isinstance(value, (list, dict)))
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


def _numbers(digits: int, exponent_digits: int) -> st.SearchStrategy[str]:
    """Numbers as texts, with this many digits at most before and after the point, and in the exponent."""
    pattern = rf"-?(0|[1-9][0-9]{{0,{digits}}})(\.[0-9]{{1,{digits}}})?([eE][+-]?[0-9]{{1,{exponent_digits}}})?"
    return st.from_regex(pattern, fullmatch=True).filter(str.isascii)


NUMBERS = _numbers(20, 3)
LONG_NUMBERS = _numbers(40, 4)  # beyond every type of a column


def same(text: str) -> Value:
    """A value whose cell shows its JSON text."""
    return text, text
