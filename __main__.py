"""The command line: `python -m seawall apply FILE…` and `python -m seawall schema`.

apply     save the sources of YAML files as blocks; nothing is saved where anything in them is wrong
schema    print the JSON Schema by which editors complete and check such files

It ends with 0 where all is well, with 1 where files are refused, with 2 where a command is mistyped.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from seawall.tasks.sources.apply import apply
from seawall.tasks.sources.complaint import SourceFileError
from seawall.tasks.sources.files import declared_sources
from seawall.tasks.sources.schema import schema_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "schema":
        print(schema_text(), end="")
        return 0
    return _apply(parsed.files, saving=not parsed.check)


def _apply(paths: Sequence[Path], *, saving: bool) -> int:
    try:
        for change in apply(declared_sources(paths, os.environ), saving=saving):
            print(change, flush=True)
    except SourceFileError as error:
        number = len(error.complaints)
        print(f"{error}\n{number} {'mistake' if number == 1 else 'mistakes'}, so nothing was saved", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m seawall", description="Lands every record of an unstable HTTP API."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    saving = commands.add_parser("apply", help="save the sources of YAML files as blocks")
    saving.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a YAML file, or a folder of them")
    saving.add_argument("--check", action="store_true", help="only say what is wrong, or what would change")
    commands.add_parser("schema", help="print the JSON Schema of these files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
