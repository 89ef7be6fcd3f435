"""Keys: safe prefixes, and names that sort, fit and never collide."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.storage import keys
from seawall.storage.errors import UnsafeKeyError

STARTED = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
RUN_ID = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
LONGEST_SOURCE = "s" * 100
SEGMENTS = st.text(st.sampled_from("abc._- ü\u2028🌊"), min_size=1, max_size=9).filter(
    lambda text: text not in (".", "..")
)
BRISK = settings(max_examples=200, print_blob=True)


@pytest.mark.parametrize(
    "prefix",
    [
        "..", ".", "../raw", "raw/..", "raw/../crm", "raw/./crm", "/", "/raw", "/raw/", "//", "raw//crm", "raw//",
        "raw\\crm", "\\", "a\x00b", "raw/\n", "\r", "a\tb", "\x1f", "\x7f", "\x85", "\x9f", "\ud800", "x\udfff",
        "x" * 1_024, "x/" * 500, "🌊" * 200,
    ],
)  # fmt: skip
def test_an_unsafe_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(UnsafeKeyError, match="unsafe prefix") as caught:
        keys.checked_prefix(prefix)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("prefix", "checked"),
    [("", ""), ("raw", "raw"), ("raw/crm", "raw/crm"), ("raw/crm/", "raw/crm"), ("...", "..."), ("a..b/.c", "a..b/.c")],
)
def test_a_safe_prefix_loses_only_a_slash_at_its_end(prefix: str, checked: str) -> None:
    assert keys.checked_prefix(prefix) == checked


@given(st.text(max_size=40) | st.lists(st.sampled_from(["a", "/", ".", "..", "\\", "\0"]), max_size=6).map("".join))
@BRISK
def test_whatever_is_accepted_stays_below_its_folder(prefix: str) -> None:
    try:
        checked = keys.checked_prefix(prefix)
    except UnsafeKeyError:
        return
    assert keys.checked_prefix(checked) == checked
    assert all(segment not in ("", ".", "..") for segment in checked.split("/") if checked)
    assert not any(ord(character) < 0x20 or character == "\\" for character in checked)


@given(st.lists(SEGMENTS, max_size=5).map("/".join))
@BRISK
def test_every_relative_path_of_harmless_segments_is_accepted(prefix: str) -> None:
    assert keys.checked_prefix(prefix) == prefix


@given(st.integers(600, 720), st.sampled_from(["x", "ü", "🌊"]))
@BRISK
def test_the_keys_below_an_accepted_prefix_fit_into_s3(size: int, character: str) -> None:
    prefix = (character * size)[: size // len(character.encode())]
    try:
        checked = keys.checked_prefix(prefix)
    except UnsafeKeyError:
        assert size > keys.MAX_KEY_BYTES - keys.LONGEST_NAME_BYTES
        return
    folder = keys.joined(checked, LONGEST_SOURCE, keys.run_name(STARTED, RUN_ID))
    for key in (keys.part_key(folder, 99_999_999, "f" * 64, "parquet"), keys.receipt_key(folder, 99_999_999)):
        assert len(key.encode()) <= keys.MAX_KEY_BYTES


def test_empty_segments_are_left_out_of_a_key() -> None:
    assert keys.joined("", "raw", "", "customers") == "raw/customers"
    assert keys.joined() == ""


def test_a_run_is_named_by_its_start_and_the_end_of_its_id() -> None:
    assert keys.run_name(STARTED, RUN_ID) == "20260304T050607Z-2e3f4a5b"


def test_a_run_is_found_by_the_end_of_its_id() -> None:
    name = keys.run_name(STARTED, RUN_ID)
    others = ["20260304T050607Z-00000000", "2e3f4a5b", f"{name}.old", "logs"]
    assert keys.find_run([*others, name], RUN_ID) == [name]
    assert keys.find_run(others, RUN_ID) == []


def test_a_part_is_named_by_its_dataset_its_first_page_and_its_content() -> None:
    folder = "raw/crm/customers/20260304T050607Z-2e3f4a5b"
    expected = f"{folder}/customers-20260304T050607Z-2e3f4a5b-00000501-abcdef01.csv"
    assert keys.part_key(folder, 501, "abcdef0123456789", "csv") == expected


def test_a_receipt_is_named_by_its_first_page() -> None:
    assert keys.receipt_key("customers/run", 501) == "customers/run/_receipts/00000501.json"


@given(st.lists(st.integers(0, 99_999_999), min_size=2))
@BRISK
def test_parts_and_receipts_sort_by_page(pages: list[int]) -> None:
    assert sorted(keys.receipt_key("f", page) for page in pages) == [keys.receipt_key("f", p) for p in sorted(pages)]
    parts = [keys.part_key("s/r", page, "0" * 8, "csv") for page in sorted(pages)]
    assert sorted(parts) == parts
