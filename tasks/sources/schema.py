"""The JSON Schema of a file of sources, by which editors complete and check it.

It is more lenient than `apply`: it requires nothing of a source that `defaults` may hold for all of them.
"""

import json
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, create_model

from seawall.clients.source import ApiSource

DIALECT: Final = "http://json-schema.org/draft-07/schema#"  # the one that most editors know
REFERENCE: Final = r"\$\{[^}]+\}"

_OWN: Final[dict[str, Any]] = {
    "path": (Annotated[str, Field(description="What follows the url of the defaults, such as /orders.")], ""),
    "block": (
        Annotated[str, Field(pattern="^[a-z0-9-]+$", description="Name of the Prefect block; else made of the name.")],
        "",
    ),
}


def schema_text() -> str:
    """The schema as a text that is kept in a file."""
    return json.dumps(file_schema(), indent=1, ensure_ascii=False) + "\n"


def file_schema() -> dict[str, Any]:
    """The schema of a file: one source, or `defaults` and `sources`."""
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in ApiSource.model_fields.items()}
    definitions = _definitions("Source", fields | _OWN)
    definitions |= _definitions("Defaults", {name: field for name, field in fields.items() if name != "name"})
    for definition in definitions.values():
        _loosen(definition, secrets_are_references="username" not in _secrets(definition))
    definitions["Source"]["required"] = ["name"]
    several = {
        "type": "object",
        "properties": {
            "defaults": {"$ref": "#/definitions/Defaults", "description": "What the sources share."},
            "sources": {"type": "array", "items": {"$ref": "#/definitions/Source"}, "minItems": 1},
        },
        "required": ["sources"],
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "Sources of Seawall",
        "if": {"anyOf": [{"required": ["sources"]}, {"required": ["defaults"]}]},
        "then": several,
        "else": {"$ref": "#/definitions/Source"},
        "definitions": definitions,
    }


def _definitions(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The schema of a form with these fields, and of all forms in it, by name."""
    form = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    schema = form.model_json_schema(ref_template="#/definitions/{model}")
    return {**schema.pop("$defs", {}), name: schema}


def _loosen(schema: Any, *, secrets_are_references: bool) -> None:
    """Require nothing but that secrets are references; offer the kinds of a choice without OpenAPI's words for it."""
    if isinstance(schema, list):
        for each in schema:
            _loosen(each, secrets_are_references=secrets_are_references)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("required"), list):
        del schema["required"]
    if "discriminator" in schema:
        del schema["discriminator"]
        schema["anyOf"] = schema.pop("oneOf")
    if schema.get("writeOnly") is True and secrets_are_references:
        schema["pattern"] = REFERENCE
    for each in schema.values():
        _loosen(each, secrets_are_references=secrets_are_references)


def _secrets(definition: dict[str, Any]) -> list[str]:
    """The fields that are secret; where a username is one, only the values tell which of the fields is."""
    return [name for name, field in definition["properties"].items() if field.get("writeOnly")]
