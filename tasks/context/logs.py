"""Logging, configured in one place: console, a JSON file of errors, and the Prefect UI.

Every line passes `redact` on its way, those of libraries that use the standard logging included.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from loguru import logger
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from stamina.instrumentation import set_on_retry_hooks

from seawall.clients.redact import chain, plain, redact, redact_error
from seawall.storage.targets.kinds import store_errors

if TYPE_CHECKING:
    from loguru import Message, Record

ERROR_LOG: Final = Path("logs/app.log")
ROTATION: Final = "10 MB"
KEPT_FILES: Final = 5

_CONSOLE: Final = "{time:HH:mm:ss.SSS} | {level:<7} | {name} - {message}\n"  # tracebacks: Prefect's line, the JSON file
_CHATTY: Final = ("httpx", "httpcore")  # they log URLs with their query at INFO

Given = ParamSpec("Given")
Result = TypeVar("Result")

_sinks: list[int] = []
_configuring = threading.Lock()  # runs may begin side by side


def configure(error_log: Path = ERROR_LOG) -> None:
    """Set all sinks up; calling it again replaces them, so no line comes twice."""
    with _configuring:
        with suppress(ValueError):
            logger.remove(0)  # loguru's own console sink, which would print local variables in tracebacks
        while _sinks:
            with suppress(ValueError):
                logger.remove(_sinks.pop())
        logger.configure(patcher=_patch)
        common: dict[str, Any] = {"diagnose": False, "backtrace": False}
        _sinks.append(logger.add(_to_console, level="DEBUG", format=lambda _: _CONSOLE, **common))
        _sinks.append(logger.add(_to_prefect, level="DEBUG", format=lambda _: "{message}", **common))
        _sinks.append(
            logger.add(
                error_log, level="ERROR", format=_as_json, rotation=ROTATION, retention=KEPT_FILES, delay=True, **common
            )
        )
        set_on_retry_hooks([])  # stamina's own line for a retry tells less than ours
        _guard_standard_logging()


def guarded(body: Callable[Given, Result]) -> Callable[Given, Result]:
    """Mask secrets in whatever error leaves a task's body, before Prefect puts it in a log or a state.

    What a store says is text from a server: one line of it, and not too much.
    """

    @wraps(body)
    def masked(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return body(*args, **kwargs)
        except Exception as error:
            redact_error(error)
            for each in chain(error):
                if isinstance(each, store_errors()):
                    each.args = (plain(str(each)),)
            raise

    return masked


@contextmanager
def only_logged(event: str) -> Iterator[None]:
    """Let nothing that fails in the body change how a run ends: it is logged as `event`."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever it is, the data is safe or lost by now
        logger.bind(error=plain(str(error))).warning(event)


def _patch(record: "Record") -> None:
    """Put bound fields behind the message, and mask secrets in both."""
    fields = " ".join(f"{name}={value}" for name, value in record["extra"].items())
    record["message"] = redact(f"{record['message']}: {fields}" if fields else record["message"])
    if record["exception"] is not None and record["exception"].value is not None:
        redact_error(record["exception"].value)


def _to_console(message: "Message") -> None:
    sys.stderr.write(message)


def _to_prefect(message: "Message") -> None:
    """Send the line to the run that this thread works for, under its module's name; outside of runs do nothing."""
    record = message.record
    with suppress(MissingContextError):
        run_logger: Any = get_run_logger()
        child = run_logger.getChild(record["name"]) if record["name"] else run_logger
        child.log(record["level"].no, "%s", str(message).rstrip("\n"), extra={"is_on_console": True})


def _as_json(record: "Record") -> str:
    line = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "logger": record["name"],
        "message": record["message"],
        **{name: redact(str(value)) for name, value in record["extra"].items() if name != "json"},
    }
    if (error := record["exception"]) is not None:
        line["traceback"] = redact("".join(traceback.format_exception(error.type, error.value, error.traceback)))
    record["extra"]["json"] = json.dumps(line, ensure_ascii=False)
    return "{extra[json]}\n"


def _guard_standard_logging() -> None:
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        if _is_not_on_console not in handler.filters:
            handler.addFilter(_is_not_on_console)
    if not isinstance(factory := logging.getLogRecordFactory(), _RedactingFactory):
        logging.setLogRecordFactory(_RedactingFactory(factory))


def _is_not_on_console(record: logging.LogRecord) -> bool:
    """Prefect's console handler would print our lines once more."""
    return not getattr(record, "is_on_console", False)


class _RedactingFactory:
    """Makes standard log records whose message and error hold no secret."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._factory(*args, **kwargs)
        with suppress(Exception):  # a message that does not format is the logger's to report
            plain = record.getMessage()
            if (redacted := redact(plain)) != plain:
                record.msg, record.args = redacted, ()
        if record.exc_info and record.exc_info[1] is not None:
            redact_error(record.exc_info[1])
        return record
