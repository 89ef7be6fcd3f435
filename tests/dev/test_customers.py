"""The customers of the simulator: the same seed gives the same table."""

import json
from collections.abc import Callable

import pytest

from seawall.dev.customers import Customers

FIELDS = [
    "id", "first_name", "last_name", "email", "phone", "company", "address", "notes", "active", "balance", "created_at",
]  # fmt: skip


def test_the_same_seed_gives_the_same_records() -> None:
    assert list(Customers(seed=7, total=500).records()) == list(Customers(seed=7, total=500).records())


def test_another_seed_gives_other_records() -> None:
    one, other = (list(Customers(seed=seed, total=500).records()) for seed in (7, 8))
    assert sum(a == b for a, b in zip(one, other, strict=True)) == 0


def test_a_record_is_known_whatever_was_asked_before_and_however_large_the_table_is() -> None:
    small, large = Customers(seed=7, total=50), Customers(seed=7, total=100_000_000)
    assert [small.record(number) for number in range(50, 0, -1)][::-1] == list(large.records(1, 50))
    assert large.record(100_000_000)["id"] == 100_000_000


def test_a_record_has_eleven_fields_in_a_fixed_order() -> None:
    assert all(list(record) == FIELDS for record in Customers(total=300).records())


def test_records_are_numbered_from_one_and_reach_the_total() -> None:
    assert [record["id"] for record in Customers(total=30).records()] == list(range(1, 31))
    assert [record["id"] for record in Customers(total=30).records(28, 99)] == [28, 29, 30]
    assert list(Customers(total=0).records()) == []


@pytest.mark.parametrize(
    "hard",
    [
        lambda record: record["email"] is None,
        lambda record: record["company"] == "Smith, Jones & Co.",
        lambda record: '"' in (record["company"] or ""),
        lambda record: "\r\n" in (record["notes"] or ""),
        lambda record: "\u2028" in (record["notes"] or ""),
        lambda record: record["notes"] == "",
        lambda record: (record["notes"] or "").startswith("="),
        lambda record: "🌊" in (record["notes"] or ""),
        lambda record: record["last_name"] == "佐藤",
        lambda record: '"' in record["address"]["street"],
        lambda record: record["address"]["postal_code"].startswith("0"),
        lambda record: record["active"] is False,
    ],
)
def test_what_is_hard_for_csv_occurs_within_a_thousand(hard: Callable[[dict[str, object]], bool]) -> None:
    assert any(map(hard, Customers(total=1_000).records()))


def test_a_late_key_appears_from_its_record_on() -> None:
    records = list(Customers(total=100, late_key_from=60).records())
    assert [record["id"] for record in records if "loyalty_tier" in record] == list(range(60, 101))
    assert list(records[-1]) == [*FIELDS, "loyalty_tier"]


def test_a_sparse_key_appears_in_every_nth_record() -> None:
    records = Customers(total=100, sparse_key_every=25).records()
    codes = {record["id"]: record["referral_code"] for record in records if "referral_code" in record}
    assert codes == {25: "R-25", 50: "R-50", 75: "R-75", 100: "R-100"}


def test_drifting_keys_change_no_other_value() -> None:
    plain, drifting = Customers(total=50), Customers(total=50, late_key_from=1, sparse_key_every=1)
    for one, other in zip(plain.records(), drifting.records(), strict=True):
        assert one == {name: other[name] for name in FIELDS}


@pytest.mark.parametrize(("total", "limit", "pages"), [(0, 10, 0), (1, 10, 1), (10, 10, 1), (11, 10, 2), (95, 7, 14)])
def test_the_pages_hold_every_record_once(total: int, limit: int, pages: int) -> None:
    customers = Customers(total=total)
    assert customers.total_pages(limit) == pages
    walked = [record for page in range(1, pages + 1) for record in customers.page(page, limit)]
    assert walked == list(customers.records())


def test_a_page_beyond_the_end_is_empty() -> None:
    assert Customers(total=95).page(11, 10) == Customers(total=95).page(10**15, 10) == []


def test_every_record_is_json() -> None:
    for record in Customers(total=500, late_key_from=5, sparse_key_every=3).records():
        assert json.loads(json.dumps(record, allow_nan=False)) == record
