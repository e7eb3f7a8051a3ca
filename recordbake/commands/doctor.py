"""``recordbake doctor``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.errors import EXIT_OK, EXIT_UNTRUSTWORTHY

if TYPE_CHECKING:
    import argparse

HELP = "say whether a strict replay could be trusted here, and what to change if not"
OPTIONS = ("recording", "runs_dir", "isolation", "untested_clients")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.usage = f"{parser.prog} [options] [-- COMMAND...]"
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns 0 only if a strict replay would be trustworthy."""
    from recordbake.doctor import examine, render

    checks = examine(options.load(arguments, OPTIONS, reads=True), arguments.command)
    if arguments.json:
        print(json.dumps([vars(check) for check in checks], indent=1))
    else:
        print(render(checks))
    return EXIT_OK if all(check.state != "bad" for check in checks) else EXIT_UNTRUSTWORTHY
