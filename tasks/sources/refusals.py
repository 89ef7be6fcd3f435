"""Refusals: what is wrong with the form of a source, in words that name the field, at the line where it stands."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from seawall.clients.form import hint
from seawall.clients.source import ApiSource
from seawall.tasks.sources.document import Node, Place

Problem = tuple[Node, str]

_VALID: Final = "Input should be a valid "


def unknown_fields(form: Node) -> Iterator[Problem]:
    """The fields that no source has, nor the kind of auth or pagination that it names."""
    yield from _unknown(form, ApiSource.model_fields, "")


def without_unknown_fields(form: Node) -> Node:
    """The form without these, so that what else is wrong shows, too."""
    return _known(form, ApiSource.model_fields)


def refusals(form: Node, error: ValidationError) -> Iterator[Problem]:
    """What a validation of the form says."""
    details = error.errors(include_input=False, include_url=False)
    located = [(*_located(form, each["loc"]), each) for each in details]
    for place, group in groupby(located, key=lambda each: each[0]):
        members = list(group)
        node = members[0][1]
        yield from _worded(place, node, [each for _, _, each in members])


def shown(place: Place) -> str:
    """Where in a form something stands, dotted."""
    return ".".join(map(str, place))


def _unknown(node: Node, fields: Mapping[str, FieldInfo], inside: str) -> Iterator[Problem]:
    for name, member in node.value.items():
        if name not in fields:
            where = f"in {inside} of {member.owner}" if inside else f"in {member.owner}"
            yield member, f"unknown field {name!r} {where}; {hint(name, fields)}"
            continue
        for each in member.value if isinstance(member.value, list) else [member]:
            if (form := _form(each, fields[name])) is not None:
                yield from _unknown(each, form.model_fields, f"{inside}.{name}".lstrip("."))


def _known(node: Node, fields: Mapping[str, FieldInfo]) -> Node:
    members = {}
    for name in node.value.keys() & fields.keys():
        member = node.value[name]
        if isinstance(member.value, list):
            member = Node([_known_member(each, fields[name]) for each in member.value], member.line, member.owner)
        members[name] = _known_member(member, fields[name])
    return Node({name: members[name] for name in node.value if name in members}, node.line, node.owner)


def _known_member(node: Node, field: FieldInfo) -> Node:
    form = _form(node, field)
    return node if form is None else _known(node, form.model_fields)


def _form(node: Node, field: FieldInfo) -> type[BaseModel] | None:
    """The form that a mapping is to fill: the only one, or the one of its kind; None where that is not known."""
    if not isinstance(node.value, dict):
        return None
    forms = list(_forms(field.annotation))
    if len(forms) < 2:
        return forms[0] if forms else None
    if "kind" in node:
        kind = node.value["kind"].value
        return next((form for form in forms if form.model_fields["kind"].default == kind), None)
    default = type(field.get_default(call_default_factory=True))
    return default if default in forms and len(default.model_fields) > 1 else None


def _forms(annotation: Any) -> Iterator[type[BaseModel]]:
    """The forms that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _forms(each)


def _located(form: Node, location: Sequence[str | int]) -> tuple[Place, Node]:
    """Where an error stands, without the names of kinds and types that pydantic puts in between, and the node there."""
    place: Place = ()
    node = form
    for key in location:
        is_key = isinstance(node.value, dict) and key in node.value
        is_index = isinstance(node.value, list) and isinstance(key, int) and key < len(node.value)
        if is_key or is_index:
            place, node = (*place, key), node.value[key]
    return place, node


def _worded(place: Place, node: Node, errors: Sequence[ErrorDetails]) -> Iterator[Problem]:
    where = f"{shown(place)} of {node.owner}" if place else node.owner
    missing = [str(error["loc"][-1]) for error in errors if error["type"] == "missing"]
    for name in missing:
        remedy = ", or a `path` below the `url` of the defaults" if (place, name) == ((), "url") else ""
        yield node, f"{where} needs the field {name!r}{remedy}"
    others = [error for error in errors if error["type"] != "missing"]
    if not others:
        return
    context = others[0].get("ctx", {})
    match others[0]["type"]:
        case "union_tag_invalid":
            kinds = [kind.strip(" '") for kind in str(context["expected_tags"]).split(",")]
            kind = node.value["kind"]
            yield kind, f"unknown kind {kind.value!r} in {where}; {hint(str(kind.value), kinds)}"
        case "union_tag_not_found":
            yield node, f"{where} needs the field 'kind'"
        case "string_type" if len(others) == 1 and not isinstance(node.value, dict | list):
            yield node, f"{where} has to be text; put it in quotes"
        case "value_error":
            yield from ((node, f"{where}: {error['msg'].removeprefix('Value error, ')}") for error in others)
        case _:
            yield node, f"{where} {_expectation(others)}"


def _expectation(errors: Sequence[ErrorDetails]) -> str:
    """What the value should be; of a union, each of the types that it may have."""
    messages = [error["msg"] for error in errors]
    if all(message.startswith(_VALID) for message in messages):
        names = [message.removeprefix(_VALID).replace("tuple", "list") for message in messages]
        return f"has to be a valid {' or '.join(dict.fromkeys(names))}"
    return messages[0].removeprefix("Input ").removeprefix("String ").removeprefix("Value ")
