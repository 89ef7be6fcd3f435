"""The stage: what the vendors of the recipes share, and their registry by the headings of docs/recipes.md."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx

from seawall.testing import Api

Row = dict[str, Any]
GRANTED: Final = "granted-for-an-hour"  # the access token that every login gives


class RefusedError(Exception):
    """What a vendor answers to a request that it does not take."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response.text)
        self.response = response


@dataclass(frozen=True)
class Ask:
    """A request as a vendor reads it; `turn` counts those of a landing from 1."""

    request: httpx.Request
    turn: int

    @cached_property
    def query(self) -> dict[str, str]:
        """The query, of which no name may come twice."""
        pairs = self.request.url.params.multi_items()
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    @cached_property
    def body(self) -> Any:
        """The JSON of the request."""
        assert not self.query, "a vendor that is asked in bodies gets no query"
        return json.loads(self.request.content)

    @property
    def path(self) -> str:
        """The path of the URL."""
        return self.request.url.path

    def header(self, name: str) -> str:
        """The text of a header; empty where there is none."""
        return str(self.request.headers.get(name, ""))

    def whole(self, name: str, default: int) -> int:
        """A whole number of the query."""
        return int(self.query.get(name, default))

    def bears(self, name: str, scheme: str = "Bearer") -> bool:
        """Whether the secret `name` is in its place, behind this scheme."""
        return self.header("Authorization") == f"{scheme} {secret(name)}"

    def is_granted(self, scheme: str = "Bearer") -> bool:
        """Whether the token of the login is in its place."""
        return self.header("Authorization") == f"{scheme} {GRANTED}"

    def is_basic(self, username: str, password: str) -> bool:
        """Whether a username and a password are in their place (RFC 7617)."""
        return self.header("Authorization") == f"Basic {in_base64(username, password)}"

    def only(self, *names: str) -> bool:
        """Whether the query has none but these names."""
        return self.query.keys() <= set(names)


@dataclass(frozen=True, kw_only=True)
class Login:
    """Where a vendor gives tokens, and the form that it wants; `client` stands in a header where it is no field."""

    url: str
    form: Mapping[str, str]
    client: tuple[str, str] | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """A token, or a refusal (RFC 6749 §5)."""
        form = dict(parse_qsl(request.content.decode()))
        wants = f"Basic {in_base64(*self.client)}" if self.client else ""
        is_signed = len(form.pop("assertion", "").split(".")) == 3
        is_known = form == self.form and is_signed is form["grant_type"].endswith("jwt-bearer")
        if not is_known or request.headers.get("Authorization", "") != wants:
            return httpx.Response(401, json={"error": "invalid_client"})
        return httpx.Response(200, json={"access_token": GRANTED, "token_type": "Bearer", "expires_in": 3600})


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor: where it is asked, how it answers, and the records that it has."""

    url: str
    method: str
    records: Sequence[Row]
    answer: Callable[[Ask], httpx.Response]
    login: Login | None

    def open(self, api: Api, glitches: list[httpx.Response]) -> None:
        """Answer on an API of respx; `glitches` come in place of what follows the first answer, and are used up."""
        turn = 0

        def answer(request: httpx.Request) -> httpx.Response:
            nonlocal turn
            if turn and glitches:
                return glitches.pop(0)
            turn += 1
            try:
                return self.answer(Ask(request, turn))
            except RefusedError as refused:
                return refused.response

        if self.login is not None:
            api.post(self.login.url).mock(side_effect=self.login.answer)
        api.route(method=self.method, url__startswith=self.url).mock(side_effect=answer)


VENDORS: Final[dict[str, Vendor]] = {}
Answer = Callable[[Ask], httpx.Response]


def plays(
    name: str, url: str, records: Sequence[Row], *, method: str = "GET", login: Login | None = None
) -> Callable[[Answer], Answer]:
    """Register the vendor `name`, whose requests begin with `url`."""

    def registered(answer: Answer) -> Answer:
        assert name not in VENDORS
        VENDORS[name] = Vendor(url=url, method=method, records=records, answer=answer, login=login)
        return answer

    return registered


def numbered(number: int) -> Row:
    """A record as most APIs have them."""
    return {"id": number, "name": f"record {number}"}


def rows(count: int, form: Callable[[int], Row] = numbered) -> list[Row]:
    """So many records, numbered from 1."""
    return [form(number) for number in range(1, count + 1)]


def secret(name: str) -> str:
    """What the variable `name` of the environment holds."""
    return f"{name.lower()}-of-the-test"


def in_base64(username: str, password: str) -> str:
    """A username and a password as HTTP Basic writes them."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def check(holds: object, status: int, body: object) -> None:
    """Refuse the request, unless it is as the vendor wants it."""
    if not holds:
        raise RefusedError(httpx.Response(status, json=body))


def reply(body: object, **headers: str) -> httpx.Response:
    """A page as JSON; in the names of headers, `_` stands for a dash."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.Response(200, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"} | named)


def behind(records: Sequence[Row], key: str | None, field: str = "id") -> int:
    """The place behind the record with this key; 0 for none. Refuses a key that no record has."""
    if key is None:
        return 0
    places = [place for place, record in enumerate(records, 1) if str(record[field]) == key]
    check(places, 400, {"message": f"no such record: {key}"})
    return places[0]


def beyond(url: str, **query: object) -> str:
    """A URL with other values in its query; None takes a name away, and `__` stands for what no name in Python has."""
    return str(httpx.URL(url).copy_merge_params({name: str(value) for name, value in query.items()}))


def next_link(request: httpx.Request, **query: object) -> dict[str, str]:
    """The Link header to the page with these values in its query (RFC 8288)."""
    return {"Link": f'<{beyond(str(request.url), **query)}>; rel="next"'}
