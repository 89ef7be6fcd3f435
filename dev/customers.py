"""The customers that the simulator serves: true records, computed from a seed and a number."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MASK = 2**64 - 1

_FIRST = ("Ada", "Zoë", "José", "Łukasz", "Nguyễn", "Søren", "美咲", "Олена", "Máire", "محمد", "Priya", "D'Arcy")
_LAST = (
    "Lovelace",
    "O’Neill",
    "García",
    "Wiśniewska",
    "Trần",
    "Kierkegaard",
    "佐藤",
    "Шевченко",
    "حسن",
    "van der Berg",
)
_COMPANY = (
    "Smith, Jones & Co.",
    'The "Quoted" Company',
    "Müller GmbH",
    "Ünïcode Ltd; Sons",
    "株式会社サンプル",
    "plain",
    None,
    None,
)
_STREET = ("Rue de l'Église", "Hauptstraße", "Main St.", "Calle Mayor, 2º", "نهج الحرية", 'Old "Mill" Lane')
_CITY = ("Paris", "København", "São Paulo", "東京", "Reykjavík", "Kraków", "Springfield")
_NOTES = (
    None,
    None,
    "called twice,\nno answer",
    'says "never again"',
    "line one\r\nline two\r\n",
    " leading and trailing ",
    "emoji 🌊🧱",
    "tab\there",
    "=SUM(A1:A9)",
    "",
    "path\\to\\file",
    "separator\u2028inside",
)


def _mixed(seed: int, number: int) -> int:
    """One 64-bit draw for a record (SplitMix64, Steele et al. 2014)."""
    z = (seed * 0xD1342543DE82EF95 + number * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """A table of `total` customers, numbered from 1; the same seed gives the same table.

    `late_key_from` adds the key `loyalty_tier` from that record on; `sparse_key_every` adds
    `referral_code` to every n-th record. Zero leaves them out.
    """

    seed: int = 0
    total: int = 100_000
    late_key_from: int = 0
    sparse_key_every: int = 0

    def record(self, number: int) -> dict[str, Any]:
        """Customer `number`: 11 fields, in a fixed order, and the drifting keys where they are due."""
        r = _mixed(self.seed, number)
        first, last = _FIRST[r % 12], _LAST[(r >> 4) % 10]
        record = {
            "id": number,
            "first_name": first,
            "last_name": last,
            "email": f"customer{number}@example.com" if r >> 8 & 7 else None,
            "phone": f"+49 30 {r >> 12 & 0xFFFFF:07d}" if r >> 11 & 1 else None,
            "company": _COMPANY[r >> 16 & 7],
            "address": {
                "street": f"{_STREET[(r >> 20) % 6]} {r >> 24 & 0xFF}",
                "city": _CITY[(r >> 28) % 7],
                "postal_code": f"{r >> 32 & 0xFFFF:05d}",
            },
            "notes": _NOTES[(r >> 36) % 12],
            "active": bool(r >> 40 & 1),
            "balance": (r >> 41 & 0xFFFFF) / 100,
            "created_at": f"20{r >> 50 & 15:02d}-{(r >> 54) % 12 + 1:02d}-{(r >> 58) % 28 + 1:02d}T12:00:00Z",
        }
        if self.late_key_from and number >= self.late_key_from:
            record["loyalty_tier"] = ("bronze", "silver", "gold")[number % 3]
        if self.sparse_key_every and number % self.sparse_key_every == 0:
            record["referral_code"] = f"R-{number}"
        return record

    def records(self, first: int = 1, last: int | None = None) -> Iterator[dict[str, Any]]:
        """The records `first` to `last`, both included; to the end without `last`."""
        stop = self.total if last is None else min(last, self.total)
        return (self.record(number) for number in range(first, stop + 1))

    def page(self, page: int, limit: int) -> list[dict[str, Any]]:
        """Page `page` (from 1) of `limit` records; beyond the end it is empty."""
        return list(self.records((page - 1) * limit + 1, page * limit))

    def total_pages(self, limit: int) -> int:
        """The number of pages of `limit` records."""
        return -(-self.total // limit)
