"""``recordbake verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.console import say
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "check a bake against its manifest"
OPTIONS = ()
EXITS = ("0", "2", "12")
EXAMPLES = """\
recordbake verify .recordbake/bake
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("bake", type=Path, metavar="BAKE", help="directory of the bake")
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake import verify
    from recordbake.bake.describing import describe

    manifest = verify(arguments.bake)
    if arguments.json:
        print(manifest.to_json().decode(), end="")
    else:
        say(describe(manifest, arguments.bake))
    return EXIT_OK
