"""Values that go with every request: the text that a query or a header has of them, and which of them are secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import httpx
from pydantic import AfterValidator, Field

SHORTEST_CREDENTIAL: Final = 8  # characters; a shorter value is none, whatever its name says

_CREDENTIAL: Final = re.compile(
    r".*(apikey|authorization|password|passwd|privatetoken|secret|securitytoken|subscriptionkey|token)$"
    r"|(access|app|auth|consumer|x|xauth)?key|cookie|jwt|sig|signature"
)


def _as_json(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError(
            "this is not what JSON can hold: objects, lists, text, numbers, true, false and null"
        ) from None
    return value


Json = Annotated[Any, AfterValidator(_as_json)]
Plain = str | bool | int | Annotated[float, Field(allow_inf_nan=False)]
Values = dict[str, Plain | tuple[Plain, ...]]
Texts = dict[str, str | tuple[str, ...]]


def texts(values: Values) -> Texts:
    """The values as requests have them: numbers and `true` as JSON writes them, several of one name in order."""
    return {
        name: tuple(map(_text, value)) if isinstance(value, tuple | list) else _text(value)
        for name, value in values.items()
    }


def each(given: Mapping[str, str | tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Every name with each of its texts."""
    for name, several in given.items():
        for text in (several,) if isinstance(several, str) else several:
            yield name, text


def is_credential(name: str, value: object) -> bool:
    """Whether the name of a parameter or header says that its value is a credential, and it is long enough for one."""
    is_long = isinstance(value, str) and len(value) >= SHORTEST_CREDENTIAL
    return is_long and _CREDENTIAL.fullmatch(re.sub("[-_.]", "", name.lower())) is not None


def credentials_in(url: str) -> list[str]:
    """What the query of a URL holds that is a credential by its name."""
    return [text for name, text in httpx.URL(url).params.multi_items() if is_credential(name, text)]


def credentials_within(value: object, name: str = "") -> list[str]:
    """What a JSON value holds below keys that say that it is a credential."""
    if isinstance(value, dict):
        return [text for key, each in value.items() for text in credentials_within(each, str(key))]
    if isinstance(value, list):
        return [text for each in value for text in credentials_within(each, name)]
    return [value] if isinstance(value, str) and is_credential(name, value) else []


def _text(value: Plain) -> str:
    return value if isinstance(value, str) else json.dumps(value)
