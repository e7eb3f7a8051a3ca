"""``recordbake replay``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.commands import options

if TYPE_CHECKING:
    import argparse

HELP = "run a command with its requests answered from the recording"
OPTIONS = (*options.RUN, "hub_cache", "isolation", "strict_tests")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.usage = f"{parser.prog} [options] -- COMMAND..."
    parser.add_argument(
        "--strict", action="store_true", help="block what is not recorded, and fail the run"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.runner import run_command

    found = options.load(arguments, OPTIONS, reads=True)
    mode = "replay_strict" if arguments.strict else "replay"
    return run_command(found, mode, arguments.command)
