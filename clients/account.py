"""An account: the same credentials at the same API, which several sources of one process may share."""

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Final

import httpx

from seawall.clients.auth.aws import AwsAuth
from seawall.clients.auth.keepers import TokenKeeper
from seawall.clients.auth.tokens import TokenAuth
from seawall.clients.http.gate import Gate
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.transport import http_client, http_transport
from seawall.clients.http.urls import origin
from seawall.clients.http.wire import Wire
from seawall.clients.source import ApiSource

_CREDENTIALS: Final = ("auth", "secret_params", "secret_headers", "ca_certificates", "client_certificate", "proxy")


class Account:
    """One login and one gate for all clients that use it, closed with the last of them. Thread-safe.

    Logins go over connections of their own, with the timeouts of the source that came first, so that no client which
    stops takes the login of another one along. `transport`, `clock` and `sleep` are as in ApiClient.
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        keeper: TokenKeeper | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
    ) -> None:
        self.gate = Gate(clock=clock)
        self._source = source
        self._wire = Wire()
        self._client = http_client(
            transport or http_transport(self._wire, max_in_flight=1, **source.connection()),
            connect_timeout=source.connect_timeout,
            read_timeout=source.read_timeout,
        )
        self._pacing = Pacing(gate=self.gate, max_in_flight=None, sleep=sleep)
        self.auth = source.signer(self._client, self._pacing, keeper=keeper, clock=clock)
        self._users: set[object] = set()
        self._lock = threading.Lock()

    def serves(self, source: ApiSource) -> bool:
        """Whether a source has the same credentials at the same origin."""
        return origin(source.url) == origin(self._source.url) and all(
            getattr(source, name) == getattr(self._source, name) for name in _CREDENTIALS
        )

    def join(self, user: object) -> bool:
        """Use it from now on; False where its last user has left, or its credentials were refused."""
        with self._lock:
            if self._pacing.stopped or (isinstance(self.auth, TokenAuth) and self.auth.is_refused):
                return False
            self._users.add(user)
            return True

    def leave(self, user: object) -> None:
        """Use it no more; with the last user, waits for a login and requests for a token end now."""
        with self._lock:
            self._users.discard(user)
            if not self._users:
                self._pacing.stop()
                self._wire.hang_up()

    def close(self) -> None:
        """Release its sockets, and mask its tokens no more, unless somebody uses it still."""
        with self._lock:
            if self._users:
                return
            self._client.close()
            if isinstance(self.auth, TokenAuth | AwsAuth):
                self.auth.forget()


class Accounts:
    """The accounts that clients of one process have open. Thread-safe."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[Account] = weakref.WeakSet()
        self._kept: dict[object, set[Account]] = {}
        self._lock = threading.Lock()

    def join(self, user: object, source: ApiSource, *, keeper: TokenKeeper | None = None) -> Account:
        """The account that serves a source, opened where there is none, with one more user."""
        with self._lock:
            account = self._joined(user, source, keeper)
            for user_of_all, accounts in self._kept.items():
                account.join(user_of_all)
                accounts.add(account)
            return account

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Close no account that is joined in the body before its end, though all other users leave."""
        keeper = object()
        with self._lock:
            self._kept[keeper] = set()
        try:
            yield
        finally:
            with self._lock:
                accounts = self._kept.pop(keeper)
            for account in accounts:
                account.leave(keeper)
                account.close()

    def _joined(self, user: object, source: ApiSource, keeper: TokenKeeper | None) -> Account:
        for account in list(self._open):
            if account.serves(source) and account.join(user):
                return account
        account = Account(source, keeper=keeper)
        account.join(user)
        self._open.add(account)
        return account
