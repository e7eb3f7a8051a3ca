"""``recordbake hook``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "install or uninstall a .pth that hooks Python with -I and -E too"
OPTIONS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("what", choices=("install", "uninstall"), help="what to do")
    parser.add_argument(
        "--python", default=sys.executable, metavar="PYTHON", help="whose environment (this one's)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake import pth

    print((pth.install if arguments.what == "install" else pth.uninstall)(arguments.python))
    return EXIT_OK
