"""``recordbake record``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "run a command online and keep every HTTP exchange"
OPTIONS = (*options.RUN, "retry_statuses", "retry_max_wait", "allow_errors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.usage = f"{parser.prog} [options] -- COMMAND..."
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--missing", action="store_true", help="fetch only what the recording does not have"
    )
    chosen.add_argument(
        "--from-audit", metavar="FILE", type=Path, help="fetch only what an audit.json names"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake import from_audit
    from recordbake.runner import run_command
    from recordbake.summary import note

    found = options.load(arguments, OPTIONS)
    missing, refetch = arguments.missing, None
    if arguments.from_audit is not None:
        decision, refetch = from_audit.read(arguments.from_audit)
        if decision == from_audit.KEEP:
            note("the audit keeps the recording: nothing to record")
            return EXIT_OK
        if decision == from_audit.ALL:
            refetch = None
        missing = refetch is not None
    return run_command(found, "record", arguments.command, missing=missing, refetch=refetch)
