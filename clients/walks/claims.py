"""Claims: what ends, empties or shortens a walk is asked for again after a pause, for one glitch must not do that."""

from collections.abc import Callable, Iterator

from loguru import logger

from seawall.clients.errors import PageFailedError
from seawall.clients.http.pacing import Pacing
from seawall.clients.limits import CLAIM_ASKINGS, CLAIM_PAUSE
from seawall.clients.pages.page import Page, PageRequest

Fetch = Callable[[PageRequest], Page]


class Claims:
    """Asks the same again, up to CLAIM_ASKINGS times in all: after CLAIM_PAUSE seconds, then after twice as long."""

    def __init__(self, fetch: Fetch, pacing: Pacing) -> None:
        self._fetch = fetch
        self._pacing = pacing

    def again(self, request: PageRequest) -> Iterator[Page | PageFailedError]:
        """The next answers to a question, as long as they are taken; an error where there is said to be no such page.

        Raises:
            PageFailedError: the page could not be had.
        """
        for turn in range(CLAIM_ASKINGS - 1):
            self._pacing.sleep(CLAIM_PAUSE * 2**turn)
            logger.bind(page=request.number, asking=turn + 2).info("asking again, to be sure")
            try:
                answer: Page | PageFailedError = self._fetch(request)
            except PageFailedError as error:
                if not error.missing:
                    raise
                answer = error
            yield answer
