"""A document: the text of a YAML file as a tree that knows its lines, and has no surprises.

Plain scalars are read as JSON reads them, not as YAML 1.1 does: `no`, `on`, dates and times are text, and so is a
number that JSON would write in another way, such as 0123, 1.10 or 1e3. Nothing but mappings, lists, text, numbers,
true, false and null comes of a document, whatever its tags say.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml

MOST_NODES: Final = 100_000  # of a document, aliases counted with all that they stand for
LONGEST_NUMBER: Final = 100  # characters

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_TAGS: Final = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the line of its key, or its own in a list; `owner` says in a message to what it belongs."""

    value: Any
    line: int
    owner: str = ""

    def __contains__(self, key: object) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def of(self, owner: str) -> "Node":
        """The same tree as a part of another owner."""
        match self.value:
            case dict():
                return Node({key: each.of(owner) for key, each in self.value.items()}, self.line, owner)
            case list():
                return Node([each.of(owner) for each in self.value], self.line, owner)
        return replace(self, owner=owner)

    def plain(self) -> Any:
        """Dicts, lists, text, numbers, booleans and None."""
        match self.value:
            case dict():
                return {key: each.plain() for key, each in self.value.items()}
            case list():
                return [each.plain() for each in self.value]
        return self.value

    def leaves(self, place: Place = ()) -> Iterator[tuple[Place, "Node"]]:
        """Each value that holds no other, with its keys and indices."""
        match self.value:
            case dict():
                for key, each in self.value.items():
                    yield from each.leaves((*place, key))
            case list():
                for index, each in enumerate(self.value):
                    yield from each.leaves((*place, index))
            case _:
                yield place, self


class DocumentError(Exception):
    """A text that is no such document; `problems` are lines with what is wrong there."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__(problems)
        self.problems = problems


class _Loader(yaml.SafeLoader):
    """Resolves no scalar: what a plain one means is decided here."""

    yaml_implicit_resolvers: Final = {}  # type: ignore[misc]


def read(text: str) -> Node:
    """The tree of a document. Raises DocumentError, with all that is wrong in it."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise DocumentError([_problem(error, text)]) from None
    except yaml.YAMLError:
        raise DocumentError([(1, "this is no YAML: it holds a character that no text has")]) from None
    except RecursionError:
        raise DocumentError([(1, "it is nested too deep")]) from None
    if root is None:
        raise DocumentError([(1, "it is empty")])
    reader = _Reader()
    tree = reader.node(root, _line(root))
    if reader.problems:
        raise DocumentError(reader.problems)
    return tree


def _problem(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str]:
    """The line where the parser gave up, and why; braces of references are the usual reason inside of others."""
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    line = "".join(text.splitlines()[number - 1 : number])
    remedy = "; inside of { } or [ ], put ${…} in quotes" if "${" in line else ""
    return number, f"this is no YAML: {error.problem}{remedy}"


class _Reader:
    """Reads the nodes of a document, and lists what is wrong with them in `problems`."""

    def __init__(self) -> None:
        self.problems: list[tuple[int, str]] = []
        self._nodes = 0
        self._inside: list[yaml.Node] = []

    def node(self, node: yaml.Node, line: int) -> Node:
        """The tree below a node of the parser."""
        self._nodes += 1
        if node in self._inside or self._nodes > MOST_NODES:
            if self._nodes <= MOST_NODES + 1:
                self._refuse(line, "an alias leads back to what it stands in, or there are too many of them")
            return Node(None, line)
        if node.tag not in _TAGS:
            self._refuse(line, f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')!r} is not read here")
            return Node(None, line)
        self._inside.append(node)
        try:
            return Node(self._value(node), line)
        finally:
            self._inside.pop()

    def _value(self, node: yaml.Node) -> Any:
        match node:
            case yaml.MappingNode():
                return self._mapping(node)
            case yaml.SequenceNode():
                return [self.node(each, _line(each)) for each in node.value]
            case yaml.ScalarNode(style=None):
                return _scalar(node.value)
        return node.value

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Node]:
        members: dict[str, Node] = {}
        for key, value in node.value:
            line = _line(key)
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(line, "the name of a field has to be text")
            elif key.value == "<<":
                self._refuse(line, "`<<` is not read here; what sources share stands under `defaults`")
            elif key.value in members:
                self._refuse(line, f"{key.value!r} stands here twice; first on line {members[key.value].line}")
            else:
                members[key.value] = self.node(value, line)
        return members

    def _refuse(self, line: int, problem: str) -> None:
        self.problems.append((line, problem))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _scalar(text: str) -> Any:
    """What a plain scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= LONGEST_NUMBER and text.isascii() and _NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        return number if json.dumps(number) == text else text
    return text
