"""Refresh tokens that work once, among several runs: nobody logs anybody else out."""

import threading
from typing import Any

import pytest

from seawall.clients.auth.keepers import KeptTokens
from seawall.clients.auth.oauth import OAuth2
from seawall.clients.errors import AuthenticationError
from seawall.clients.redact import redact
from seawall.tests.rotation import FIRST, MINUTES, RUNS, Hour, Rotation, Shelf, refresh_grant
from seawall.tests.wireserver import WireServer

pytestmark = pytest.mark.faults


SERVERS: dict[str, dict[str, Any]] = {
    "old access tokens live on": {},
    "only the newest is good": {"one_access": True},
    "nobody knows how long they live": {"says_life": False},
}


@pytest.mark.parametrize("kind", SERVERS)
def test_three_runs_share_a_login_for_an_hour(kind: str, record_property: Any) -> None:
    rotation, shelf = Rotation(life=600, **SERVERS[kind]), Shelf()
    with WireServer(rotation.route) as server:
        hours = [Hour(server.url, refresh_grant(server.url), shelf) for _ in range(RUNS)]
        threads = [threading.Thread(target=hour.live) for hour in hours]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    answered = [hour.statuses.count(200) for hour in hours]
    record_property(
        f"rotating refresh tokens, 3 runs, 1 h, {kind}",
        f"{rotation.logins} logins, {rotation.reused} tokens used twice, {sum(answered)} of {RUNS * MINUTES} pages",
    )
    assert answered == [MINUTES] * RUNS
    assert (rotation.reused, rotation.is_over) == (0, False)
    assert rotation.logins == 6, "one in 10 minutes, and one for all three"
    assert rotation.refused == 0 or kind == "nobody knows how long they live"
    assert shelf.saves[-1].refresh == rotation.refresh


def test_without_a_turn_three_runs_would_log_each_other_out() -> None:
    """That the server of these tests would find it out."""
    rotation = Rotation()
    with WireServer(rotation.route) as server:
        own = [Hour(server.url, refresh_grant(server.url), Shelf()) for _ in range(2)]
        assert own[0].get() == 200
        with pytest.raises(AuthenticationError, match=r"answers 400 to our credentials \(invalid_grant\): the"):
            own[1].get()
        assert rotation.is_over


def test_tokens_are_kept_before_they_are_used() -> None:
    rotation, shelf = Rotation(), Shelf()
    with WireServer(rotation.route) as server:
        hour = Hour(server.url, refresh_grant(server.url), shelf)

        def die(tokens: KeptTokens) -> None:
            Shelf.save(shelf, tokens)
            raise KeyboardInterrupt  # the process ends here

        shelf.save = die  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            hour.get()
        assert server.paths() == ["/token"]
        heir = Shelf()
        heir.saves = shelf.saves
        assert Hour(server.url, refresh_grant(server.url), heir).get() == 200
    assert (rotation.logins, rotation.reused) == (1, 0)


def test_a_refresh_token_that_somebody_used_a_moment_ago_gives_way_to_its_successor() -> None:
    rotation, shelf = Rotation(is_forgiving=True), Shelf()
    with WireServer(rotation.route) as server:
        late, early = (Hour(server.url, refresh_grant(server.url), shelf) for _ in range(2))
        old = shelf.load(lambda _: None)
        early.get()
        early.now = late.now = rotation.now = 595.0
        early.get()
        loads = iter([old, old])  # what it had looked up before the other one was done
        shelf.load = lambda wait: next(loads, shelf.saves[-1])  # type: ignore[method-assign]
        assert late.get() == 200
    assert (rotation.logins, rotation.reused) == (2, 1)


def test_a_refused_refresh_token_costs_one_request_and_names_the_remedy() -> None:
    rotation, shelf = Rotation(refresh="another"), Shelf()
    with WireServer(rotation.route) as server:
        hour = Hour(server.url, refresh_grant(server.url), shelf)
        for _ in range(2):
            with pytest.raises(AuthenticationError, match=r"save the new one as auth.refresh_token") as caught:
                hour.get()
        assert server.paths() == ["/token"]
    assert FIRST not in redact(str(caught.value))


def test_a_new_token_that_cannot_be_kept_is_used_and_kept_later() -> None:
    rotation, shelf = Rotation(), Shelf()
    away = True

    def save(tokens: KeptTokens) -> None:
        if away:
            raise AuthenticationError("Prefect's API is away")
        Shelf.save(shelf, tokens)

    shelf.save = save  # type: ignore[method-assign]
    with WireServer(rotation.route) as server:
        hour = Hour(server.url, refresh_grant(server.url), shelf)
        assert hour.get() == 200
        hour.now = rotation.now = 600.0
        assert hour.get() == 200
        assert [each.refresh for each in shelf.saves] == [FIRST]
        away = False
        hour._auth.forget()
    assert [each.refresh for each in shelf.saves] == [FIRST, "refresh-token-0002"]
    assert rotation.reused == 0


def test_a_source_that_no_block_holds_keeps_its_tokens_in_its_process() -> None:
    rotation = Rotation()
    with WireServer(rotation.route) as server:
        hour = Hour(server.url, refresh_grant(server.url), None)  # type: ignore[arg-type]  # nobody keeps any
        for hour.now in (0.0, 600.0, 1200.0):
            rotation.now = hour.now
            assert hour.get() == 200
    assert (rotation.logins, rotation.reused, rotation.refused) == (3, 0, 0)


def test_tokens_that_others_got_are_masked() -> None:
    shelf = Shelf()
    shelf.saves.append(KeptTokens(refresh="refreshed-by-others", access="accessible-to-others"))
    rotation = Rotation(refresh="refreshed-by-others")
    with WireServer(rotation.route) as server:
        Hour(server.url, refresh_grant(server.url), shelf).get()
    assert redact("refreshed-by-others accessible-to-others") == "*** ***"


@pytest.mark.parametrize(
    ("change", "authorization", "in_form"),
    [({}, None, {"client_id": "me"}), ({"client_secret": "s3cret-of-me"}, "Basic bWU6czNjcmV0LW9mLW1l", {}),
     ({"client_secret": "s3cret-of-me", "client_authentication": "body"}, None,
      {"client_id": "me", "client_secret": "s3cret-of-me"})],
    ids=["public", "header", "body"],
)  # fmt: skip
def test_a_client_with_or_without_a_secret_refreshes(
    change: dict[str, Any], authorization: str | None, in_form: dict[str, str]
) -> None:
    form = OAuth2(**refresh_grant("https://h", **change))
    request = form.refresh_request("r")
    assert request is not None
    assert request.fields == {"grant_type": "refresh_token", "refresh_token": "r"} | in_form
    assert (request.basic is None) == (authorization is None)
    assert authorization is None or authorization.removeprefix("Basic ") in form.secrets()
