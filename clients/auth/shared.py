"""Shared tokens: refresh tokens that work once, among several runs and processes."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator

from loguru import logger

from seawall.clients.auth.keepers import KeptTokens, TokenKeeper, Wait
from seawall.clients.auth.tokens import Token, TokenAuth, TokenGrant, TokenRequest
from seawall.clients.errors import AuthenticationError, LoginRejectedError
from seawall.clients.http.exchange import Answer


class OwnTokens:
    """A keeper for a source that no block holds: what came last, as long as this process lives."""

    def __init__(self, tokens: KeptTokens) -> None:
        self._tokens = tokens

    def load(self, wait: Wait) -> KeptTokens:
        """What was saved last."""
        return self._tokens

    @contextlib.contextmanager
    def turn(self, wait: Wait) -> Iterator[None]:
        """Nobody else has them."""
        yield

    def save(self, tokens: KeptTokens) -> None:
        """Keep these from now on."""
        self._tokens = tokens


class SharedTokenAuth(TokenAuth):
    """Signs requests with a token that all runs with the same keeper share; whoever finds it stale renews it for all.

    A server that rotates refresh tokens takes one that comes twice for stolen, and ends the login of everybody
    (RFC 9700 §4.14.2). So one process at a time renews: it loads what is kept, and where that is another access token
    than the stale one, somebody else was faster. What the server answers is saved before anything uses it. The access
    token is kept, too: runs that begin together share one renewal, and with a server that ends the old access token
    at each refresh, runs with tokens of their own would end those of one another for ever.

    A process that dies between the answer and the save loses the login, as no order of the two can help: that is
    the length of one request to the keeper. A refresh token that is refused may be one that somebody else used a
    moment ago, where the turn got lost: so what is kept is looked at once more before the run fails.
    """

    def __init__(
        self,
        grant: TokenGrant,
        *,
        send: Callable[[TokenRequest], Answer],
        keeper: TokenKeeper,
        wait: Wait = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(grant, send=send, clock=clock)
        self._keeper = keeper
        self._wait = wait
        self._today = today
        self._unsaved: KeptTokens | None = None

    def forget(self) -> None:
        """Mask its tokens no longer, and save what could not be saved: whoever used them is closed."""
        with self._lock:
            self._save_late()
        super().forget()

    def _renewed(self, old: Token | None) -> Token:
        self._save_late()
        if self._unsaved is not None:
            return self._exchanged(self._unsaved)  # which nobody else has
        if token := self._adopted(self._load(), old):
            return token
        with self._keeper.turn(self._wait):
            kept = self._load()
            return self._adopted(kept, old) or self._exchanged(kept)

    def _adopted(self, kept: KeptTokens, old: Token | None) -> Token | None:
        """The access token that is kept, unless it is the old one, or stale by now."""
        if kept.access is None or (old is not None and kept.access == old.access):
            return None
        left = math.inf if kept.stale_at is None else kept.stale_at - self._today()
        return Token(kept.access, kept.refresh, self._clock() + left) if left > 0 else None

    def _exchanged(self, kept: KeptTokens) -> Token:
        """A new token for a refresh token, or for its successor where somebody else has used it."""
        request = self._grant.refresh_request(kept.refresh) or self._grant.login_request()
        try:
            token = self._asked(request, kept.refresh)
        except LoginRejectedError as error:
            successor = self._load()
            if successor.refresh != kept.refresh:
                return self._adopted(successor, None) or self._exchanged(successor)
            raise LoginRejectedError(
                f"{error}: the refresh token has expired, was revoked, or was used by another program; log in anew, "
                "and save the new one as auth.refresh_token of the source"
            ) from None
        self._save(token)
        logger.info("token refreshed")
        return token

    def _load(self) -> KeptTokens:
        kept = self._keeper.load(self._wait)
        self._remember(kept.access, kept.refresh)
        return kept

    def _save(self, token: Token) -> None:
        left = token.stale_at - self._clock()
        stale_at = self._today() + left if left < math.inf else None
        self._unsaved = KeptTokens(refresh=token.refresh or "", access=token.access, stale_at=stale_at)
        self._save_late()

    def _save_late(self) -> None:
        """Save what is not saved yet. Where that fails, this run goes on by it, and tries again as long as it lives."""
        if self._unsaved is None:
            return
        try:
            self._keeper.save(self._unsaved)
            self._unsaved = None
        except AuthenticationError as error:
            logger.bind(error=str(error)).error("the new refresh token is not saved: other runs cannot get in with it")
