"""Lines go where they should, once, and without secrets."""

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from loguru import logger

from seawall.clients.redact import SECRETS
from seawall.storage.errors import BucketError
from seawall.tasks.context import logs

SECRET = "p4ss/w0rd+of=ours"


@pytest.fixture
def _configured() -> Iterator[None]:
    SECRETS.add(SECRET)
    logs.configure()
    yield
    SECRETS.discard(SECRET)


def errors() -> list[dict[str, str]]:
    return [json.loads(line) for line in Path("logs/app.log").read_text().splitlines()]


@pytest.mark.usefixtures("_configured")
def test_a_line_comes_once_however_often_logging_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        logs.configure()
    logger.debug("just this")
    assert capsys.readouterr().err.count("just this") == 1


@pytest.mark.usefixtures("_configured")
def test_the_console_shows_debug_lines_with_the_module_and_the_bound_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logger.bind(page=3, cause="500").debug("attempt failed")
    assert f"DEBUG   | {__name__} - attempt failed: page=3 cause=500\n" in capsys.readouterr().err


@pytest.mark.usefixtures("_configured")
def test_errors_are_json_objects_a_line_in_a_folder_made_on_first_use() -> None:
    logger.warning("not this")
    assert not Path("logs").exists()
    logger.bind(page=7).error("line one\nline two")
    (line,) = errors()
    assert line["level"] == "ERROR"
    assert line["message"] == "line one\nline two: page=7"
    assert (line["logger"], line["page"]) == (__name__, "7")


@pytest.mark.usefixtures("_configured")
def test_secrets_are_masked_in_messages_fields_and_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(f"cannot use {SECRET}")
    except ValueError:
        logger.bind(token=SECRET).exception("failed with {}", SECRET)
    logger.error("once more, with {}", SECRET)
    everything = capsys.readouterr().err + Path("logs/app.log").read_text()
    assert "ValueError: cannot use ***" in everything
    assert SECRET not in everything
    assert len(errors()) >= 1


@pytest.mark.usefixtures("_configured")
def test_secrets_are_masked_in_what_libraries_log(caplog: pytest.LogCaptureFixture) -> None:
    library = logging.getLogger("some.library")
    library.warning("GET https://host/?key=%s", SECRET)
    library.warning("quoted: p4ss%2Fw0rd%2Bof%3Dours")
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        library.exception("it failed")
    assert "GET https://host/?key=***" in caplog.text
    assert "RuntimeError: ***" in caplog.text
    assert "p4ss" not in caplog.text


@pytest.mark.usefixtures("_configured")
def test_httpx_does_not_log_urls(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://host/?key=1")
    assert caplog.text == ""


@pytest.mark.usefixtures("_configured")
def test_lines_from_plain_threads_outside_of_runs_are_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=lambda: logger.info("from a thread"))
    thread.start()
    thread.join()
    assert "from a thread" in capsys.readouterr().err


def test_sinks_of_others_stay(capsys: pytest.CaptureFixture[str]) -> None:
    kept: list[str] = []
    sink = logger.add(kept.append, format="{message}")
    logs.configure()
    logger.info("for both")
    logger.remove(sink)
    assert kept == ["for both\n"]
    assert "for both" in capsys.readouterr().err


@logs.guarded
def _fail() -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as cause:
        raise RuntimeError(f"after {SECRET}") from cause


@pytest.mark.usefixtures("_configured")
def test_an_error_that_leaves_a_guarded_body_holds_no_secret() -> None:
    with pytest.raises(RuntimeError) as caught:
        _fail()
    assert str(caught.value) == "after ***"
    assert SECRET not in repr(caught.value.__cause__)


@logs.guarded
def _refused() -> None:
    answer = {"Error": {"Code": "AccessDenied", "Message": "no\nERROR forged line \x1b[31m" + "x" * 9_000}}
    try:
        raise ClientError(answer, "PutObject")
    except ClientError as error:
        raise BucketError(f"s3://raw refuses us: {error}") from error


@pytest.mark.usefixtures("_configured")
def test_what_a_store_says_is_one_line_of_bounded_length() -> None:
    with pytest.raises(BucketError, match=r"^s3://raw refuses us: An error occurred \(AccessDenied\)") as caught:
        _refused()
    for error in (caught.value, caught.value.__cause__):
        assert str(error).isprintable()
        assert len(str(error)) < 2_100
