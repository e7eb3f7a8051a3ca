"""``recordbake record``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.commands import options

if TYPE_CHECKING:
    import argparse

HELP = "run a command online and keep every HTTP exchange"
OPTIONS = (*options.RUN, "retry_statuses", "retry_max_wait", "allow_errors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.usage = f"{parser.prog} [options] -- COMMAND..."
    parser.add_argument(
        "--missing", action="store_true", help="fetch only what the recording does not have"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.runner import run_command

    found = options.load(arguments, OPTIONS)
    return run_command(found, "record", arguments.command, missing=arguments.missing)
