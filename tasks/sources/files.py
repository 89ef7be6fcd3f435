"""Files of sources: read and checked together, with everything that is wrong in them at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from seawall.clients.redact import SECRETS, redact
from seawall.clients.source import ApiSource
from seawall.tasks.context import blocks
from seawall.tasks.sources.complaint import Complaint, SourceFileError
from seawall.tasks.sources.document import DocumentError, Node, read
from seawall.tasks.sources.entries import Entries, Entry
from seawall.tasks.sources.references import REMEDY, References, is_reference, secrets_in_the_clear
from seawall.tasks.sources.refusals import refusals, shown, unknown_fields, without_unknown_fields

SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A source as a file declares it, and the name of the block that is to hold it."""

    block: str
    source: ApiSource


def declared_sources(paths: Sequence[Path], variables: Mapping[str, str]) -> list[Declared]:
    """The sources of files, and of the files that folders hold, in their order.

    Raises:
        SourceFileError: something is wrong in any of them; it lists everything.
    """
    reader = _Files(variables)
    files = dict.fromkeys(file for path in paths for file in reader.files(path))
    declared = [each for file in files for each in reader.declared(file)]
    if reader.complaints:
        raise SourceFileError(tuple(sorted(reader.complaints)))
    return declared


class _Files:
    """Reads files one after another; `complaints` are about all of them, each once."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.complaints: set[Complaint] = set()
        self._variables = variables
        self._homes: dict[str, tuple[str, int]] = {}  # of each block: file and line

    def files(self, path: Path) -> list[Path]:
        """The file itself, or those of a folder."""
        if not path.is_dir():
            return [path]
        files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
        if not files:
            self._complain(path, 0, "the folder holds no .yaml file")
        return files

    def declared(self, path: Path) -> Iterator[Declared]:
        """The sources of a file; those with which something is wrong are left out."""
        try:
            entries = Entries(read(path.read_text(encoding="utf-8-sig")))
        except DocumentError as error:
            self._complain_of(path, error.problems)
            return
        except UnicodeDecodeError:
            self._complain(path, 1, "the file is not in UTF-8")
            return
        except OSError as error:
            self._complain(path, 0, f"it cannot be read: {error.strerror}")
            return
        self._complain_of(path, entries.problems)
        for entry in entries.all:
            self._remember(path, entry)
            if (source := self._source(path, entry)) is not None:
                yield Declared(block=entry.block, source=source)

    def _source(self, path: Path, entry: Entry) -> ApiSource | None:
        """The source that an entry comes to; None where that is refused."""
        unknown = list(unknown_fields(entry.form))
        references = References(self._variables, blocks.load_secret)
        resolved = references.resolved(without_unknown_fields(entry.form))
        problems = unknown + references.problems
        SECRETS.add(*references.secrets)
        try:
            source, refused = _validated(resolved)
            clear = list(secrets_in_the_clear(entry.form, source))
            problems += [
                (node, text)
                for node, text in refused
                if not is_reference(node.value) and node not in dict(clear).values()
            ]  # one complaint about a value is enough
            problems += [
                (node, f"{shown(place)} of {node.owner} is a secret in the clear; {REMEDY}") for place, node in clear
            ]
            self._complain_of(path, [(node.line, redact(text)) for node, text in problems])
        finally:
            SECRETS.discard(*references.secrets)
        return None if problems else source

    def _remember(self, path: Path, entry: Entry) -> None:
        """Complain where another source would be the same block."""
        home = self._homes.get(entry.block)
        if home is not None:
            text = (
                f"{entry.form.owner} would be the block {entry.block!r}, as the source in {home[0]}, line {home[1]} is"
            )
            self._complain(path, entry.form.line, f"{text}; give it another `name`, or a `block` of its own")
        elif entry.block:
            self._homes[entry.block] = str(path), entry.form.line

    def _complain_of(self, path: Path, problems: Sequence[tuple[int, str]]) -> None:
        for line, text in problems:
            self._complain(path, line, text)

    def _complain(self, path: Path, line: int, text: str) -> None:
        self.complaints.add(Complaint(str(path), line, text))


def _validated(form: Node) -> tuple[ApiSource | None, list[tuple[Node, str]]]:
    """The source of a form, or what is wrong with it."""
    try:
        return ApiSource.model_validate(form.plain()), []
    except ValidationError as error:
        return None, list(refusals(form, error))
