"""``recordbake pull``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "download a bake and verify it"
OPTIONS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("url", metavar="URL", help="where it was pushed to")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake.moving import pull

    print(pull(arguments.url, arguments.to).describe(arguments.to))
    return EXIT_OK
