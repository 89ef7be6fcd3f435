"""URLs: which are accepted, and that none is shown with what it may hide."""

import pytest
from pydantic import TypeAdapter, ValidationError

from seawall.clients.http.urls import HttpUrl, is_private_to_us, origin, without_query

URL = TypeAdapter(HttpUrl)


@pytest.mark.parametrize("url", ["http://h", "https://api.example.com:8443/v1/items?a=1", "http://[::1]:8080/x"])
def test_a_web_address_is_kept_as_it_is_written(url: str) -> None:
    assert URL.validate_python(url) == url


@pytest.mark.parametrize(
    "url", ["", "api.example.com/x", "ftp://h/x", "file:///etc/passwd", "javascript:alert(1)", "http://", "//h/x"]
)
def test_anything_else_than_a_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must begin with http:// or https:// and name a host"):
        URL.validate_python(url)


@pytest.mark.parametrize("url", ["https://me:hunter2@h/", "https://me@h/", "https://:hunter2@h/"])
def test_credentials_in_a_url_are_refused_with_a_hint(url: str) -> None:
    with pytest.raises(ValidationError, match="fill in 'auth' instead"):
        URL.validate_python(url)


@pytest.mark.parametrize("url", ["https://me:hunter/2@h/", "https://h:hunter2/", "https://h/\nhunter2"])
def test_what_cannot_be_parsed_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        URL.validate_python(url)
    assert [error["msg"] for error in caught.value.errors()] == ["Value error, not a URL"]


def test_a_url_is_shown_without_query_and_fragment() -> None:
    assert without_query("https://h:8443/v1/items?key=hunter2#hunter3") == "https://h:8443/v1/items"


@pytest.mark.parametrize(
    "url", ["https://anywhere.example", "HTTPS://h", "http://localhost:8000", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]/"]
)  # fmt: skip
def test_secrets_may_travel_over_tls_or_within_this_machine(url: str) -> None:
    assert is_private_to_us(url)


@pytest.mark.parametrize(
    "url",
    ["http://h", "http://0.0.0.0", "http://10.0.0.1", "http://127.0.0.1.example.com", "http://localhost.example.com",
     "http://127.1", "http://[fe80::1]"],
)  # fmt: skip
def test_secrets_may_not_travel_in_the_clear(url: str) -> None:
    assert not is_private_to_us(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [("http://h/x", "http://h:80"), ("https://h?x", "https://h:443"), ("https://h:80", "https://h:80")],
)
def test_an_origin_has_the_port_of_its_scheme(url: str, shown: str) -> None:
    assert origin(url) == shown
    assert origin("http://h:81") != origin("http://h")
    assert origin("https://h:444") != origin("https://h")
