"""``recordbake doctor``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.console import BAD, GOOD, WARNING, write
from recordbake.errors import EXIT_OK, EXIT_UNTRUSTWORTHY

if TYPE_CHECKING:
    import argparse

_STYLES = {"ok": GOOD, "note": WARNING, "bad": BAD}

HELP = "say whether a strict replay could be trusted here, and what to change if not"
OPTIONS = ("recording", "runs_dir", "isolation", "untested_clients")
EXITS = ("0", "2", "14")
DETAILS = """\
It looks at the Python that the command starts (whether it can be hooked, and which releases of
the clients are installed in it), at the kernel barriers that this system offers, and at the
recording. It exits with 0 only if nothing is bad, else with 14. Without a kernel barrier a strict
replay is not trusted, unless `isolation` is `process`.
"""
EXAMPLES = """\
recordbake doctor
recordbake doctor --json -- python -m pytest
"""


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
        for line in render(checks).splitlines():
            write(sys.stdout, line + "\n", _STYLES.get(line.partition(" ")[0], ""))
    return EXIT_OK if all(check.state != "bad" for check in checks) else EXIT_UNTRUSTWORTHY
