"""What many would write first: requests and csv.DictWriter in a loop.

It never retries, cannot resume, and keeps nested values as Python's repr.
"""

import csv
from pathlib import Path
from typing import Any

import requests


def pages(url: str) -> Any:
    """The records of each page, until there are no more."""
    page = total = 1
    with requests.Session() as session:
        while page <= total:
            response = session.get(url, params={"page": page, "limit": 1000}, timeout=60)
            response.raise_for_status()
            body = response.json()
            total = body["metadata"]["total_pages"]
            yield body["data"]
            page += 1


def main(url: str, folder: str) -> None:
    """Land all pages in `customers.csv`."""
    with Path(folder, "customers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = None
        for records in pages(url):
            if writer is None:
                writer = csv.DictWriter(file, fieldnames=list(records[0]))
                writer.writeheader()
            for record in records:
                writer.writerow(record)
