"""``recordbake replay``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.guest.config import REPLAY, STRICT

if TYPE_CHECKING:
    import argparse

HELP = "run a command with its requests answered from the recording"
OPTIONS = (
    *options.RUN,
    "progress",
    "quiet",
    "hub_cache",
    "isolation",
    "strict_tests",
    "allow_live_tests",
)
EXITS = ("0", "N", "2", "10", "11", "12", "130")
DETAILS = """\
Without `--strict`, what is not recorded goes live and is reported. With it, that is blocked and
explained, a barrier keeps everything else from the network, and the run fails.
`RECORDBAKE_MODE=replay_strict`, as an image sets it, is the same as `--strict`.
"""
EXAMPLES = """\
recordbake replay -- pytest -q
recordbake replay --strict -- pytest -q -n 4
recordbake replay --strict --recording .recordbake/baked -- pytest -q
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.usage = f"{parser.prog} [options] -- COMMAND..."
    options.add_json_file(parser)
    parser.add_argument(
        "--strict", action="store_true", help="block what is not recorded, and fail the run"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.runner import run_command

    found = options.load(arguments, OPTIONS, reads=True)
    strict = arguments.strict or os.environ.get("RECORDBAKE_MODE") == STRICT  # as an image sets it
    mode = STRICT if strict else REPLAY
    return run_command(found, mode, arguments.command, json_to=arguments.json)
