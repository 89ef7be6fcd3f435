"""Entries: what a document says of each source, merged over what its sources share."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from seawall.clients.form import hint
from seawall.tasks.sources.document import Node

LAYOUT: Final = ("defaults", "sources")
OF_ENTRIES: Final = ("path", "block")  # besides the fields of a source
DEFAULTS: Final = "the defaults"

_BLOCK: Final = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The form of one source; `name` is empty where none is given, `form` holds nothing but fields of a source."""

    name: str
    block: str
    form: Node


class Entries:
    """The sources of a document, and in `problems` the lines with what is wrong about its layout."""

    def __init__(self, document: Node) -> None:
        self.problems: list[tuple[int, str]] = []
        self.all = list(self._read(document))

    def _read(self, document: Node) -> Iterator[Entry]:
        if not isinstance(document.value, dict):
            self._refuse(document, "a file of sources is a mapping: one source, or `defaults` and `sources`")
        elif not any(name in document for name in LAYOUT):
            yield from self._entry(document, _nothing(document), 1)
        else:
            yield from self._listed(document)

    def _listed(self, document: Node) -> Iterator[Entry]:
        for name, node in document.value.items():
            if name not in LAYOUT:
                self._refuse(node, f"unknown field {name!r} beside `sources`; {hint(name, LAYOUT)}")
        defaults = self._defaults(document.value.get("defaults", _nothing(document)))
        sources = document.value.get("sources")
        if sources is None or not isinstance(sources.value, list) or not sources.value:
            self._refuse(sources or document, "`sources` has to be a list of endpoints, each with a `name`")
            return
        for number, node in enumerate(sources.value, start=1):
            yield from self._entry(node, defaults, number)

    def _defaults(self, node: Node) -> Node:
        if node.value is None or not isinstance(node.value, dict):
            if node.value is not None:
                self._refuse(node, "`defaults` has to be a mapping of fields that sources share")
            return replace(node, value={})
        for name in ("name", *OF_ENTRIES):
            if name in node:
                self._refuse(node.value[name], f"{name!r} cannot be shared by sources: it belongs to each of them")
        return replace(node, value={name: each for name, each in node.value.items() if name != "name"}).of(DEFAULTS)

    def _entry(self, node: Node, defaults: Node, number: int) -> Iterator[Entry]:
        if not isinstance(node.value, dict):
            self._refuse(node, "each of `sources` has to be a mapping with a `name`")
            return
        name = node.value["name"].value if "name" in node else None
        name = name if isinstance(name, str) else ""
        own = node.of(f"source {name!r}" if name else f"source number {number}")
        fields = dict(merged(defaults, own).value)
        path, block = own.value.get("path"), own.value.get("block")
        for extra in OF_ENTRIES:
            fields.pop(extra, None)
        if path is not None:
            self._join(fields, own, defaults, path)
        yield Entry(name=name, block=self._block(name, block), form=replace(own, value=fields))

    def _join(self, fields: dict[str, Node], own: Node, defaults: Node, path: Node) -> None:
        """Put the URL below the base in the place of a path."""
        base = defaults.value.get("url")
        if "url" in own:
            self._refuse(path, f"{own.owner} has a `path` and a `url`; one of them is enough")
        elif base is None or not isinstance(base.value, str):
            self._refuse(path, f"the `path` of {own.owner} needs a `url` under `defaults` to begin with")
            fields["url"] = replace(path, value="https://unknown.invalid")  # so that nothing else is said of it
        elif not isinstance(path.value, str):
            self._refuse(path, f"the `path` of {own.owner} has to be text, such as /orders; put it in quotes")
        else:
            fields["url"] = replace(path, value=f"{base.value.rstrip('/')}/{path.value.lstrip('/')}")

    def _block(self, name: str, node: Node | None) -> str:
        """The name of the block: the one that is given, or the source's with a dash for all that blocks cannot have."""
        if node is None:
            return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
        if not isinstance(node.value, str) or not _BLOCK.fullmatch(node.value):
            self._refuse(node, "the name of a `block` is made of a-z, 0-9 and dashes")
            return ""
        return node.value

    def _refuse(self, node: Node, problem: str) -> None:
        self.problems.append((node.line, problem))


def merged(defaults: Node, own: Node) -> Node:
    """`own` over `defaults`: mappings key by key, but for one that names another `kind`; all else is replaced.

    What is null in `own` takes the default away.
    """
    if not isinstance(defaults.value, dict) or not isinstance(own.value, dict) or _is_another_kind(defaults, own):
        return own
    members = dict(defaults.value)
    for name, node in own.value.items():
        if name in members and node.value is None:
            del members[name]
        else:
            members[name] = merged(members[name], node) if name in members else node
    return replace(own, value=members)


def _is_another_kind(defaults: Node, own: Node) -> bool:
    if "kind" not in own or "kind" not in defaults:
        return False
    return bool(own.value["kind"].value != defaults.value["kind"].value)


def _nothing(document: Node) -> Node:
    return Node({}, document.line, DEFAULTS)
