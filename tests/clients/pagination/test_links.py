"""Links: the `Link` header as RFC 8288 has it, and where a link may lead."""

import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.errors import MalformedPageError, OriginError
from seawall.clients.http.urls import unveiled, veiled
from seawall.clients.pagination.links import followed, link_to, refuse_secret
from seawall.clients.redact import SECRETS

BASE = httpx.URL("https://api.example.com/v1/items?page=1")


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ("", None),
        ('<https://h/2>; rel="next"', "https://h/2"),
        ("<https://h/2>; rel=next", "https://h/2"),
        ("<https://h/2>;rel=next", "https://h/2"),
        ("<https://h/2> ; REL = NEXT", "https://h/2"),
        ('<a>; rel="prev", <b>; rel="next"', "b"),
        ('<a>; rel="last prefetch", <b>; rel="prefetch Next"', "b"),
        ('<a,b;c>; rel="next"', "a,b;c"),
        ('<a>; title="x, <evil>; rel=next", <b>; rel="next"', "b"),
        ('<a>; title="q\\"; rel=\\"next"; rel="prev", <b>; rel="next"', "b"),
        ('<a>; rel="next"; rel="prev"', "a"),
        ('<a>; rel="prev"; rel="next"', None),
        ('<a>; rel="next"; anchor="#part", <b>; rel=last', None),
        ('<a>; rel="nextish"', None),
        ("<a>; flag; rel=next;", "a"),
        (', ,<a>; rel="prev",, <b>; rel=next ,', "b"),
        ("<>; rel=next", ""),
        ("<a>; rel='next'", "a"),
        ("<a>; rel='prev', <b>; rel='last next'", "b"),
        ("<a>", None),
    ],
)  # fmt: skip
def test_the_next_page_is_the_target_of_the_link_that_says_so(header: str, link: str | None) -> None:
    assert link_to("next", header) == link


@pytest.mark.parametrize("header", ["https://h/2; rel=next", "<a; rel=next", '<a>; rel="next', "<a> rel=next"])
def test_a_header_that_does_not_parse_is_never_the_end_of_a_walk(header: str) -> None:
    with pytest.raises(MalformedPageError, match="the Link header does not parse"):
        link_to("next", header)


@given(st.text(alphabet='<>;,="\\ relnxt/', max_size=80))
def test_no_header_breaks_anything_but_the_page(header: str) -> None:
    try:
        link_to("next", header)
    except MalformedPageError:
        pass


@pytest.mark.parametrize("piece", ["; ", '<a>;rel="x",', '<a>; x="' + "\\" * 2, "; rel=next" * 3, " ,"])
def test_a_long_header_is_read_in_no_time(piece: str) -> None:
    begin = time.process_time()
    try:
        link_to("next", "<a>" + piece * 3_000)
    except MalformedPageError:
        pass
    assert time.process_time() - begin < 2


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("?page=2", "https://api.example.com/v1/items?page=2"),
        ("items?page=2", "https://api.example.com/v1/items?page=2"),
        ("/v2/x#part", "https://api.example.com/v2/x"),
        ("https://api.example.com:443/x", "https://api.example.com/x"),
        ("HTTPS://API.EXAMPLE.COM/x", "https://api.example.com/x"),
        ("?a=%2F%2b+%3d&key=k&b=1", "https://api.example.com/v1/items?a=%2F%2b+%3d&b=1"),
        ("?%6bey=k&b", "https://api.example.com/v1/items?b"),
        ("?key=k", "https://api.example.com/v1/items"),
    ],
)
def test_a_link_is_resolved_and_rid_of_what_we_add_ourselves(text: str, url: str) -> None:
    assert followed(text, BASE, own=BASE, allowed=[], without=["key"], rewrites=False) == url


@pytest.mark.parametrize("text", ["http://example.com/x", "https://api.example.com:8443/x", "https://example.com/x"])
def test_another_scheme_port_or_host_is_another_origin(text: str) -> None:
    with pytest.raises(OriginError, match="at another origin"):
        followed(text, BASE, own=BASE, allowed=[], without=[], rewrites=False)
    assert followed(text, BASE, own=BASE, allowed=[text], without=[], rewrites=False) == text
    assert followed(text, BASE, own=BASE, allowed=[], without=[], rewrites=True) == "https://api.example.com/x"


@pytest.mark.parametrize("text", ["http://api.example.com/x", "http://api.example.com:8000/x"])
def test_the_host_of_a_source_behind_tls_is_asked_over_tls(text: str) -> None:
    assert followed(text, BASE, own=BASE, allowed=[], without=[], rewrites=False) == "https://api.example.com/x"


def test_a_secret_in_a_token_is_refused_and_not_shown() -> None:
    SECRETS.add("unmistakable-secret")
    try:
        with pytest.raises(OriginError) as caught:
            refuse_secret("c=unmistakable-secret", 3)
    finally:
        SECRETS.discard("unmistakable-secret")
    assert "unmistakable" not in str(caught.value)
    refuse_secret("c=7", 3)


OWN = httpx.URL("https://api.example.com/v1/items?api_key=a/b&fields=all&fields=none")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/x?api_key=a%2Fb&at=10", "https://h/x?api_key=%2A%2A%2A0&at=10"),
        ("https://h/x?at=10&api_key=other", "https://h/x?at=10&api_key=other"),
        ("https://h/x?fields=none&fields=all", "https://h/x?fields=%2A%2A%2A2&fields=%2A%2A%2A1"),
        ("https://h/x", "https://h/x"),
    ],
)
def test_what_a_link_repeats_of_our_own_query_is_veiled_and_sent_again(url: str, shown: str) -> None:
    assert veiled(url, OWN) == shown
    assert unveiled(shown, OWN).params == httpx.URL(url).params
