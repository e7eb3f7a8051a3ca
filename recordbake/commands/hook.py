"""``recordbake hook``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from recordbake.console import say
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "install or uninstall a .pth that hooks Python with -I and -E too"
OPTIONS = ()
EXITS = ("0", "2")
DETAILS = """\
The file is one line that does nothing unless a run of recordbake started the process. Put it into
images and session environments whose suites start such Pythons; see [what strict
means](../explanation/strict.md).
"""
EXAMPLES = """\
recordbake hook install
recordbake hook uninstall --python .venv/bin/python
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("what", choices=("install", "uninstall"), help="what to do")
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="PYTHON",
        help="whose environment (default: this one's)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake import pth

    change = pth.install if arguments.what == "install" else pth.uninstall
    say(str(change(arguments.python)))
    return EXIT_OK
