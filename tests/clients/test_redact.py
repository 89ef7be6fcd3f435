"""Redaction: no secret survives in any encoding, and no text of a server does anything to its reader."""

import base64
import html
import json
import re
import threading
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.clients.encodings import LAYERS as LAYERS_THAT_ARE_TAKEN_OFF
from seawall.clients.redact import SECRETS, Secrets, excerpt, neutral, plain, redact_error

SECRET = "s3cr/t+Pa\"ss wörd'<&>"


@pytest.fixture
def known() -> Secrets:
    secrets = Secrets()
    secrets.add(SECRET)
    return secrets


@pytest.fixture
def known_to_all() -> Iterator[None]:
    SECRETS.add(SECRET)
    yield
    SECRETS.discard(SECRET)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": lambda secret: quote(secret, safe=""),
    "percent, slash kept": quote,
    "percent, lower case": lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON as PHP writes it": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "JSON as Go writes it": lambda secret: json.dumps(secret)[1:-1].translate(
        {ord(each): f"\\u{ord(each):04X}" for each in "&<>'"}
    ),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "percent, some kept": lambda secret: quote(secret, safe="!'()*~/"),
    "percent, twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "HTML": html.escape,
    "HTML as PHP writes it": lambda secret: html.escape(secret).replace("&#x27;", "&#039;"),
    "HTML by numbers": lambda secret: "".join(
        each if each.isalnum() or each in "._-" else f"&#X{ord(each):X};" for each in secret
    ),
    "Python": lambda secret: repr(secret)[1:-1],
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_secret_is_masked_in_every_encoding(known: Secrets, encode: Callable[[str], str]) -> None:
    assert known.redact(f"key={encode(SECRET)}; next") == "key=***; next"


def in_entities(text: str) -> str:
    return "".join(f"&#{ord(each)};" for each in text)


def in_percents(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


LAYERS: dict[str, Callable[[str], str]] = {
    "HTML": html.escape,
    "entities": in_entities,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "percent": lambda text: quote(text, safe=""),
    "percent throughout": in_percents,
    "form": quote_plus,
    "Python": lambda text: repr(text)[1:-1],
}


@pytest.mark.parametrize("secret", [SECRET, "hunter2-hunter2", "a%41&amp;b\\nc+d", "päss wörd", "𝒑ass/word"])
@pytest.mark.parametrize("first", LAYERS)
@pytest.mark.parametrize("second", LAYERS)
def test_a_secret_is_masked_below_several_encodings(secret: str, first: str, second: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    thirds: list[Callable[[str], str]] = [str, *LAYERS.values()]
    for third in thirds:
        hidden = third(LAYERS[second](LAYERS[first](secret)))
        shown = secrets.redact(f"the first line\nkey={hidden}; next\nthe last line")
        assert shown in (f"the first line\n{line}\nthe last line" for line in ("***", "key=***; next")), hidden


def test_a_text_in_encodings_without_end_is_not_shown(known: Secrets) -> None:
    texts = ["all of it"]
    for _ in range(LAYERS_THAT_ARE_TAKEN_OFF):
        first, rest = texts[-1][0], texts[-1][1:]
        texts.append((f"%{ord(first):02x}" if first == "&" else f"&#{ord(first)};") + rest)
    assert known.redact(texts[-2]) == texts[-2]
    assert known.redact(texts[-1]) == "***"


@pytest.mark.parametrize("text", ["50 % of &c. in C:\\new\\table", "a=1&b=%2F&c=\\u00e9", "&amp;lt;b&amp;gt;"])
def test_a_text_that_is_encoded_and_holds_no_secret_stays_as_it_is(known: Secrets, text: str) -> None:
    assert known.redact(text) == text


@pytest.mark.parametrize("offset", [0, 1, 2])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("after", [b"", b":", b"::"])
def test_a_secret_is_masked_in_base64_wherever_it_begins(
    known: Secrets, offset: int, encode: Callable[[bytes], bytes], after: bytes
) -> None:
    shown = known.redact(encode(b"user:x"[: 3 + offset] + SECRET.encode() + after).decode())
    assert "***" in shown
    assert len(shown) <= 16  # the name before it, and not a third of the secret


@given(
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=40),
    before=st.text("xyz ,:=&", max_size=7),
    after=st.text("xyz ,:=&", max_size=7),
)
def test_whatever_the_secret_and_the_text_around_it_nothing_survives(secret: str, before: str, after: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    for name, encode in ENCODINGS.items():
        shown = secrets.redact(before + encode(secret) + after)
        assert "***" in shown
        assert len(shown) <= len(before) + 3 + len(after), name
    inside = before.encode() + secret.encode() + after.encode()
    core = base64.b64encode(inside).decode()
    assert "***" in secrets.redact(core)
    assert len(secrets.redact(core)) <= len(before) * 4 / 3 + len(after) * 4 / 3 + 3 + 9


@pytest.mark.parametrize("text", ["\\", "\\u005c", "\\x", "%25", "&#0", "&#38;", "%", " ", "&amp;"])
def test_no_text_from_a_server_takes_long_to_look_through(text: str) -> None:
    secrets = Secrets()
    secrets.add("!pa$$ wörd/with+=&<>", "\\back\\slash", " % hunter2")
    assert secrets.redact(text * 300_000) == text * 300_000  # with patterns that backtrack this would take hours


def test_a_short_secret_is_masked_as_a_whole_word_only(known: Secrets) -> None:
    known.add("abc")
    assert known.redact("abc, xabc abcx a-abc-d key=abc") == "***, xabc abcx a-***-d key=***"


def test_of_two_secrets_the_longer_is_masked_as_one() -> None:
    secrets = Secrets()
    secrets.add("hunter2", "hunter2-and-more")
    assert secrets.redact("hunter2-and-more hunter2") == "*** ***"


def test_an_empty_secret_masks_nothing() -> None:
    secrets = Secrets()
    secrets.add("", "")
    assert secrets.redact("all of it") == "all of it"


def test_a_secret_is_forgotten_once_all_who_added_it_discard_it(known: Secrets) -> None:
    known.add(SECRET)
    known.discard(SECRET)
    assert SECRET not in known.redact(SECRET)
    known.discard(SECRET)
    assert known.redact(SECRET) == SECRET
    known.discard("never added")


def test_the_list_of_secrets_does_not_show_them(known: Secrets) -> None:
    assert repr(known) == "<Secrets: 1 known>"


def test_secrets_may_be_added_while_others_redact(known: Secrets) -> None:
    def churn(number: int) -> None:
        for i in range(20):
            known.add(f"token-{number}-{i}")
            assert known.redact(SECRET) == "***"
            known.discard(f"token-{number}-{i}")

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert repr(known) == "<Secrets: 1 known>"


# Text from servers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\tc\x00d\x1b[31m", "a\\r\\nb\\tc\\x00d\\x1b[31m"),
        ("evil\u202etxt.exe\u2066", "evil\\u202etxt.exe\\u2066"),
        ("zero\u200bwidth\ufeff\u00ad", "zero\\u200bwidth\\ufeff\\xad"),
        ("a\u2028b\u2029c\x85", "a\\u2028b\\u2029c\\x85"),
        ("\ud800", "\\ud800"),
        ("<script>`x`</script>", "‹script›'x'‹/script›"),
        ("[a](javascript:x)", "[a] (javascript:x)"),
        ("see https://evil.example", "see https[:]//evil.example"),
        ("see www.evil.example", "see www[.]evil.example"),
        ("日本語 é ü", "日本語 é ü"),
    ],
)
def test_text_from_a_server_is_one_inert_line(text: str, shown: str) -> None:
    assert neutral(text) == shown


