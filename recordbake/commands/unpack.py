"""``recordbake unpack``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.console import say
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "verify a bake and unpack it"
OPTIONS = ()
EXITS = ("0", "2", "12")
DETAILS = """\
What is in the directory already is replaced once the bake has been verified, and when replays
that read it have ended.
"""
EXAMPLES = """\
recordbake unpack .recordbake/bake --to .recordbake/baked
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("bake", type=Path, metavar="BAKE", help="directory of the bake")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake import unpack
    from recordbake.bake.describing import describe

    say(describe(unpack(arguments.bake, arguments.to), arguments.to))
    return EXIT_OK
