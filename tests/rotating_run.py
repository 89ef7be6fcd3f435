"""One run over an hour of virtual time, as a process of its own: `python -m … <source> <url>` prints its statuses."""

import sys
from collections import Counter
from typing import cast

from seawall.clients.auth.oauth import OAuth2
from seawall.tasks.context.blocks import load_source
from seawall.tasks.context.keeper import BlockKeeper
from seawall.tests.rotation import Hour


def main(source: str, url: str) -> None:
    """Live the hour."""
    auth = cast(OAuth2, load_source(source).auth)
    hour = Hour(url, auth, BlockKeeper(source))
    hour.live()
    print(dict(Counter(hour.statuses)))  # what the test reads


if __name__ == "__main__":
    main(*sys.argv[1:])
