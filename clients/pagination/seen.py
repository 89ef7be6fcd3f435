"""Seen: the pages and tokens of a walk so far, to find out one that goes in circles."""

from hashlib import blake2b
from threading import Lock

from seawall.clients.errors import WalkLoopError
from seawall.clients.limits import MAX_EMPTY_PAGES
from seawall.clients.pages.identity import Identity
from seawall.clients.pages.page import PageRequest


class Seen:
    """Digests of what came, 100 bytes or so for each page. Thread-safe."""

    def __init__(self) -> None:
        self._pages: dict[bytes, tuple[int, object]] = {}
        self._repeats: set[object] = set()
        self._tokens: dict[bytes, int] = {}
        self._empty: set[int] = set()
        self._lock = Lock()

    def twin(self, request: PageRequest, identity: Identity) -> int | None:
        """The number of the page that came with the same records in answer to another request, if there is one."""
        if not identity.head:
            return None
        asked = (request.number, tuple(sorted(request.query.items())))
        with self._lock:
            before = self._pages.setdefault(identity.content, asked)
            if before == asked:
                return None
            self._repeats.add(asked)
        return before[0]

    @property
    def mostly_repeats(self) -> bool:
        """Whether no more pages came with records of their own than with those of another page."""
        return len(self._repeats) >= len(self._pages)

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
