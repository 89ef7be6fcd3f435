"""AWS Signature 4: what is sent carries the signature that the other side works out for itself."""

import datetime
import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import botocore.session
import httpx
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from pydantic import ValidationError

from seawall.clients.api import ApiClient
from seawall.clients.auth.aws import AwsSigV4
from seawall.clients.auth.credentials import Means
from seawall.clients.errors import AuthenticationError, RequestRefusedError
from seawall.clients.http.pacing import Pacing
from seawall.clients.redact import redact
from seawall.clients.source import ApiSource
from seawall.tests.wireserver import Answer, Request, Route, WireServer, as_json, page, whole

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session-token-of-hours"
FORM: dict[str, Any] = {"kind": "aws_sigv4", "service": "execute-api", "region": "eu-central-1"}
OWN = FORM | {"access_key_id": KEY, "secret_access_key": SECRET}


class Gateway:
    """Works out each signature from what arrives on the wire; `seen` is whether each was right."""

    def __init__(self, service: str = "execute-api", token: str | None = None) -> None:
        self.service, self.token = service, token
        self.seen: list[bool] = []
        self.answers: list[Answer] = []

    def route(self, request: Request) -> Answer:
        self.seen.append(self._is_right(request))
        if not self.seen[-1]:
            return as_json({"message": "The request signature we calculated does not match"}, 403)
        return self.answers.pop(0) if self.answers else whole(page(1, 1))

    def _is_right(self, request: Request) -> bool:
        authorization = request.headers["authorization"]
        signed = re.search(r"SignedHeaders=([^,]+)", authorization)
        assert signed, authorization
        headers = {name: request.headers[name] for name in signed[1].split(";")}
        assert "host" in headers
        url = f"http://{headers['host']}{request.target}"
        aws = AWSRequest(request.method, url, headers=headers, data=request.body)
        now = datetime.datetime.strptime(f"{headers['x-amz-date']}+0000", "%Y%m%dT%H%M%SZ%z")
        kind = S3SigV4Auth if self.service == "s3" else SigV4Auth
        with mock.patch("botocore.auth.get_current_datetime", return_value=now):
            kind(Credentials(KEY, SECRET, self.token), self.service, "eu-central-1").add_auth(aws)
        return bool(aws.headers["Authorization"] == authorization)


def client_of(server: WireServer, auth: dict[str, Any], **changes: Any) -> ApiClient:
    return ApiClient(ApiSource(**{"name": "items", "url": f"{server.url}/prod/items", "auth": auth} | changes))


@pytest.mark.parametrize("path", ["/prod/items", "/prod/a b/ü:1/items", "/prod/%2Fitems"])
@pytest.mark.parametrize("service", ["execute-api", "s3"])
def test_the_other_side_comes_to_the_same_signature(
    path: str, service: str, served: Callable[[Route], WireServer]
) -> None:
    gateway = Gateway(service)
    server = served(gateway.route)
    params = {"q": "two words & more+less", "empty": "", "z": ["b", "a"], "~": "ü"}
    with client_of(server, OWN | {"service": service}, url=f"{server.url}{path}", params=params) as client:
        assert client.first_page().sent_records == 2
    assert gateway.seen == [True]
    assert "+" not in server.requests[0].target, "AWS reads it as a plus"
    assert SECRET not in str(server.requests)


def test_a_wrong_key_is_found_out_by_this_test(served: Callable[[Route], WireServer]) -> None:
    gateway = Gateway()
    server = served(gateway.route)
    wrong = OWN | {"secret_access_key": "another"}
    with client_of(server, wrong) as client, pytest.raises(RequestRefusedError, match="403"):
        client.first_page()
    assert gateway.seen == [False]


def test_the_session_token_is_sent_and_signed(served: Callable[[Route], WireServer]) -> None:
    gateway = Gateway(token=TOKEN)
    server = served(gateway.route)
    with client_of(server, OWN | {"session_token": TOKEN}) as client:
        client.first_page()
        assert redact(f"{SECRET} {TOKEN}") == "*** ***"
    assert (gateway.seen, server.requests[0].headers["x-amz-security-token"]) == ([True], TOKEN)


def test_a_body_is_signed_with_the_rest(served: Callable[[Route], WireServer]) -> None:
    gateway = Gateway()
    server = served(gateway.route)
    with httpx.Client(trust_env=False) as client:
        auth = AwsSigV4(**OWN).build(Means(client=client, pacing=Pacing()))
        client.post(f"{server.url}/search", json={"size": 1}, auth=auth)
        auth.forget()
    assert gateway.seen == [True]
    assert "content-type;host;x-amz-date" in server.requests[0].headers["authorization"]


def test_each_attempt_is_signed_anew(
    served: Callable[[Route], WireServer], short_backoffs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(datetime.datetime(2026, 1, 1, 0, minute, tzinfo=datetime.UTC) for minute in range(9))
    gateway = Gateway()
    gateway.answers = [whole(b"", 503)]
    server = served(gateway.route)
    with mock.patch.object(SigV4Auth, "_set_necessary_date_headers", autospec=True) as dates:

        def dated(self: SigV4Auth, request: AWSRequest) -> None:
            request.context["timestamp"] = next(times).strftime("%Y%m%dT%H%M%SZ")
            request.headers["X-Amz-Date"] = request.context["timestamp"]

        dates.side_effect = dated
        gateway._is_right = lambda request: True  # type: ignore[method-assign]  # the other tests look at signatures
        with client_of(server, OWN) as client:
            client.first_page()
    first, second = (each.headers["x-amz-date"] for each in server.requests)
    assert first != second


def test_without_keys_the_usual_places_are_looked_at_and_masked(
    served: Callable[[Route], WireServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, text)
    gateway = Gateway(token=TOKEN)
    server = served(gateway.route)
    with client_of(server, FORM) as client:
        client.first_page()
        assert redact(f"{SECRET} {TOKEN}") == "*** ***"
    assert gateway.seen == [True]
    assert redact(SECRET) == SECRET, "what nobody uses any more is no secret of this process"


@pytest.mark.parametrize("nothing", [None, mock.Mock(get_frozen_credentials=lambda: None)])
def test_no_keys_anywhere_end_the_run_before_any_request(
    nothing: ReadOnlyCredentials | None, served: Callable[[Route], WireServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda self: nothing)
    server = served(Gateway().route)
    with client_of(server, FORM) as client, pytest.raises(AuthenticationError, match="no AWS credentials: fill in"):
        client.first_page()
    assert server.requests == []


@pytest.mark.parametrize(
    "wrong",
    [{"access_key_id": KEY}, {"secret_access_key": SECRET}, {"session_token": TOKEN}, {"region": "eu central"},
     {"service": ""}, {"region_name": "x"}],
)  # fmt: skip
def test_halves_of_a_key_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        AwsSigV4(**FORM | wrong)
    assert SECRET not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_keys_may_rotate_between_a_run_and_its_resumption() -> None:
    assert (
        AwsSigV4(**FORM).choices() == AwsSigV4(**OWN).choices() == {"service": "execute-api", "region": "eu-central-1"}
    )
    assert AwsSigV4(**OWN, session_token=TOKEN).secrets() == [SECRET, TOKEN]
