"""References: values that a file in git names without holding them, and secrets that it holds though it must not.

`${NAME}` is a variable of the environment, `${secret:NAME}` a Secret block of Prefect, both anywhere in a text;
`$${` stands for `${` itself.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import httpx
from pydantic import SecretStr

from seawall.clients import values
from seawall.clients.source import ApiSource
from seawall.tasks.errors import SettingsError
from seawall.tasks.sources.document import Node, Place

REMEDY: Final = (
    "write ${NAME} and set NAME in the environment of `apply`, or ${secret:NAME} for a Secret block of Prefect"
)

_REFERENCE: Final = re.compile(r"(?P<escape>\$?)\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET: Final = re.compile(r"secret:(?P<block>[a-z0-9-]+)")


class References:
    """Puts values in the place of references; `secrets` are all that came of it, `problems` what is wrong and where.

    `variables` is the environment; `load_secret` gives what a Secret block holds, or raises SettingsError.
    """

    def __init__(self, variables: Mapping[str, str], load_secret: Callable[[str], str]) -> None:
        self.secrets: list[str] = []
        self.problems: list[tuple[Node, str]] = []
        self._variables = variables
        self._load_secret = load_secret
        self._blocks: dict[str, str] = {}

    def resolved(self, node: Node) -> Node:
        """The same tree with values in place of references; those that cannot be resolved stay as they are."""
        match node.value:
            case dict():
                return replace(node, value={name: self.resolved(each) for name, each in node.value.items()})
            case list():
                return replace(node, value=[self.resolved(each) for each in node.value])
            case str():
                return replace(node, value=_REFERENCE.sub(lambda match: self._value(match, node), node.value))
        return node

    def _value(self, match: re.Match[str], node: Node) -> str:
        if match["escape"]:
            return match[0].removeprefix("$")
        try:
            value = self._referred(match["inside"] if match["end"] else "")
        except SettingsError as error:
            self.problems.append((node, f"{error}, in {node.owner}"))
            return match[0]
        self.secrets.append(value)
        return value

    def _referred(self, name: str) -> str:
        if (secret := _SECRET.fullmatch(name)) is not None:
            block = secret["block"]
            if block not in self._blocks:
                self._blocks[block] = self._load_secret(block)
            return self._blocks[block]
        if not _VARIABLE.fullmatch(name):
            raise SettingsError(
                "`${` begins no reference; write ${NAME}, ${secret:NAME}, or $${ for the signs themselves"
            )
        if not (value := self._variables.get(name)):
            raise SettingsError(f"the variable {name} {'is not set' if value is None else 'is empty'}")
        return value


def is_reference(value: object) -> bool:
    """Whether a value takes something from elsewhere."""
    matches = _REFERENCE.finditer(value) if isinstance(value, str) else ()
    return any(not match["escape"] for match in matches)


def secrets_in_the_clear(form: Node, source: ApiSource | None) -> Iterator[tuple[Place, Node]]:
    """Each value of a form that is a secret and no reference; `source` is what the form came to, if it is valid.

    What a field is for says whether it is secret; in params, headers and the like, the name of the value does.
    """
    secret_fields = ApiSource.model_json_schema()["secret_fields"]
    for place, node in form.leaves():
        if node.value in (None, "") or is_reference(node.value):
            continue
        names = (f"{place[0]}.*", ".".join(map(str, place)))
        is_secret = any(name in secret_fields for name in names) and _is_secret_of(source, place)
        if is_secret or _names_a_credential(place, node.value):
            yield place, node
    url = form.value.get("url")
    if url is not None and _has_credentials(url.value):
        yield ("url",), url


def _is_secret_of(source: ApiSource | None, place: Place) -> bool:
    """Whether this source takes what stands there for a secret, which depends on the kind of its auth."""
    if source is None:
        return place[-1] != "username"
    value: Any = source
    for key in place:
        value = value.get(key) if isinstance(value, dict) else getattr(value, str(key), None)
    return isinstance(value, SecretStr) and value.get_secret_value() in source.secrets()


def _names_a_credential(place: Place, value: object) -> bool:
    """Whether a value below params, headers, a body or the fields of a login is a credential by its name."""
    is_form_field = len(place) == 1 or (place[0] in ("auth", "pagination") and len(place) == 2)
    return not is_form_field and values.is_credential(str(place[-1]), value)


def _has_credentials(url: object) -> bool:
    try:
        return isinstance(url, str) and any(not is_reference(text) for text in values.credentials_in(url))
    except httpx.InvalidURL:
        return False