@pytest.mark.parametrize(("length", "shown"), [(199, "x" * 199), (200, "x" * 200), (201, "x" * 200 + "…")])
def test_text_from_a_server_is_cut(length: int, shown: str) -> None:
    assert neutral("x" * length) == shown


@given(st.text(st.characters()))
def test_no_text_stays_dangerous(text: str) -> None:
    shown = neutral(text)
    assert not {"<", ">", "`", "\n", "\r", "\x1b", "\u202e", "\u2028"} & set(shown)
    for harm in ("](", "://", "www."):
        assert harm not in shown
    shown.encode()


def test_our_own_text_keeps_its_links_and_may_be_longer() -> None:
    assert plain("see https://docs.example " + "x" * 300) == "see https://docs.example " + "x" * 300


@pytest.mark.usefixtures("known_to_all")
def test_a_secret_is_masked_before_the_text_is_cut() -> None:
    text = "x" * 195 + SECRET
    assert neutral(text) == "x" * 195 + "***"
    assert plain(text, 196) == "x" * 195 + "*…"


@pytest.mark.usefixtures("known_to_all")
def test_a_body_is_shown_by_its_beginning() -> None:
    assert excerpt(b"") == "(empty)"
    assert excerpt(b"\xff<h1>" + SECRET.encode() + b"x" * 100_000) == "\\xff‹h1›***" + "x" * (200 - 11) + "…"


# Exceptions


def chained() -> Exception:
    try:
        try:
            raise ValueError(f"inner {SECRET}")
        except ValueError as inner:
            raise KeyError("middle", SECRET) from inner
    except KeyError:
        try:
            raise RuntimeError(f"outer {SECRET}", 5)
        except RuntimeError as outer:
            return outer


@pytest.mark.usefixtures("known_to_all")
def test_secrets_are_masked_along_the_whole_chain_of_an_exception() -> None:
    error = chained()
    redact_error(error)
    middle = error.__context__
    assert middle is not None
    assert error.args == ("outer ***", 5)
    assert middle.args == ("middle", "***")
    assert str(middle.__cause__) == "inner ***"


@pytest.mark.usefixtures("known_to_all")
def test_secrets_are_masked_in_a_group_of_exceptions() -> None:
    group = ExceptionGroup("many", [ValueError(SECRET), OSError(5, SECRET, SECRET)])
    redact_error(group)
    assert [str(each) for each in group.exceptions] == ["***", "[Errno 5] ***: '***'"]


@pytest.mark.usefixtures("known_to_all")
def test_secrets_are_masked_in_the_notes_of_an_exception() -> None:
    error = ValueError("no luck")
    error.add_note(f"while sending {SECRET}")
    redact_error(error)
    assert error.__notes__ == ["while sending ***"]


def test_a_chain_that_bites_its_tail_is_walked_once() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    redact_error(one)
    assert str(one) == "one"
