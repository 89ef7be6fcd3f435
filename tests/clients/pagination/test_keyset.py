"""A walk by keys: what asks for the next page, what came before, and what the keys themselves give away."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from seawall.clients.errors import MalformedPageError, WalkLoopError
from seawall.clients.pages.body import Body
from seawall.clients.pages.page import PageRequest
from seawall.clients.pagination.keyset import Keyset
from seawall.clients.pagination.reading import Reading

SIZE = 5
BODY = Body(b"{}")


def records(*keys: object, name: str = "id") -> list[bytes]:
    return [json.dumps({name: key, "n": number}).encode() for number, key in enumerate(keys)]


def read(
    kind: Keyset, held: Sequence[bytes], token: str | None = None, *, number: int = 2, longest: int = 5
) -> Reading:
    request = PageRequest(number=number, token=token)
    return kind.reading(request, held, size=SIZE, longest=longest, comparable=lambda record: record)


@pytest.mark.parametrize(
    ("key", "text"), [(42, "42"), ("ch_9", "ch_9"), (1.25, "1.25"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")]
)
def test_the_key_of_the_last_record_asks_for_the_next_page(key: object, text: str) -> None:
    kind = Keyset()
    token = kind.next_token(BODY, read(kind, records(1, key)))
    assert token is not None
    assert kind.after(2, token, 10).query == {"starting_after": text, "limit": "10"}


def test_a_key_that_is_a_list_goes_into_a_body_as_it_came() -> None:
    kind = Keyset(cursor_param="/search_after", size_param="/size", record_path="sort")
    token = kind.next_token(BODY, read(kind, records([1, "a"], [2.50, "b"], name="sort")))
    assert token == '[[2.5, "b"]]'
    assert kind.after(1, token, 10).query == {"/search_after": '[2.5, "b"]', "/size": "10"}


def test_a_page_without_records_is_the_end() -> None:
    assert Keyset().next_token(BODY, read(Keyset(), [], "[4]")) is None


def test_a_flag_ends_the_walk_before_a_page_is_empty() -> None:
    kind = Keyset(more_path="has_more")
    assert kind.next_token(Body(b'{"has_more": false}'), read(kind, records(1, 2))) is None
    with pytest.raises(MalformedPageError, match="'has_more' says that there is more, yet nothing asks for it"):
        kind.next_token(Body(b'{"has_more": true}'), read(kind, []))


def test_a_last_record_without_the_key_is_no_page() -> None:
    with pytest.raises(MalformedPageError, match=r"no key at 'id' in the last record of page 2: \{\"x\": 1"):
        read(Keyset(), [b'{"id": 1}', b'{"x": 1}'])


@pytest.mark.parametrize(
    ("keys", "is_doubtful"),
    [
        ((1, 2, 3), False), ((3, 2, 1), False), ((1, 2, 2), True), ((1, 3, 2), True), (("b", "a", "c"), False),
        (("2026-01-01", "2026-01-03", "2026-01-02"), True), (("2026-01-02", "2026-01-01"), False), ((1.5, 1e3), False),
    ],
)  # fmt: skip
def test_keys_that_come_twice_or_out_of_order_are_doubtful(keys: Sequence[Any], is_doubtful: bool) -> None:  # noqa: FBT001
    assert read(Keyset(), records(*keys)).is_doubtful is is_doubtful


def test_the_order_reaches_back_to_the_page_before() -> None:
    assert read(Keyset(), records(5, 6), "[7]").is_doubtful
    assert not read(Keyset(), records(8, 9), "[7]").is_doubtful


class TestInclusive:
    """Where a page begins with the records of the key that asked for it."""

    kind = Keyset(record_path="at", inclusive=True)
    first = records(1, 2, 3, 3, name="at")

    @property
    def token(self) -> str:
        token = self.kind.next_token(BODY, read(self.kind, self.first, number=1))
        assert token is not None
        return token

    def test_what_came_before_is_left_out_and_the_rest_of_its_key_is_not(self) -> None:
        again = self.first[2:]
        held = [*again, b'{"at": 3, "n": 9}', b'{"at": 4, "n": 10}']
        reading = read(self.kind, held, self.token)
        assert (reading.repeated, reading.moved, reading.is_doubtful) == ((0, 1), False, False)

    def test_records_that_are_alike_are_told_apart_by_their_number(self) -> None:
        twice = [b'{"at": 3}'] * 2
        token = self.kind.next_token(BODY, read(self.kind, [b'{"at": 1}', b'{"at": 3}'], number=1))
        assert read(self.kind, [*twice, b'{"at": 4}'], token).repeated == (0,)

    def test_a_record_that_should_come_again_and_does_not_shows_that_rows_moved(self) -> None:
        assert read(self.kind, [self.first[3], b'{"at": 4}'], self.token).moved
        assert read(self.kind, [b'{"at": 4}'], self.token).moved, "as of a source that is not inclusive"

    def test_a_page_with_nothing_new_is_the_end_where_it_has_room_for_more(self) -> None:
        reading = read(self.kind, self.first[2:], self.token, number=3)
        assert (self.kind.next_token(BODY, reading), reading.is_doubtful) == (None, False)

    def test_a_page_full_of_one_key_cannot_be_walked_past(self) -> None:
        reading = read(self.kind, self.first[2:], self.token, number=3, longest=2)
        with pytest.raises(WalkLoopError, match=r"holds nothing but records whose 'at' is 3, .* ask for larger pages"):
            self.kind.next_token(BODY, reading)

    def test_a_source_of_one_short_page_of_one_key_is_doubtful(self) -> None:
        token = self.kind.next_token(BODY, read(self.kind, self.first[2:], number=1))
        reading = read(self.kind, self.first[2:], token, longest=2)
        assert (self.kind.next_token(BODY, reading), reading.is_doubtful) == (None, True)


def test_a_page_that_ends_with_the_record_that_asked_for_it_goes_in_a_circle() -> None:
    with pytest.raises(WalkLoopError, match=r"does the source read 'starting_after', and is it inclusive\?"):
        Keyset().refuse_loop(PageRequest(number=3, token="[7]"), "[7]")
