"""Seen: the pages and tokens of a walk so far, to find out one that goes in circles."""

from hashlib import blake2b
from threading import Lock

from seawall.clients.errors import PageRepeatedError, WalkLoopError
from seawall.clients.limits import MAX_EMPTY_PAGES
from seawall.clients.pages.page import PageRequest
from seawall.clients.pages.records import Records


class Seen:
    """Digests of what came, 100 bytes or so for each page. Thread-safe."""

    def __init__(self) -> None:
        self._pages: dict[bytes, tuple[int, object]] = {}
        self._tokens: dict[bytes, int] = {}
        self._empty: set[int] = set()
        self._lock = Lock()

    def refuse_repetition(self, request: PageRequest, records: Records) -> None:
        """Raise PageRepeatedError where the records came before, in answer to another request."""
        if not records:
            return
        asked = (request.number, tuple(sorted(request.query.items())))
        with self._lock:
            before = self._pages.setdefault(records.digest, asked)
        if before != asked:
            raise PageRepeatedError(
                f"page {request.number} holds the very records of page {before[0]}: "
                f"does the source read {' and '.join(map(repr, request.query)) or 'the links that it gives'}?"
            )

    def refuse_loop(self, number: int, token: str, *, empty: bool) -> None:
        """Raise WalkLoopError where another page gave this token, or too many pages in a row hold nothing."""
        with self._lock:
            before = self._tokens.setdefault(blake2b(token.encode(), digest_size=16).digest(), number)
            self._empty = self._empty | {number} if empty else set()
        if before != number:
            raise WalkLoopError(f"page {number} leads to where page {before} led: the walk goes in circles")
        if len(self._empty) >= MAX_EMPTY_PAGES:
            raise WalkLoopError(
                f"{MAX_EMPTY_PAGES:,} pages in a row, the last of them page {number}, hold no record and lead on"
            )
