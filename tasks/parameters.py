"""The parameters of a run: the limits that are checked when a run is created, by the form or the command line.

The limits stand in the form's schema alone. `settle` refuses the same and more, with messages that say what to do.
"""

import math
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from seawall.clients.values import texts
from seawall.formats import registry
from seawall.storage.keys import LONGEST_NAME_BYTES, MAX_KEY_BYTES
from seawall.storage.targets import kinds

RUN_ID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MAX_PARALLEL_SOURCES: Final = 16
_BLOCK: Final = "[a-z0-9-]+"
_SEGMENT: Final = r"[^/\\\x00-\x1f\x7f]+"


def _known_format(name: str) -> str:
    registry.find(name)
    return name


def _as_text(value: Any) -> Any:
    """What a query has of a number, or of `true`: the command line reads these as JSON."""
    if value is None:
        raise ValueError("null is no value of a query parameter: leave it out")
    if isinstance(value, list | tuple):
        raise ValueError("a list, which repeats a parameter, belongs in the params of the source")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number that a query can have")
    return texts({"": value})[""] if isinstance(value, bool | int | float) else value


SourceName = Annotated[str, Field(json_schema_extra={"pattern": f"^{_BLOCK}$"})]
SourceNames = Annotated[list[SourceName], Field(json_schema_extra={"minItems": 1, "uniqueItems": True})]
ParallelSources = Annotated[int, Field(ge=1, le=MAX_PARALLEL_SOURCES)]
StorageSlug = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^({'|'.join(kinds.choices(_BLOCK))})$"}),
]
Bucket = Annotated[str | None, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_KEY_BYTES})]
Prefix = Annotated[
    str,
    Field(
        json_schema_extra={
            "pattern": f"^({_SEGMENT}(/{_SEGMENT})*/?)?$",
            "maxLength": MAX_KEY_BYTES - LONGEST_NAME_BYTES,
        },
    ),
]
_TEXT: Final = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
Params = dict[str, Annotated[str, BeforeValidator(_as_text), WithJsonSchema(_TEXT)]] | None
FormatName = Annotated[str, AfterValidator(_known_format), Field(json_schema_extra={"enum": registry.names()})]
RunId = Annotated[str | None, Field(json_schema_extra={"pattern": f"^{RUN_ID}$"})]
