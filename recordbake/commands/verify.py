"""``recordbake verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "check a bake against its manifest"
OPTIONS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("bake", type=Path, metavar="BAKE", help="directory of the bake")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake import verify

    print(verify(arguments.bake).describe(arguments.bake))
    return EXIT_OK
