"""Arrays of text: the types that they tell are those of each value alone."""

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.formats.schema import type_of, widest
from seawall.formats.texts import content, types_of, without_nulls
from seawall.tests.values import NUMBERS

TEXTS = st.lists(st.sampled_from(["", "null", "true", '"x"', "{}", "[]", "1.5", "-7"]) | NUMBERS)


@given(TEXTS)
@example(["1.5", '"1e400"'])
@example(["7", "{}", "1e2"])
@settings(max_examples=300)
def test_the_types_of_many_values_have_the_same_in_common_as_each_alone(texts: list[str]) -> None:
    values = [text.encode() for text in texts]
    array = without_nulls(pa.array(values, pa.binary()))
    assert array.to_pylist() == [None if value in (b"", b"null") else value for value in values]
    assert widest(*types_of(array)) == widest(*(type_of(value) for value in values if value))


@given(st.lists(st.none() | st.binary(max_size=4)), st.integers(0, 3))
def test_the_content_of_a_slice_is_that_of_its_values(values: list[bytes | None], begin: int) -> None:
    array = pa.array(values, pa.binary())[min(begin, len(values)) :]
    assert bytes(content(array)) == b"".join(value or b"" for value in values[begin:])
