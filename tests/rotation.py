"""A token server whose refresh tokens work once: one that comes twice is taken for stolen, and ends the login."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx

from seawall.clients.auth.credentials import Means
from seawall.clients.auth.keepers import KeptTokens, TokenKeeper, Wait
from seawall.clients.auth.oauth import OAuth2
from seawall.clients.http.pacing import Pacing
from seawall.tests.wireserver import Answer, Request, as_json

FIRST = "refresh-token-0000"
MINUTES = 60
RUNS = 3


@dataclass
class Rotation:
    """The server, with its time: an access token lives for `life` seconds, or until the next one where `one_access`.

    `says_life` tells the first of these. `is_forgiving` keeps the login where a refresh token comes twice. `logins`
    counts tokens that were given out, `reused` refresh tokens that came twice, `refused` requests that came with a
    token that is no longer good.
    """

    life: int = 600
    one_access: bool = False
    is_forgiving: bool = False
    says_life: bool = True
    now: float = 0.0
    logins: int = 0
    reused: int = 0
    refused: int = 0
    refresh: str = FIRST
    is_over: bool = False
    _used: set[str] = field(default_factory=set)
    _ends: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _minute: threading.Barrier = field(init=False)

    def __post_init__(self) -> None:
        self._minute = threading.Barrier(RUNS, action=self._pass)

    def route(self, request: Request) -> Answer:
        """The answer to whatever is asked."""
        if request.path == "/minute":
            self._minute.wait(60)
            return as_json({"now": self.now})
        with self._lock:
            if request.path == "/token":
                return self._exchange(dict(parse_qsl(request.body.decode())))
            if self.is_over or self._ends.get(request.token, 0) <= self.now:
                self.refused += 1
                return as_json({}, 401)
        return as_json({"data": []})

    def _pass(self) -> None:
        self.now += 60

    def _exchange(self, form: dict[str, str]) -> Answer:
        refresh = form.get("refresh_token", "")
        if refresh in self._used:
            self.reused += 1
            self.is_over = self.is_over or not self.is_forgiving
        if self.is_over or refresh != self.refresh:
            return as_json({"error": "invalid_grant"}, 400)
        self.logins += 1
        self._used.add(refresh)
        self.refresh, access = f"refresh-token-{self.logins:04}", f"access-token-{self.logins:04}"
        if self.one_access:
            self._ends.clear()
        self._ends[access] = self.now + self.life
        life = {"expires_in": self.life} if self.says_life else {}
        return as_json({"access_token": access, "refresh_token": self.refresh} | life)


def refresh_grant(url: str, **changes: Any) -> dict[str, Any]:
    """The form of a login that somebody made once in a browser."""
    return {
        "kind": "oauth2",
        "grant": "refresh_token",
        "token_url": f"{url}/token",
        "client_id": "me",
        "refresh_token": FIRST,
    } | changes


class Hour:
    """One run over an hour of virtual time: a request a minute; `statuses` is what came of them."""

    def __init__(self, url: str, form: dict[str, Any] | OAuth2, keeper: TokenKeeper) -> None:
        self.url = url
        self.now = 0.0
        self.statuses: list[int] = []
        self._client = httpx.Client(trust_env=False, timeout=60)
        self._auth = (form if isinstance(form, OAuth2) else OAuth2(**form)).build(
            Means(client=self._client, pacing=Pacing(), url=url, keeper=keeper, clock=self.clock, today=self.clock)
        )

    def clock(self) -> float:
        """Seconds since the hour began."""
        return self.now

    def get(self) -> int:
        """The status that a page is answered with now."""
        return self._client.get(f"{self.url}/items", auth=self._auth).status_code

    def live(self) -> None:
        """All of its minutes, at the pace of the others."""
        for _ in range(MINUTES):
            self.statuses.append(self.get())
            self.now = json.loads(self._client.get(f"{self.url}/minute").content)["now"]


class Shelf:
    """A keeper in memory; `saves` is all that was kept, `is_fair` whether turns are kept apart."""

    def __init__(self, *, is_fair: bool = True) -> None:
        self.saves = [KeptTokens(refresh=FIRST)]
        self.is_fair = is_fair
        self._lock = threading.Lock()

    def load(self, wait: Wait) -> KeptTokens:
        """What was saved last."""
        return self.saves[-1]

    def turn(self, wait: Wait) -> Any:
        """A lock, if it is fair."""
        return self._lock if self.is_fair else threading.Lock()

    def save(self, tokens: KeptTokens) -> None:
        """Keep these."""
        self.saves.append(tokens)
