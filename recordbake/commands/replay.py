"""``recordbake replay``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.guest.config import REPLAY, STRICT

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
    strict = arguments.strict or os.environ.get("RECORDBAKE_MODE") == STRICT  # as an image sets it
    mode = STRICT if strict else REPLAY
    return run_command(found, mode, arguments.command)
